//! The end of a sale, with its consequence before it.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use holdfast_http::{Answer, Path, found};
use lambda_http::http::StatusCode;
use operations::db::Failure;
use operations::ids::Sku;
use operations::sku::{self, CloseError, Entry};
use serde::Deserialize;

use crate::app::Shared;
use crate::form::Checked;
use crate::page::{Html, Page};
use crate::refusal;
use crate::staff::Staff;

/// The question whether to end it.
#[derive(Template)]
#[template(path = "sale/end.html")]
pub(crate) struct End {
    page: Page,
    entry: Entry,
    refused: Option<String>,
}

/// A form without fields of its own.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

/// Asks.
pub(crate) async fn page(
    State(app): State<Shared>,
    staff: Staff,
    Path(sku): Path<Sku>,
) -> Answer<Html<End>, Failure> {
    let entry = found("sku", sku::read(&app.db, &staff.shop, &sku).await)?;
    Ok(Html(End {
        page: staff.page,
        entry,
        refused: None,
    }))
}

/// Ends it. A second click finds it ended.
pub(crate) async fn end(
    State(app): State<Shared>,
    staff: Staff,
    Path(sku): Path<Sku>,
    Checked(Nothing {}): Checked<Nothing>,
) -> Answer<Response, CloseError> {
    let said = match sku::close(&app.db, &staff.shop, &sku, &staff.actor).await {
        Ok(_) => return Ok(Redirect::to(&staff.page.path("sale")).into_response()),
        Err(error) => refusal::said(error)?,
    };
    let entry = sku::read(&app.db, &staff.shop, &sku).await;
    let entry = found("sku", entry.map_err(CloseError::from))?;
    let shown = End {
        refused: Some(staff.page.refusal(&said)),
        page: staff.page,
        entry,
    };
    Ok((StatusCode::CONFLICT, Html(shown)).into_response())
}
