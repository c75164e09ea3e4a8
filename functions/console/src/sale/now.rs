//! The numbers of a sale, live.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use holdfast_http::{Answer, Refused};
use lambda_http::http::HeaderMap;
use operations::db::Failure;
use operations::promises::{self, Breached};
use operations::sale::{self, Filter, Sale};
use operations::utc::Utc;

use super::chart::Chart;
use crate::access::Section;
use crate::app::Shared;
use crate::health::fault;
use crate::live;
use crate::page::{Html, Page};
use crate::staff::Staff;

#[derive(Template)]
#[template(path = "sale/numbers.html")]
struct Numbers {
    page: Page,
    sale: Sale,
    chart: Chart,
    promises: Breached,
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
}

async fn read(app: &Shared, staff: Staff) -> Result<Numbers, Refused<Failure>> {
    let sale = sale::read(&app.db, &staff.shop, &Filter::default()).await;
    let sale = holdfast_http::found("shop", sale)?;
    Ok(Numbers {
        promises: promises::breached(&app.db, &staff.shop).await?,
        chart: Chart::of(&sale.minutes),
        may_change: staff.page.may_change(),
        page: staff.page,
        sale,
    })
}

/// The page.
pub(crate) async fn page(
    State(app): State<Shared>,
    staff: Staff,
) -> Answer<Html<live::Now>, Failure> {
    let page = staff.page.clone();
    Ok(live::page(page, Section::Sale, &read(&app, staff).await?)?)
}

/// Its live part.
pub(crate) async fn part(
    State(app): State<Shared>,
    headers: HeaderMap,
    staff: Staff,
) -> Answer<Response, Failure> {
    let part = read(&app, staff).await?;
    Ok(live::part(&headers, &part)?)
}
