//! Claims payments and refunds that are due to be looked up at their gateways.

use tokio_postgres::Row;
use uuid::Uuid;

use crate::db::{Database, Failure};
use crate::ids::Shop;
use crate::payment::Gateway;

/// The rules of look-ups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Payments, and refunds, of one call.
    pub batch_max: i32,
    /// Seconds before the end of a hold from which its payment is looked up. If too low, a payment
    /// whose webhook was lost becomes a late one. If too high, orders are looked up while their
    /// shoppers still pay.
    pub before_s: i32,
    /// Seconds after the end of a hold until which its payment is looked up: gateways finish
    /// attempts that began before. Payments that a gateway knows are looked up once more after
    /// that, after a day and after three days.
    pub after_s: i32,
    /// Seconds after which a pending refund is looked up. A paid payment is looked up once after
    /// the same time: another attempt may have succeeded, too.
    pub pending_s: i32,
    /// Seconds between two look-ups of one payment or refund.
    pub again_s: i32,
}

/// A look-up to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// A payment. Its events go to [`crate::payment::record_event`].
    Payment {
        /// Our reference.
        reference: String,
        /// The gateway's order or session. `None` if the storefront created it: then each gateway
        /// of the shop is asked for our reference.
        order: Option<(Gateway, String)>,
    },
    /// A refund. Its result goes to [`crate::refund::report`].
    Refund {
        /// Our id.
        refund_id: Uuid,
        /// The gateway.
        gateway: Gateway,
        /// Our reference of the payment.
        reference: String,
        /// The gateway's id of the payment.
        gateway_payment_id: String,
        /// The gateway's id of the refund, if known.
        gateway_refund_id: Option<String>,
    },
}

/// Claims the due look-ups of a shop. A payment comes once for each of its gateway orders. Any
/// number of callers may run at once.
///
/// Locks: the payments, the refunds (SKIP LOCKED).
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn claim(db: &Database, shop: &Shop, limits: &Limits) -> Result<Vec<Lookup>, Failure> {
    let rows = db
        .call(
            "select * from holdfast.lookup_claim($1, $2, $3, $4, $5, $6)",
            &[
                &shop,
                &limits.batch_max,
                &limits.before_s,
                &limits.after_s,
                &limits.pending_s,
                &limits.again_s,
            ],
        )
        .await?;
    rows.iter().map(from_row).collect()
}

fn from_row(row: &Row) -> Result<Lookup, Failure> {
    let unknown = |what: &str| Failure::unknown_outcome("lookup_claim", what);
    let gateway: Option<&str> = row.get("o_gateway");
    let gateway: Option<Gateway> = gateway
        .map(|name| name.parse().map_err(|_| unknown(name)))
        .transpose()?;
    let reference = row.get("o_reference");
    match (row.get("o_what"), gateway) {
        ("payment", gateway) => {
            let order: Option<String> = row.get("o_gateway_order_id");
            let order = gateway.zip(order);
            Ok(Lookup::Payment { reference, order })
        }
        ("refund", Some(gateway)) => Ok(Lookup::Refund {
            refund_id: row.get("o_refund_id"),
            gateway,
            reference,
            gateway_payment_id: row.get("o_gateway_payment_id"),
            gateway_refund_id: row.get("o_gateway_refund_id"),
        }),
        (what, _) => Err(unknown(what)),
    }
}
