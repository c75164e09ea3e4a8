//! Opens an order's payment at the gateway that the storefront chose.

use gateways::{GatewayError, OpenError, Opening};
use holdfast_http::problem::Problem;
use holdfast_http::refused;
use operations::cause::causes;
use operations::gateway_order::GatewayOrder;
use operations::ids::Shop;
use operations::order::Order;
use operations::utc::Utc;
use serde::Serialize;
use serde_json::Value;

use crate::app::App;
use crate::parse::PayAt;

/// An order with its gateway order.
#[derive(Serialize)]
pub(crate) struct Payable<'a> {
    #[serde(flatten)]
    order: &'a Order,
    /// `None` when nothing is left to pay.
    #[serde(skip_serializing_if = "Option::is_none")]
    gateway_order: Option<Made>,
}

#[derive(Serialize)]
struct Made {
    gateway: String,
    gateway_order_id: String,
    data: Value,
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

/// Checks, before the order exists, that the shop has an account at the gateway.
pub(crate) async fn known(app: &App, shop: &Shop, pay_at: &PayAt) -> Result<(), Problem> {
    let gateways = app.accounts.now().await.map_err(|cause| {
        let causes = causes(&*cause);
        tracing::error!(causes, "the gateways' accounts could not be fetched");
        Problem::unavailable()
    })?;
    match gateways.of(shop, pay_at.gateway) {
        Ok(_) => Ok(()),
        Err(_) => {
            let message = format!("the shop has no account at {}", pay_at.gateway);
            Err(Problem::invalid_request("payment_gateway", &message))
        }
    }
}

/// The order with its gateway order.
pub(crate) async fn open<'a>(
    app: &App,
    shop: &Shop,
    order: &'a Order,
    pay_at: &PayAt,
) -> Result<Payable<'a>, Problem> {
    let ended = Payable {
        order,
        gateway_order: None,
    };
    if order.status != "awaiting_payment" {
        return Ok(ended);
    }
    let opening = Opening {
        shop,
        order,
        gateway: pay_at.gateway,
        phone: pay_at.phone.as_ref(),
    };
    match gateways::open(&app.db, &app.accounts, &opening).await {
        Ok(made) => Ok(Payable {
            order,
            gateway_order: Some(made.into()),
        }),
        Err(OpenError::Ended) => Ok(ended),
        Err(OpenError::Failure(failure)) => Err(refused(&failure)),
        Err(OpenError::Accounts(cause)) => {
            let causes = causes(&*cause);
            tracing::error!(causes, "the gateways' accounts could not be fetched");
            Err(Problem::unavailable())
        }
        Err(OpenError::Gateway(error)) => {
            tracing::warn!(gateway = %pay_at.gateway, %error, "a gateway did not accept an order");
            Err(problem(&error, pay_at))
        }
    }
}

/// A problem that tells the storefront to wait, or to offer another gateway.
fn problem(error: &GatewayError, pay_at: &PayAt) -> Problem {
    match error {
        GatewayError::Unavailable { .. } | GatewayError::Busy { .. } => {
            Problem::gateway_unavailable(pay_at.gateway)
        }
        GatewayError::Refused { code, .. } => Problem::gateway_refused(pay_at.gateway, code),
        GatewayError::Unfit { reason, .. } => Problem::gateway_refused(pay_at.gateway, reason),
        // only the shop can mend these, so the caller learns no detail
        GatewayError::NotConfigured(_)
        | GatewayError::Unauthorized(_)
        | GatewayError::NotFound(_)
        | GatewayError::Unreadable { .. } => Problem::gateway_refused(pay_at.gateway, ""),
    }
}
