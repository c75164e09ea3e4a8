//! Creates the gateway's order when an order is made, so that the storefront can let the shopper
//! pay. This happens after the order's transaction, never inside it.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use operations::cause::Cause;
use operations::db::{Database, Failure};
use operations::gateway_order::{self, GatewayOrder, Put, PutError, Stored};
use operations::ids::{PaymentReference, Shop};
use operations::order::Order;
use operations::payment::Gateway;
use tokio::time::timeout;

use crate::{Accounts, Closed, GatewayError, Gateways, KnownOrder, NewOrder};

/// A shopper waits for this call. If too low, a slow gateway is given up while it works. If too
/// high, the function's own timeout comes first, and the shopper gets no answer.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);
/// Digits of a phone number, by ITU-T E.164.
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 8..=15;
/// Characters of a phone number, with spaces and punctuation.
const PHONE_CHARS_MAX: usize = 32;

/// A customer's phone number: digits, optionally after a `+`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phone(String);

impl FromStr for Phone {
    type Err = InvalidPhone;

    /// Removes the spaces and punctuation between the digits.
    fn from_str(text: &str) -> Result<Self, InvalidPhone> {
        let bare: String = text.chars().filter(|c| !" -().".contains(*c)).collect();
        let digits = bare.strip_prefix('+').unwrap_or(&bare);
        let fits = text.chars().count() <= PHONE_CHARS_MAX
            && PHONE_DIGITS.contains(&digits.len())
            && digits.bytes().all(|b| b.is_ascii_digit());
        fits.then_some(Self(bare)).ok_or(InvalidPhone)
    }
}

/// Why a text is no phone number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 8 to 15 digits, with or without a + before them")]
pub struct InvalidPhone;

/// An order that is to be paid at a gateway.
pub struct Opening<'a> {
    pub shop: &'a Shop,
    /// The order, which awaits its payment.
    pub order: &'a Order,
    pub gateway: Gateway,
    /// The customer's phone.
    pub phone: Option<&'a Phone>,
}

/// Why there is no gateway order. Our order is unchanged. In order of precedence.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the gateways' accounts can't be fetched: {0}")]
    Accounts(Cause),
    #[error(transparent)]
    Gateway(#[from] GatewayError),
    /// The order was paid or has ended meanwhile. Or its hold is about to end, so its gateway order
    /// was closed, and there will be no other.
    #[error("the order is paid or has ended")]
    Ended,
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// Returns the open gateway order of an order. If there is none, it creates one and stores it. Any
/// number of calls at once get the same one.
///
/// Locks: none during the call. Afterwards the payment and the gateway order.
///
/// # Errors
/// [`OpenError`]. The same call may be repeated after any of them.
pub async fn open(
    db: &Database,
    accounts: &Accounts,
    opening: &Opening<'_>,
) -> Result<GatewayOrder, OpenError> {
    let (shop, gateway) = (opening.shop, opening.gateway);
    let reference = PaymentReference::of_order(shop, &opening.order.order_id);
    if let Some(open) = gateway_order::read(db, shop, &reference, gateway).await? {
        return Ok(open);
    }
    let mut gateways = accounts.now().await.map_err(OpenError::Accounts)?;
    let mut made = create(&gateways, opening).await;
    if matches!(made, Err(GatewayError::Unauthorized(_)))
        && let Some(newer) = accounts.newer_than(&gateways).await
    {
        gateways = newer;
        made = create(&gateways, opening).await;
    }
    let made = made?;
    let left = |at: time::OffsetDateTime| (at - opening.order.server_time).whole_seconds();
    let put = Put {
        shop: shop.clone(),
        reference,
        gateway,
        gateway_order_id: made.gateway_order_id,
        other_order_id: made.other_order_id,
        data: made.data,
        expires_in_s: made.expires_at.and_then(|at| left(at).try_into().ok()),
    };
    match gateway_order::put(db, &put).await {
        Ok(Stored::This(kept)) => Ok(kept),
        Ok(Stored::Other(kept)) => {
            close(&gateways, opening, put.gateway_order_id).await;
            Ok(kept)
        }
        Err(PutError::Ended) => {
            close(&gateways, opening, put.gateway_order_id).await;
            Err(OpenError::Ended)
        }
        Err(PutError::Failure(failure)) => Err(failure.into()),
        Err(error @ (PutError::NotFound | PutError::Conflict)) => {
            close(&gateways, opening, put.gateway_order_id).await;
            Err(Failure::Internal(error.into()).into())
        }
    }
}

async fn create(
    gateways: &Arc<Gateways>,
    opening: &Opening<'_>,
) -> Result<crate::GatewayOrder, GatewayError> {
    let (order, gateway) = (opening.order, opening.gateway);
    let new = NewOrder {
        reference: order.payment.reference.clone(),
        amount_minor: order.payment.amount_minor,
        currency: order.currency.clone(),
        customer: order.customer.clone(),
        phone: opening.phone.map(|phone| phone.0.clone()),
        now: order.server_time,
        // not the hold's own end: a try to pay makes that later, and the sweeper closes the order
        // early
        expires_at: Some(order.expires_at_latest),
    };
    let answer = gateways.of(opening.shop, gateway)?.create_order(&new);
    timeout(CALL_TIMEOUT, answer)
        .await
        .unwrap_or(Err(GatewayError::Unavailable {
            gateway,
            reason: "it took too long",
        }))
        .inspect_err(GatewayError::count)
}

/// Closes a gateway order that no shopper saw. If that fails, it ends by itself: nobody can pay an
/// order that nobody knows.
async fn close(gateways: &Gateways, opening: &Opening<'_>, gateway_order_id: String) {
    let order = KnownOrder {
        reference: opening.order.payment.reference.clone(),
        gateway_order_id: Some(gateway_order_id),
    };
    let Ok(api) = gateways.of(opening.shop, opening.gateway) else {
        return;
    };
    let why = match timeout(CALL_TIMEOUT, api.close_order(&order)).await {
        Ok(Ok(Closed::Closed | Closed::Unsupported)) => return,
        Ok(Ok(closed)) => format!("{closed:?}"),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "it took too long".to_owned(),
    };
    tracing::warn!(why, "an unused order stays open at its gateway");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_is_digits_whatever_is_between_them() {
        let parsed = |text: &str| text.parse::<Phone>().map(|phone| phone.0);
        assert_eq!(parsed("+91 (484) 000-0000"), Ok("+914840000000".to_owned()));
        assert_eq!(parsed("9898989898"), Ok("9898989898".to_owned()));
        for wrong in [
            "",
            "+",
            "1234567",
            "1234567890123456",
            "98989x8989",
            "98+98989898",
        ] {
            assert_eq!(parsed(wrong), Err(InvalidPhone), "{wrong}");
        }
    }
}
