//! The stock office's API, behind an authorizer. One file per noun. A handler has four steps:
//! parse, one operation, map, return.

mod announcement;
mod app;
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

use holdfast_http::Reply;
use holdfast_http::problem::Problem;
use lambda_http::{Body, Request, Response};
use operations::ids::Shop;

pub use app::App;
use app::Call;
pub use caller::{Caller, Callers};

/// Answers one request. Never fails: a failure is an answer too.
pub async fn handle(app: &App, request: Request) -> Response<Body> {
    holdfast_http::answer(&request, |request| route(app, request)).await
}

async fn route(app: &App, request: &Request) -> Result<Reply, Problem> {
    // First of all: an anonymous caller must not learn which paths exist.
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
