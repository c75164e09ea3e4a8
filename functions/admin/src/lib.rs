//! Routes of the stock office's API, all of them behind an authorizer. A handler has four steps:
//! parse, one operation, map, return; each noun has a file.
//!
//! | route | operation |
//! |---|---|
//! | `PUT /v1/admin/shops/{shop}` | [`shared::shop::put`] |
//! | `GET /v1/admin/shops/{shop}` | [`shared::shop::read`] |
//! | `PUT /v1/admin/shops/{shop}/announcements` | [`shared::announcement::put`] |
//! | `GET /v1/admin/shops/{shop}/announcements` | [`shared::announcement::read`] |
//! | `GET /v1/admin/shops/{shop}/subscribers` | [`shared::subscriber::list`] |
//! | `PUT /v1/admin/shops/{shop}/subscribers/{name}` | [`shared::subscriber::put`] |
//! | `GET /v1/admin/shops/{shop}/subscribers/{name}` | [`shared::subscriber::read`] |
//! | `DELETE /v1/admin/shops/{shop}/subscribers/{name}` | [`shared::subscriber::delete`] |
//! | `GET /v1/admin/shops/{shop}/skus` | [`shared::sku::list`] |
//! | `PUT /v1/admin/shops/{shop}/skus/{sku}` | [`shared::sku::put`] |
//! | `GET /v1/admin/shops/{shop}/skus/{sku}` | [`shared::sku::read`] |
//! | `DELETE /v1/admin/shops/{shop}/skus/{sku}` | [`shared::sku::retire`] |
//! | `GET /v1/admin/shops/{shop}/stock/{sku}` | [`shared::stock::read`] |
//! | `POST /v1/admin/shops/{shop}/stock/{sku}/receive` | [`shared::stock::receive`] |
//! | `POST /v1/admin/shops/{shop}/stock/{sku}/adjust` | [`shared::stock::adjust`] |
//! | `POST /v1/admin/shops/{shop}/stock/{sku}/set` | [`shared::stock::set`] |
//! | `POST /v1/admin/shops/{shop}/stock/{sku}/shrink` | [`shared::stock::shrink`] |
//! | `GET /v1/admin/shops/{shop}/ledger` | [`shared::ledger::list`] |
//! | `GET /v1/admin/shops/{shop}/holds` | [`shared::hold::list`] |
//! | `GET /v1/admin/shops/{shop}/coupons` | [`shared::coupon::list`] |
//! | `PUT /v1/admin/shops/{shop}/coupons/{code}` | [`shared::coupon::put`] |
//! | `GET /v1/admin/shops/{shop}/coupons/{code}` | [`shared::coupon::read`] |
//! | `GET /v1/admin/shops/{shop}/search` | [`shared::history::search`] |
//! | `GET /v1/admin/shops/{shop}/promises` | [`shared::promises::check`] |
//! | `PUT /v1/admin/shops/{shop}/desk/orders/{checkout_id}` | [`shared::order::book`] |
//! | `PATCH /v1/admin/shops/{shop}/desk/orders/{checkout_id}` | [`shared::order::amend`] |
//! | `DELETE /v1/admin/shops/{shop}/desk/orders/{checkout_id}` | [`shared::order::cancel`] |
//! | `POST /v1/admin/shops/{shop}/orders/{order_id}/restock` | [`shared::order::restock`] |
//! | `GET /v1/admin/shops/{shop}/orders/{order_id}/refunds` | [`shared::refund::overview`] |
//! | `POST /v1/admin/shops/{shop}/orders/{order_id}/refunds` | [`shared::refund::request`] |
//! | `GET /v1/admin/shops/{shop}/refunds` | [`shared::refund::list`] |
//! | `POST /v1/admin/shops/{shop}/refunds/{refund_id}/retry` | [`shared::refund::retry`] |
//! | `POST /v1/admin/shops/{shop}/payment-events/redrive` | [`shared::payment::redrive`] |
//! | `GET /v1/admin/shops/{shop}/skus/{sku}/manifest` | [`shared::sku::manifest`] |
//! | `PUT /v1/admin/shops/{shop}/imports/{import_id}/parts/{part}` | [`shared::import::stage`] |
//! | `POST /v1/admin/shops/{shop}/imports/{import_id}/apply` | [`shared::import::apply`] |
//! | `GET /v1/admin/shops/{shop}/imports/{import_id}/report` | [`shared::import::report`] |
//! | `GET /v1/admin/shops/{shop}/export` | [`shared::sku::export`] |

mod announcement;
pub mod caller;
mod coupon;
mod desk;
mod history;
mod hold;
mod import;
mod ledger;
mod listed;
mod order;
mod payment;
mod promises;
mod refund;
mod shop;
mod sku;
mod stock;
mod subscriber;

use edge::Reply;
use lambda_http::http::Method;
use lambda_http::{Body, Request, Response};
use shared::db::Database;
use shared::ids::{Actor, Shop, Sku};
use shared::problem::Problem;

pub use caller::{Caller, Callers};

/// What one process needs to answer.
pub struct App {
    /// The database.
    pub db: Database,
    /// Who may call.
    pub callers: Callers,
}

/// One request of a caller who may act for the shop.
struct Call<'a> {
    app: &'a App,
    shop: Shop,
    actor: &'a Actor,
    request: &'a Request,
}

/// Answers one request. Never fails: a failure is an answer too.
pub async fn handle(app: &App, request: Request) -> Response<Body> {
    edge::answer(&request, |request| route(app, request)).await
}

async fn route(app: &App, request: &Request) -> Result<Reply, Problem> {
    // Before anything else: who is nobody learns nothing, not even which paths there are.
    let caller = app.callers.identify(request)?;
    let path = request.uri().path();
    let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let ["v1", "admin", "shops", shop, rest @ ..] = segments.as_slice() else {
        return Err(Problem::not_found("path"));
    };
    let shop: Shop = shop.parse().map_err(|_| Problem::not_found("shop"))?;
    if !caller.may_act_for(&shop) {
        return Err(Problem::not_found("shop"));
    }
    let call = Call {
        app,
        shop,
        actor: caller.actor(),
        request,
    };
    match rest {
        [] => shop::route(&call).await,
        ["subscribers", rest @ ..] => subscriber::route(&call, rest).await,
        ["announcements"] => announcement::route(&call).await,
        ["skus", rest @ ..] => sku::route(&call, rest).await,
        ["desk", rest @ ..] => desk::route(&call, rest).await,
        ["orders", rest @ ..] => order::route(&call, rest).await,
        ["refunds", rest @ ..] => refund::route(&call, rest).await,
        ["payment-events", rest @ ..] => payment::route(&call, rest).await,
        ["imports", rest @ ..] => import::route(&call, rest).await,
        ["export"] => import::export(&call).await,
        ["stock", rest @ ..] => stock::route(&call, rest).await,
        ["ledger"] => ledger::route(&call).await,
        ["holds"] => hold::route(&call).await,
        ["coupons", rest @ ..] => coupon::route(&call, rest).await,
        ["search"] => history::route(&call).await,
        ["promises"] => promises::route(&call).await,
        _ => Err(Problem::not_found("path")),
    }
}

impl Call<'_> {
    /// Refuses every method but GET.
    fn only_get(&self) -> Result<(), Problem> {
        match *self.request.method() {
            Method::GET => Ok(()),
            _ => Err(Problem::method_not_allowed("GET")),
        }
    }
}

/// The sku's code in the path.
fn sku_of(segment: &str) -> Result<Sku, Problem> {
    segment
        .parse()
        .map_err(|error| edge::parse::invalid("sku", &error))
}
