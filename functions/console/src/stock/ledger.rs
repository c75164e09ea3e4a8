//! The ledger, page by page.

use askama::Template;
use axum::extract::State;
use holdfast_http::{Answer, Problem, Query};
use operations::db::Failure;
use operations::ledger::{self, Filter};
use operations::quantity::PageLimit;
use operations::stock::Movement;
use serde::Deserialize;

use crate::app::Shared;
use crate::form::typed;
use crate::page::{Html, Page};
use crate::staff::Staff;

/// What is typed into the filter. An empty field matches anything.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Typed {
    sku: String,
    reference: String,
    cursor: String,
}

/// The page of the ledger.
#[derive(Template)]
#[template(path = "stock/ledger.html")]
pub(crate) struct Ledger {
    page: Page,
    sku: String,
    reference: String,
    movements: Vec<Movement>,
    next: Option<String>,
}

fn optional<T>(field: &str, text: &str) -> Result<Option<T>, Problem>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    match text.trim() {
        "" => Ok(None),
        text => typed(field, text).map(Some).map_err(Problem),
    }
}

/// The page.
pub(crate) async fn page(
    State(app): State<Shared>,
    staff: Staff,
    Query(asked): Query<Typed>,
) -> Answer<Html<Ledger>, Failure> {
    let filter = Filter {
        sku: optional("sku", &asked.sku)?,
        reference: optional("reference", &asked.reference)?,
        ..Filter::default()
    };
    let after = optional("cursor", &asked.cursor)?;
    let page = ledger::list(
        &app.db,
        &staff.shop,
        &filter,
        after.as_ref(),
        PageLimit::USUAL,
    )
    .await?;
    Ok(Html(Ledger {
        page: staff.page,
        sku: asked.sku,
        reference: asked.reference,
        movements: page.rows,
        next: page.next.map(|next| next.as_str().to_owned()),
    }))
}
