//! The faults, live.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use holdfast_http::{Answer, Refused, found};
use lambda_http::http::HeaderMap;
use operations::db::Failure;
use operations::health;
use operations::payment::{self, ParkedEvent};
use operations::promises::{self, Breached};
use operations::quantity::PageLimit;
use operations::refund::{self, Refund};
use operations::subscriber::{self, Subscriber};

use super::fault::{self, Fault, Measure};
use crate::app::Shared;
use crate::live;
use crate::page::{Html, Page};
use crate::staff::Staff;

/// The page of a shop's health.
#[derive(Template)]
#[template(path = "health/now.html")]
pub(crate) struct Now {
    page: Page,
    part: String,
}

#[derive(Template)]
#[template(path = "health/faults.html")]
struct Faults {
    page: Page,
    faults: Vec<Fault>,
    promises: Breached,
    parked: Vec<ParkedEvent>,
    refunds: Vec<Refund>,
    subscribers: Vec<Subscriber>,
}

impl Faults {
    /// Whether everything is measured and no alarm rings.
    fn is_well(&self) -> bool {
        let mut faults = self.faults.iter();
        faults.all(|fault| fault.is_known() && !fault.rings)
    }

    /// `12`, or `3 min`.
    fn measure(&self, measure: &Measure) -> String {
        let page = &self.page;
        match *measure {
            Measure::Count(number) => number.to_string(),
            Measure::Unknown => page.say("health-unknown"),
            Measure::Age(seconds) if seconds < 120 => {
                page.say1("health-seconds", "number", seconds)
            }
            Measure::Age(seconds) if seconds < 7_200 => {
                page.say1("health-minutes", "number", seconds / 60)
            }
            Measure::Age(seconds) if seconds < 172_800 => {
                page.say1("health-hours", "number", seconds / 3_600)
            }
            Measure::Age(seconds) => page.say1("health-days", "number", seconds / 86_400),
        }
    }
}

async fn read(app: &Shared, staff: Staff) -> Result<Faults, Refused<Failure>> {
    let (db, shop) = (&app.db, &staff.shop);
    let health = found("shop", health::read(db, shop).await)?;
    let few = PageLimit::FEW;
    let failed = refund::Filter {
        status: "failed".parse().ok(),
    };
    Ok(Faults {
        faults: fault::all(&health),
        promises: promises::breached(db, shop).await?,
        parked: payment::parked_list(db, shop, None, few).await?.rows,
        refunds: refund::list(db, shop, &failed, None, few).await?.rows,
        subscribers: subscriber::list(db, shop).await?.subscribers,
        page: staff.page,
    })
}

/// The page.
pub(crate) async fn page(State(app): State<Shared>, staff: Staff) -> Answer<Html<Now>, Failure> {
    let page = staff.page.clone();
    let part = live::text(&read(&app, staff).await?)?;
    Ok(Html(Now { page, part }))
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
