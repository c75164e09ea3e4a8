//! Finds a sku by what is typed.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use holdfast_http::{Answer, Query};
use operations::db::Failure;
use operations::quantity::PageLimit;
use operations::sku::{self, Entry};
use operations::text::TypedText;
use serde::Deserialize;

use crate::app::Shared;
use crate::page::{Html, Page};
use crate::staff::Staff;

/// What is typed.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Typed {
    q: String,
}

/// The first page of the stock room.
#[derive(Template)]
#[template(path = "stock/find.html")]
pub(crate) struct Find {
    page: Page,
    q: String,
    skus: Vec<Entry>,
    /// There are more than the page shows.
    is_cut: bool,
    may_change: bool,
}

/// The page. One result is opened at once.
pub(crate) async fn page(
    State(app): State<Shared>,
    staff: Staff,
    Query(Typed { q }): Query<Typed>,
) -> Answer<Response, Failure> {
    // A text that is too long or has control characters is in no title.
    let typed: Option<TypedText> = q.trim().parse().ok();
    let (skus, is_cut) = match (&typed, q.trim().is_empty()) {
        (Some(typed), _) => {
            let found = sku::find(&app.db, &staff.shop, typed).await?.skus;
            let is_full = i32::try_from(found.len()).unwrap_or(i32::MAX) >= sku::find::FOUND_MAX;
            (found, is_full)
        }
        (None, true) => {
            let first = sku::list(&app.db, &staff.shop, None, PageLimit::FEW).await?;
            (first.rows, first.next.is_some())
        }
        (None, false) => (Vec::new(), false),
    };
    if let (Some(_), [only]) = (&typed, &*skus) {
        let path = staff.page.path(&format!("stock/sku/{}", only.sku));
        return Ok(Redirect::to(&path).into_response());
    }
    Ok(Html(Find {
        may_change: staff.page.may_change(),
        page: staff.page,
        q,
        skus,
        is_cut,
    })
    .into_response())
}
