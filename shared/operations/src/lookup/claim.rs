//! Takes payments and refunds that are to be looked up at their gateways now.

use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::db::{Database, Failure};
use crate::ids::Shop;
use crate::payment::Gateway;

/// What is looked up, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Payments, and refunds, that one call takes at most.
    pub batch_max: i32,
    /// Payments whose hold ends within so many seconds. Too low and a payment whose webhook was
    /// lost is a late one; too high and orders are looked up whose shoppers are still paying.
    pub before_s: i32,
    /// And those whose hold ended not more than so many seconds ago: gateways honour attempts that
    /// were begun before. Once more after that, and after a day and three, what gateways know of.
    pub after_s: i32,
    /// Refunds that the gateway took on more than so many seconds ago. Also, once, payments that
    /// were paid so many seconds ago: another attempt may have gone through too.
    pub pending_s: i32,
    /// None that was looked up in the last so many seconds.
    pub again_s: i32,
}

/// Something to look up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// What has come of a payment: its events go to [`crate::payment::record_event`].
    Payment {
        /// Our reference.
        reference: String,
        /// The gateway's order or session; none where the storefront made it: then only our
        /// reference can be asked for, at whichever gateways the shop has.
        order: Option<(Gateway, String)>,
    },
    /// What has come of a refund: it goes to [`crate::refund::report`].
    Refund {
        /// Ours.
        refund_id: Uuid,
        /// Where.
        gateway: Gateway,
        /// Our reference of the payment.
        reference: String,
        /// The gateway's id of the payment.
        gateway_payment_id: String,
        /// The gateway's id of the refund, where it told.
        gateway_refund_id: Option<String>,
    },
}

/// Takes what is to be looked up in a shop now. A payment comes once for each of its orders at
/// gateways. Safe in any number of copies at once.
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
                (&shop.as_str(), Type::TEXT),
                (&limits.batch_max, Type::INT4),
                (&limits.before_s, Type::INT4),
                (&limits.after_s, Type::INT4),
                (&limits.pending_s, Type::INT4),
                (&limits.again_s, Type::INT4),
            ],
        )
        .await?;
    rows.iter().map(from_row).collect()
}

fn from_row(row: &Row) -> Result<Lookup, Failure> {
    let unknown = |what: &str| Failure::unknown_outcome("lookup_claim", what);
    let gateway: Option<&str> = row.get("o_gateway");
    let gateway: Option<Gateway> = gateway
        .map(|name| name.parse().map_err(|()| unknown(name)))
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
