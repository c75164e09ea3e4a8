//! The numbers of a sale, live.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use holdfast_http::Answer;
use lambda_http::http::HeaderMap;
use operations::db::Failure;
use operations::promises::Breached;
use operations::sale::{Sale, SaleSku};
use operations::utc::Utc;

use super::chart::Chart;
use crate::access::Section;
use crate::app::Shared;
use crate::health::fault;
use crate::live;
use crate::page::{Html, Page};
use crate::staff::Staff;
use crate::watched;

#[derive(Template)]
#[template(path = "sale/numbers.html")]
struct Numbers {
    page: Page,
    sale: Arc<Sale>,
    chart: Chart,
    promises: Arc<Breached>,
    may_change: bool,
}

impl Numbers {
    /// Whether the last check of the promises is so old that its alarm rings.
    fn is_check_late(&self) -> bool {
        let late = |at: Utc| fault::is_check_late(fault::age_s(at, self.sale.server_time));
        self.promises.checked_at.is_some_and(late)
    }

    /// The time of the last check, with its day if it is old.
    fn checked(&self, at: &Utc) -> String {
        match self.is_check_late() {
            true => self.page.day_and_clock(at),
            false => self.page.clock(at),
        }
    }

    fn has_ended(&self, sku: &SaleSku) -> bool {
        sku.sale_closes_at
            .is_some_and(|at| at <= self.sale.server_time)
    }

    fn of(page: Page, watched: watched::Numbers) -> Self {
        Self {
            chart: Chart::of(&watched.sale.minutes),
            may_change: page.may_change(),
            page,
            sale: watched.sale,
            promises: watched.promises,
        }
    }
}

/// The page.
pub(crate) async fn page(
    State(app): State<Shared>,
    staff: Staff,
) -> Answer<Html<live::Now>, Failure> {
    let numbers = app.watched.now(&app.db, &staff.shop).await?;
    let numbers = Numbers::of(staff.page.clone(), numbers);
    Ok(live::page(staff.page, Section::Sale, &numbers)?)
}

/// Its live part.
pub(crate) async fn part(
    State(app): State<Shared>,
    headers: HeaderMap,
    staff: Staff,
) -> Answer<Response, Failure> {
    let numbers = app.watched.lately(&app.db, &staff.shop).await?;
    Ok(live::part(&headers, &Numbers::of(staff.page, numbers))?)
}
