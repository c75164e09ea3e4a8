//! The storefront's API. A handler has four steps: parse, one operation, map, return.

mod app;
pub mod caller;
pub mod parse;
mod pay;

use holdfast_http::problem::Problem;
use holdfast_http::{Reply, found, refused};
use lambda_http::http::Method;
use lambda_http::{Body, Request, Response};
use operations::checkout::{self, Begun};
use operations::ids::{CheckoutId, Shop};
use operations::order::{self, Created, Order};
use operations::stock;

pub use app::App;
pub use caller::{Caller, Callers};
use parse::OrderRequest;
use serde::Serialize;

/// Answers one request. Never fails: a failure is an answer too.
pub async fn handle(app: &App, request: Request) -> Response<Body> {
    holdfast_http::answer(&request, |request| route(app, request)).await
}

async fn route(app: &App, request: &Request) -> Result<Reply, Problem> {
    let path = request.uri().path();
    let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let ["v1", "shops", shop, rest @ ..] = segments.as_slice() else {
        return Err(Problem::not_found("path"));
    };
    let caller = app.callers.identify(request)?;
    let shop: Shop = shop.parse().map_err(|_| Problem::not_found("shop"))?;
    if !caller.may_act_for(&shop) {
        return Err(Problem::not_found("shop"));
    }
    match (rest, request.method()) {
        (["availability"], &Method::GET) => availability(app, &shop, request).await,
        (["availability"], _) => Err(Problem::method_not_allowed("GET")),
        (["checkouts", id], method) => {
            let id = parse::checkout_id(id)?;
            match *method {
                Method::PUT => begin(app, shop, id, &caller, request).await,
                Method::GET => read(app, &shop, id, &caller).await,
                Method::DELETE => release(app, &shop, id, &caller).await,
                _ => Err(Problem::method_not_allowed("PUT, GET, DELETE")),
            }
        }
        (["checkouts", id, "extend"], &Method::POST) => {
            extend(app, &shop, parse::checkout_id(id)?, &caller, request).await
        }
        (["checkouts", _, "extend"], _) => Err(Problem::method_not_allowed("POST")),
        (["checkouts", id, "order"], method) => {
            let id = parse::checkout_id(id)?;
            match *method {
                Method::POST => order_create(app, shop, id, &caller, request).await,
                Method::GET => order_read(app, &shop, id, &caller).await,
                _ => Err(Problem::method_not_allowed("POST, GET")),
            }
        }
        _ => Err(Problem::not_found("path")),
    }
}

async fn begin(
    app: &App,
    shop: Shop,
    id: CheckoutId,
    caller: &Caller,
    request: &Request,
) -> Result<Reply, Problem> {
    let begin = parse::begin(shop, id, caller, request.body())?;
    match checkout::begin(&app.db, &begin).await {
        Ok(Begun::Placed(checkout)) => Reply::json(201, &checkout),
        Ok(Begun::Replaced(checkout) | Begun::Same(checkout)) => Reply::json(200, &checkout),
        Err(error) => Err(refused(&error)),
    }
}

async fn read(app: &App, shop: &Shop, id: CheckoutId, caller: &Caller) -> Result<Reply, Problem> {
    Reply::found(
        "checkout",
        checkout::read(&app.db, shop, id, caller.customer()).await,
    )
}

async fn extend(
    app: &App,
    shop: &Shop,
    id: CheckoutId,
    caller: &Caller,
    request: &Request,
) -> Result<Reply, Problem> {
    let hold = parse::extend(request.body())?;
    Reply::of(checkout::extend(&app.db, shop, id, caller.customer(), hold).await)
}

async fn release(
    app: &App,
    shop: &Shop,
    id: CheckoutId,
    caller: &Caller,
) -> Result<Reply, Problem> {
    Reply::of(checkout::release(&app.db, shop, id, caller.customer()).await)
}

async fn order_create(
    app: &App,
    shop: Shop,
    id: CheckoutId,
    caller: &Caller,
    request: &Request,
) -> Result<Reply, Problem> {
    let OrderRequest { create, pay_at } = parse::order(shop, id, caller, request.body())?;
    if let Some(pay_at) = &pay_at {
        pay::known(app, &create.shop, pay_at).await?;
    }
    let (status, order) = match order::create(&app.db, &create).await {
        Ok(Created::New(order)) => (201, order),
        Ok(Created::Same(order)) => (200, order),
        Err(error) => return Err(refused(&error)),
    };
    match pay_at {
        Some(pay_at) => {
            let payable = pay::open(app, &create.shop, &order, &pay_at).await?;
            reply(status, &order, &payable)
        }
        None => reply(status, &order, &order),
    }
}

async fn order_read(
    app: &App,
    shop: &Shop,
    id: CheckoutId,
    caller: &Caller,
) -> Result<Reply, Problem> {
    let order = order::read(&app.db, shop, id, caller.customer()).await;
    let order = found("order", order)?;
    reply(200, &order, &order)
}

fn reply(status: u16, order: &Order, body: &impl Serialize) -> Result<Reply, Problem> {
    holdfast_http::about_order(order.order_id, &order.payment.reference);
    Reply::json(status, body)
}

async fn availability(app: &App, shop: &Shop, request: &Request) -> Result<Reply, Problem> {
    let skus = parse::skus(request)?;
    Reply::of(stock::availability(&app.db, shop, &skus).await)
}
