//! The departures of a day, live.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use holdfast_http::{Answer, Query, Refused, found};
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _};
use lambda_http::http::HeaderMap;
use operations::day::Day;
use operations::db::Failure;
use operations::departure::{self, Departure, Filter};
use operations::quantity::PageLimit;
use serde::Deserialize;
use time::OffsetDateTime;

use crate::app::Shared;
use crate::live;
use crate::page::{Html, Page};
use crate::session::now_s;
use crate::staff::Staff;

#[derive(Template)]
#[template(path = "desk/departures.html")]
struct Departures {
    page: Page,
    departures: Vec<Departure>,
    is_cut: bool,
    now_s: i64,
}

impl Departures {
    fn has_left(&self, one: &Departure) -> bool {
        one.departs_at.get().unix_timestamp() <= self.now_s
    }
}

#[derive(Template)]
#[template(path = "desk/today.html")]
pub(crate) struct Today {
    page: Page,
    part: String,
    day: Date,
    is_today: bool,
    before: Option<Date>,
    after: Option<Date>,
}

impl Today {
    /// The address of the live part.
    fn live(&self) -> String {
        self.page.path(&format!("desk/departures?day={}", self.day))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Shown {
    /// The day in the shop's zone. Default: today.
    day: Option<Day>,
}

impl Shown {
    fn day(&self, today: Date) -> Date {
        let chosen = self.day.map(|day| day.to_string());
        let chosen = chosen.and_then(|day| day.parse().ok());
        chosen.unwrap_or(today)
    }
}

fn today(staff: &Staff) -> Date {
    let now = Timestamp::from_second(now_s()).unwrap_or(Timestamp::MIN);
    now.to_zoned(staff.page.zone().clone()).date()
}

async fn read(app: &Shared, staff: Staff, day: Date) -> Result<Departures, Refused<Failure>> {
    let day = day.to_string().parse();
    let filter = Filter {
        day: day.map_err(|error| holdfast_http::Problem::invalid("day", error))?,
        days: operations::quantity::Days::default(),
    };
    let listed = departure::list(&app.db, &staff.shop, filter, None, PageLimit::default());
    let mut listed = found("shop", listed.await)?;
    let now_s = now_s();
    left_last(&mut listed.departures, |one| one.departs_at.get(), now_s);
    Ok(Departures {
        page: staff.page,
        departures: listed.departures,
        is_cut: listed.next.is_some(),
        now_s,
    })
}

/// Puts what has left behind what can still be sold. Both keep their order.
fn left_last<T>(all: &mut [T], departs_at: impl Fn(&T) -> OffsetDateTime, now_s: i64) {
    all.sort_by_key(|one| departs_at(one).unix_timestamp() <= now_s);
}

/// The page.
pub(crate) async fn page(
    State(app): State<Shared>,
    staff: Staff,
    Query(shown): Query<Shown>,
) -> Answer<Html<Today>, Failure> {
    let page = staff.page.clone();
    let today = today(&staff);
    let day = shown.day(today);
    let part = live::text(&read(&app, staff, day).await?)?;
    Ok(Html(Today {
        page,
        part,
        day,
        is_today: day == today,
        before: day.checked_sub(1.day()).ok(),
        after: day.checked_add(1.day()).ok(),
    }))
}

/// Its live part.
pub(crate) async fn departures(
    State(app): State<Shared>,
    headers: HeaderMap,
    staff: Staff,
    Query(shown): Query<Shown>,
) -> Answer<Response, Failure> {
    let day = shown.day(today(&staff));
    let part = read(&app, staff, day).await?;
    Ok(live::part(&headers, &part)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_left_is_last() {
        let mut times = [100, 200, 300, 400];
        let at = |s: &i64| OffsetDateTime::from_unix_timestamp(*s).unwrap();
        left_last(&mut times, at, 200);
        assert_eq!(times, [300, 400, 100, 200]);
    }
}
