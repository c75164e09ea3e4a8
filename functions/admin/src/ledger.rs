//! The ledger, page by page.

use holdfast_http::Reply;
use holdfast_http::parse::Query;
use holdfast_http::problem::Problem;
use operations::ledger::{self, Filter, Position};
use operations::page::After;
use operations::quantity::PageLimit;

use crate::app::Call;
use crate::listed::listed;

const PARAMETERS: [&str; 8] = [
    "sku",
    "reference",
    "reason",
    "actor",
    "from",
    "until",
    "cursor",
    "limit",
];

pub(crate) async fn route(call: &Call<'_>) -> Result<Reply, Problem> {
    call.only_get()?;
    let query = Query::of(call.request, &PARAMETERS)?;
    let filter = Filter {
        sku: query.get("sku")?,
        reference: query.get("reference")?,
        reason: query.get("reason")?,
        actor: query.get("actor")?,
        from: query.get("from")?,
        until: query.get("until")?,
    };
    let after: Option<After<Position>> = query.get("cursor")?;
    let limit = query.get("limit")?.unwrap_or(PageLimit::USUAL);
    let page = ledger::list(&call.app.db, &call.shop, &filter, after.as_ref(), limit).await;
    listed("movements", page)
}
