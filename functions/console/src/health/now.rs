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
use operations::utc::Utc;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::fault::{self, Fault, Measure};
use crate::access::Section;
use crate::app::Shared;
use crate::live;
use crate::page::{Html, Page};
use crate::staff::Staff;

#[derive(Template)]
#[template(path = "health/faults.html")]
struct Faults {
    page: Page,
    faults: Vec<Fault>,
    promises: Breached,
    waiting: Vec<Waiting>,
    subscribers: Vec<Subscriber>,
}

/// What waits for a person.
struct Waiting {
    /// The end of the key of its heading.
    name: &'static str,
    rows: Vec<Row>,
}

/// One of them: money that is parked, or a refund that failed.
struct Row {
    at: Utc,
    gateway: String,
    code: String,
    /// The reference, or the error.
    more: String,
    amount: String,
    /// What support finds it by. `None`: nothing.
    search: Option<String>,
}

impl Row {
    fn of_event(page: &Page, event: ParkedEvent) -> Self {
        let amount = event.amount_minor.zip(event.currency.as_deref());
        Self {
            at: event.received_at,
            gateway: event.gateway,
            code: event.event_key,
            more: event.reference.clone().unwrap_or_default(),
            amount: amount.map_or_else(String::new, |(minor, currency)| {
                page.amount(&minor, currency)
            }),
            search: event.reference.or(event.gateway_payment_id),
        }
    }

    fn of_refund(page: &Page, refund: Refund) -> Self {
        Self {
            at: refund.created_at,
            gateway: refund.gateway,
            code: refund.refund_id.to_string(),
            more: refund.last_error.unwrap_or_default(),
            amount: page.amount(&refund.amount_minor, &refund.currency),
            search: Some(refund.refund_id.to_string()),
        }
    }
}

impl Faults {
    /// Where a person acts on it.
    fn act(&self, row: &Row) -> Option<String> {
        let may = self.page.may_change_in(Section::Support);
        let search = row.search.as_deref().filter(|_| may)?;
        let search = utf8_percent_encode(search, NON_ALPHANUMERIC);
        Some(self.page.path(&format!("support?q={search}")))
    }

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
    let parked = payment::parked_list(db, shop, None, few).await?.rows;
    let refunds = refund::list(db, shop, &failed, None, few).await?.rows;
    let page = &staff.page;
    let parked = parked.into_iter().map(|event| Row::of_event(page, event));
    let refunds = refunds
        .into_iter()
        .map(|refund| Row::of_refund(page, refund));
    Ok(Faults {
        faults: fault::all(&health),
        promises: promises::breached(db, shop).await?,
        waiting: vec![
            Waiting {
                name: "parked",
                rows: parked.collect(),
            },
            Waiting {
                name: "refunds",
                rows: refunds.collect(),
            },
        ],
        subscribers: subscriber::list(db, shop).await?.subscribers,
        page: staff.page,
    })
}

/// The page.
pub(crate) async fn page(
    State(app): State<Shared>,
    staff: Staff,
) -> Answer<Html<live::Now>, Failure> {
    let page = staff.page.clone();
    Ok(live::page(
        page,
        Section::Health,
        &read(&app, staff).await?,
    )?)
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
