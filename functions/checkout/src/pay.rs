//! Opens an order's payment at the gateway that the storefront chose.

use gateways::{GatewayError, OpenError, Opening, Phone};
use holdfast_http::Problem;
use holdfast_http::problem::UNAVAILABLE;
use operations::cause::causes;
use operations::gateway_order::GatewayOrder;
use operations::ids::Shop;
use operations::order::Order;
use operations::payment::Gateway;
use operations::refusal::Kind;
use operations::refusals;
use operations::utc::Utc;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::app::App;

/// The gateway that takes an order's payment.
pub(crate) struct PayAt {
    pub(crate) gateway: Gateway,
    /// The customer's phone, from the body or from the address.
    pub(crate) phone: Option<Phone>,
}

/// An order and, with a `payment_gateway`, the gateway's order.
#[derive(Serialize, ToSchema)]
#[schema(as = OrderToPay)]
pub(crate) struct Payable {
    #[serde(flatten)]
    pub(crate) order: Order,
    #[serde(skip_serializing_if = "Option::is_none")]
    gateway_order: Option<Made>,
}

/// The gateway's order, and the data that the storefront needs from it. Missing if the order is
/// paid or has ended. Also missing from 90 seconds (by default) before the stock's hold ends:
/// then the gateway's order is closed, although the order still waits for its payment.
#[derive(Serialize, ToSchema)]
#[schema(as = GatewayOrder)]
struct Made {
    #[schema(value_type = Gateway)]
    gateway: String,
    /// The gateway's id of its order, session or intent.
    #[schema(example = "cs_test_a1b2c3")]
    gateway_order_id: String,
    /// - Cashfree: `payment_session_id`, for its library or page.
    /// - Stripe: `url` of its own page, if the account has a `return_url`; otherwise
    ///   `client_secret`, for its library.
    /// - Razorpay: `order_id`, `key_id`, `amount` and `currency`, for its library.
    #[schema(value_type = Object)]
    data: Value,
    /// When the gateway ends it by itself. Holdfast closes it 90 seconds (`CLOSE_BEFORE_S`)
    /// before the stock's hold ends, if the gateway can. No shopper should begin to pay after
    /// that.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Utc>,
}

impl From<GatewayOrder> for Made {
    fn from(order: GatewayOrder) -> Self {
        Self {
            gateway: order.gateway,
            gateway_order_id: order.gateway_order_id,
            data: order.data,
            expires_at: order.expires_at,
        }
    }
}

impl Payable {
    pub(crate) fn without_gateway(order: Order) -> Self {
        Self {
            order,
            gateway_order: None,
        }
    }
}

/// The gateway that can't take the payment now.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NoAnswer {
    gateway: Gateway,
}

impl NoAnswer {
    fn sentence(&self) -> String {
        format!(
            "The order is made and its stock is held, but {} does not answer. Send the same \
             request again, or one with another payment_gateway.",
            self.gateway
        )
    }
}

/// The gateway whose account of the shop does not work.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NoUse {
    gateway: Gateway,
}

impl NoUse {
    fn sentence(&self) -> String {
        format!(
            "The order is made and its stock is held, but the shop's account at {} does not work. \
             Send the request again with another payment_gateway.",
            self.gateway
        )
    }
}

/// The gateway that refuses the payment.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GatewayRefusal {
    gateway: Gateway,
    /// The gateway's code.
    #[schema(example = "customer_phone_invalid")]
    reason: String,
}

impl GatewayRefusal {
    fn sentence(&self) -> String {
        format!(
            "The order is made and its stock is held, but {} refuses it. Send the request again \
             with another payment_gateway, or with another phone if `reason` is about the phone.",
            self.gateway
        )
    }
}

const GATEWAY_UNAVAILABLE: Kind = Kind {
    status: 503,
    code: "gateway_unavailable",
    title: "The gateway does not answer",
    detail: "The order is made and its stock is held, but the gateway does not answer. Send the \
             same request again, or one with another payment_gateway.",
};
const GATEWAY_UNUSABLE: Kind = Kind {
    status: 502,
    code: "gateway_unusable",
    title: "The shop's account at the gateway does not work",
    detail: "The order is made and its stock is held, but the shop's account at the gateway does \
             not work. Send the request again with another payment_gateway.",
};
const GATEWAY_REFUSED: Kind = Kind {
    status: 422,
    code: "gateway_refused",
    title: "The gateway refuses the order",
    detail: "The order is made and its stock is held, but the gateway refuses it. Send the \
             request again with another payment_gateway, or with another phone if `reason` is \
             about the phone.",
};

refusals! {
    /// Why an order can't be paid in this way.
    pub enum PayError {
        /// the order is made and its stock is held, but the gateway does not answer. Send the same
        /// request again, or one with another `payment_gateway`.
        GatewayUnavailable(all: NoAnswer) => GATEWAY_UNAVAILABLE, all.sentence();
        /// the order is made and its stock is held, but the shop's account at the gateway does not
        /// work. Only the shop can mend that. Send the request again with another
        /// `payment_gateway`.
        GatewayUnusable(all: NoUse) => GATEWAY_UNUSABLE, all.sentence();
        /// the order is made and its stock is held, but the gateway refuses it. `reason` is the
        /// gateway's code. Send the request again with another `payment_gateway`.
        GatewayRefused(all: GatewayRefusal) => GATEWAY_REFUSED, all.sentence();
        AccountsUnavailable => UNAVAILABLE;
    }
}

/// Checks, before the order exists, that the shop has an account at the gateway.
pub(crate) async fn known(app: &App, shop: &Shop, pay_at: &PayAt) -> Result<(), Problem> {
    let gateways = app.accounts.now().await.map_err(|cause| {
        let causes = causes(&*cause);
        tracing::error!(causes, "the gateways' accounts could not be fetched");
        Problem::from(UNAVAILABLE)
    })?;
    gateways.of(shop, pay_at.gateway).map(|_| ()).map_err(|_| {
        let message = format!("the shop has no account at {}", pay_at.gateway);
        Problem::invalid("payment_gateway", message)
    })
}

/// The order with its gateway order.
pub(crate) async fn open(
    app: &App,
    shop: &Shop,
    order: Order,
    pay_at: &PayAt,
) -> Result<Payable, PayError> {
    if order.status != "awaiting_payment" {
        return Ok(Payable::without_gateway(order));
    }
    let opening = Opening {
        shop,
        order: &order,
        gateway: pay_at.gateway,
        phone: pay_at.phone.as_ref(),
    };
    match gateways::open(&app.db, &app.accounts, &opening).await {
        Ok(made) => Ok(Payable {
            order,
            gateway_order: Some(made.into()),
        }),
        Err(OpenError::Ended) => Ok(Payable::without_gateway(order)),
        Err(OpenError::Failure(failure)) => Err(failure.into()),
        Err(OpenError::Accounts(cause)) => {
            let causes = causes(&*cause);
            tracing::error!(causes, "the gateways' accounts could not be fetched");
            Err(PayError::AccountsUnavailable)
        }
        Err(OpenError::Gateway(error)) => {
            tracing::warn!(gateway = %pay_at.gateway, %error, "a gateway did not accept an order");
            Err(refusal(error, pay_at.gateway))
        }
    }
}

/// Tells the storefront to wait, or to offer another gateway.
fn refusal(error: GatewayError, gateway: Gateway) -> PayError {
    let reason = match error {
        GatewayError::Unavailable { .. } | GatewayError::Busy { .. } => {
            return PayError::GatewayUnavailable(NoAnswer { gateway });
        }
        GatewayError::Refused { code, .. } => code,
        GatewayError::Unfit { reason, .. } => reason.to_owned(),
        // only the shop can mend these, so the caller learns no detail
        GatewayError::NotConfigured(_)
        | GatewayError::Unauthorized(_)
        | GatewayError::NotFound(_)
        | GatewayError::Unreadable { .. } => {
            return PayError::GatewayUnusable(NoUse { gateway });
        }
    };
    PayError::GatewayRefused(GatewayRefusal { gateway, reason })
}
