//! The ledger, page by page.

use edge::Reply;
use edge::parse::Query;
use shared::ledger::{self, Filter, Place};
use shared::page::After;
use shared::problem::Problem;
use shared::quantity::PageLimit;

use crate::Call;
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
    let after: Option<After<Place>> = query.get("cursor")?;
    let limit = query.get("limit")?.unwrap_or(PageLimit::USUAL);
    let page = ledger::list(&call.app.db, &call.shop, &filter, after.as_ref(), limit).await;
    listed("movements", page)
}
