//! The departures, live.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use holdfast_http::{Answer, Refused};
use lambda_http::http::HeaderMap;
use operations::db::Failure;
use operations::quantity::PageLimit;
use operations::sku::{self, Entry};

use crate::app::Shared;
use crate::live;
use crate::page::{Html, Page};
use crate::staff::Staff;

#[derive(Template)]
#[template(path = "desk/departures.html")]
struct Departures {
    page: Page,
    skus: Vec<Entry>,
}

#[derive(Template)]
#[template(path = "desk/today.html")]
pub(crate) struct Today {
    page: Page,
    part: String,
}

async fn read(app: &Shared, staff: Staff) -> Result<Departures, Refused<Failure>> {
    let skus = sku::list(&app.db, &staff.shop, None, PageLimit::default()).await?;
    Ok(Departures {
        page: staff.page,
        skus: skus.rows,
    })
}

/// The page.
pub(crate) async fn page(State(app): State<Shared>, staff: Staff) -> Answer<Html<Today>, Failure> {
    let page = staff.page.clone();
    let part = live::text(&read(&app, staff).await?)?;
    Ok(Html(Today { page, part }))
}

/// Its live part.
pub(crate) async fn departures(
    State(app): State<Shared>,
    headers: HeaderMap,
    staff: Staff,
) -> Answer<Response, Failure> {
    let part = read(&app, staff).await?;
    Ok(live::part(&headers, &part)?)
}
