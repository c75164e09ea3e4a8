//! The journal of holds, page by page.

use holdfast_http::Reply;
use holdfast_http::parse::Query;
use holdfast_http::problem::Problem;
use operations::hold::{self, Filter, Position};
use operations::page::After;
use operations::quantity::PageLimit;

use crate::app::Call;
use crate::listed::listed;

const PARAMETERS: [&str; 6] = [
    "sku",
    "checkout_id",
    "customer",
    "status",
    "cursor",
    "limit",
];

pub(crate) async fn route(call: &Call<'_>) -> Result<Reply, Problem> {
    call.only_get()?;
    let query = Query::of(call.request, &PARAMETERS)?;
    let filter = Filter {
        sku: query.get("sku")?,
        checkout_id: query.get("checkout_id")?,
        customer: query.get("customer")?,
        status: query.get("status")?,
    };
    let after: Option<After<Position>> = query.get("cursor")?;
    let limit = query.get("limit")?.unwrap_or(PageLimit::USUAL);
    let page = hold::list(&call.app.db, &call.shop, &filter, after.as_ref(), limit).await;
    listed("holds", page)
}
