//! The journal of holds, page by page.

use edge::parse::Query;
use edge::{Reply, refused};
use serde::Serialize;
use shared::hold::{self, Filter, Hold, Place};
use shared::page::Cursor;
use shared::problem::Problem;
use shared::quantity::PageLimit;

use crate::Call;

#[derive(Serialize)]
struct Listed {
    holds: Vec<Hold>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<Cursor>,
}

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
    let after: Option<Place> = query.get("cursor")?;
    let limit = query.get("limit")?.unwrap_or(PageLimit::USUAL);
    match hold::list(&call.app.db, &call.shop, &filter, after.as_ref(), limit).await {
        Ok(page) => Reply::json(
            200,
            &Listed {
                holds: page.rows,
                next: page.next,
            },
        ),
        Err(error) => Err(refused(&error)),
    }
}
