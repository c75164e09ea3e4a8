//! The ledger, page by page.

use edge::parse::Query;
use edge::{Reply, refused};
use serde::Serialize;
use shared::ledger::{self, Filter, Place};
use shared::page::Cursor;
use shared::problem::Problem;
use shared::quantity::PageLimit;
use shared::stock::Movement;

use crate::Call;

#[derive(Serialize)]
struct Listed {
    movements: Vec<Movement>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<Cursor>,
}

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
    let after: Option<Place> = query.get("cursor")?;
    let limit = query.get("limit")?.unwrap_or(PageLimit::USUAL);
    match ledger::list(&call.app.db, &call.shop, &filter, after.as_ref(), limit).await {
        Ok(page) => Reply::json(
            200,
            &Listed {
                movements: page.rows,
                next: page.next,
            },
        ),
        Err(error) => Err(refused(&error)),
    }
}
