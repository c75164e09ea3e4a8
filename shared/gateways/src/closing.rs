//! Closes the gateway orders of a checkout right after it has ended, so that its shopper cannot pay
//! any more what nobody holds. The sweeper closes what this leaves open.

use std::time::Duration;

use futures_util::future::join_all;
use operations::cause::causes;
use operations::db::Database;
use operations::gateway_order::{self, Due};
use operations::ids::{CheckoutId, Shop};
use tokio::time::timeout;

use crate::{Accounts, Closed, Gateways, KnownOrder};

/// A shopper waits for this. If too low, a slow gateway's order stays open until a sweep.
const CALL_TIMEOUT: Duration = Duration::from_secs(3);

/// Closes them, if their gateways answer in time. Never fails: the sweeper does the rest.
///
/// Locks: none during the calls. Before and after, the gateway orders.
pub async fn close_ended(db: &Database, accounts: &Accounts, shop: &Shop, checkout_id: CheckoutId) {
    let ended = match gateway_order::claim(db, shop, checkout_id).await {
        Ok(ended) if ended.is_empty() => return,
        Ok(ended) => ended,
        Err(failure) => {
            let causes = causes(&failure);
            tracing::warn!(
                causes,
                "the gateway orders of a checkout stay open until a sweep"
            );
            return;
        }
    };
    let gateways = match accounts.now().await {
        Ok(gateways) => gateways,
        Err(cause) => {
            let causes = causes(&*cause);
            tracing::warn!(
                causes,
                "the gateway orders of a checkout stay open until a sweep"
            );
            return;
        }
    };
    join_all(ended.iter().map(|due| close(db, &gateways, shop, due))).await;
}

async fn close(db: &Database, gateways: &Gateways, shop: &Shop, due: &Due) {
    let order = KnownOrder {
        reference: due.reference.clone(),
        gateway_order_id: Some(due.gateway_order_id.clone()),
    };
    let why = match gateways.of(shop, due.gateway) {
        Ok(api) => match timeout(CALL_TIMEOUT, api.close_order(&order)).await {
            Ok(Ok(Closed::Closed)) => {
                let id = &due.gateway_order_id;
                match gateway_order::close(db, shop, due.gateway, id).await {
                    Ok(_) => return,
                    Err(failure) => causes(&failure),
                }
            }
            // not a fault, and true of each release
            Ok(Ok(Closed::Unsupported)) => {
                tracing::debug!(gateway = %due.gateway, "this gateway can't close orders");
                return;
            }
            // paid, or in an unknown state: the sweeper looks it up
            Ok(Ok(closed)) => format!("{closed:?}"),
            Ok(Err(error)) => {
                error.count();
                error.to_string()
            }
            Err(_) => "it took too long".to_owned(),
        },
        Err(error) => error.to_string(),
    };
    tracing::warn!(gateway = %due.gateway, why, "a gateway order stays open until a sweep");
}
