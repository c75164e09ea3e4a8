//! One booking: more seats, fewer, another departure, or none.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use holdfast_http::{Answer, Path, Query, Refused, found};
use operations::checkout::{Cart, Line};
use operations::day::Day;
use operations::db::Failure;
use operations::departure::{self, Departure, Filter};
use operations::history::{self, Timeline};
use operations::ids::{CheckoutId, Shop, Sku};
use operations::order::{self, Amend, AmendError, CancelError};
use operations::quantity::{Days, PageLimit, Quantity};
use operations::refusal::{Refusal, Said};
use operations::sku::{self, Entry};
use operations::utc::Utc;
use serde::Deserialize;

use crate::app::Shared;
use crate::form::{Checked, typed};
use crate::page::{Html, Page};
use crate::refusal::said;
use crate::staff::Staff;

#[derive(Template)]
#[template(path = "desk/booking.html")]
pub(crate) struct Booking {
    page: Page,
    booking: Timeline,
    /// The departure of each line.
    departures: Vec<Option<Entry>>,
    /// Where the party could go instead.
    others: Vec<Departure>,
    /// The day whose departures these are. `None`: the nearest ones.
    day: Option<Day>,
    /// Why a form was refused.
    refused: Option<Said>,
    /// What was just done.
    done: Option<String>,
    /// The change, as it was typed.
    typed: Option<Change>,
    /// The departure that was chosen, if it is not among the others any more.
    chosen: Option<Entry>,
}

impl Booking {
    /// The seats to show in the form of a line.
    fn seats(&self, sku: &str, now: i32) -> String {
        match &self.typed {
            Some(change) if change.line == sku => change.seats.clone(),
            _ => now.to_string(),
        }
    }

    /// When its first line departs.
    fn departs_at(&self) -> Option<Utc> {
        self.departures.first()?.as_ref()?.departs_at
    }

    fn path(&self) -> String {
        let id = self.booking.checkout_id;
        self.page.path(&format!("desk/bookings/{id}"))
    }

    /// Whether the form of a line goes to this departure.
    fn is_chosen(&self, sku: &str, other: &str) -> bool {
        let typed = self.typed.as_ref();
        typed.is_some_and(|change| change.line == sku && change.sku == other)
    }
}

/// A change of one line, as it was typed. The version that the dispatcher saw makes it idempotent.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    expected_version: String,
    /// The line's sku now.
    line: String,
    /// The line's sku afterwards.
    sku: String,
    seats: String,
    /// The day whose departures the form offered. Empty: the nearest ones.
    #[serde(default)]
    day: String,
}

impl Change {
    fn read(&self, booking: &Timeline) -> Result<Amend, Said> {
        let changed = Line {
            sku: typed("sku", &self.sku)?,
            quantity: typed("seats", &self.seats)?,
        };
        let mut lines = vec![changed];
        for line in booking.lines.iter().filter(|line| line.sku != self.line) {
            lines.push(Line {
                sku: typed("sku", &line.sku)?,
                quantity: typed("seats", &line.quantity.to_string())?,
            });
        }
        let lines = Cart::new(lines);
        Ok(Amend {
            expected_version: typed("expected_version", &self.expected_version)?,
            lines: lines.map_err(|error| Said::invalid("seats", &error.to_string()))?,
        })
    }
}

/// Which departures the party may go to.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Shown {
    day: Option<Day>,
    /// What was just done.
    done: Option<String>,
}

/// A booking of the desk. What a shopper bought is none, and is not found here.
async fn read(app: &Shared, staff: &Staff, id: CheckoutId) -> Result<Timeline, Refused<Failure>> {
    let found_one = history::timeline(&app.db, &staff.shop, id).await?;
    let booking = found_one.filter(|booking| {
        let mut entries = booking.entries.iter();
        entries.any(|entry| entry.happened.as_str() == "order_booked")
    });
    found("booking", Ok(booking))
}

/// The page of a booking, with the departures of a day, or with the nearest ones that have room.
async fn shown(
    app: &Shared,
    staff: Staff,
    booking: Timeline,
    day: Option<Day>,
) -> Result<Booking, Failure> {
    let line = booking.lines.first();
    let sku = line.and_then(|line| line.sku.parse::<Sku>().ok());
    let seats = line.and_then(|line| Quantity::try_from(i64::from(line.quantity)).ok());
    let (db, shop) = (&app.db, &staff.shop);
    let mut others = match (day, sku, seats) {
        (Some(day), ..) => {
            let filter = Filter {
                day,
                days: Days::default(),
            };
            let all = departure::list(db, shop, filter, None, PageLimit::default()).await?;
            all.map(|all| all.departures).unwrap_or_default()
        }
        (None, Some(sku), Some(seats)) => {
            let near = departure::near(db, shop, &sku, seats).await?;
            let near = near.map(|near| near.departures).unwrap_or_default();
            near.into_iter().map(|one| one.departure).collect()
        }
        (None, ..) => Vec::new(),
    };
    let mut departures = Vec::new();
    for line in &booking.lines {
        departures.push(match line.sku.parse() {
            Ok(sku) => sku::read(db, shop, &sku).await?,
            Err(_) => None,
        });
    }
    others.retain(|one| booking.lines.iter().all(|line| line.sku != one.sku));
    Ok(Booking {
        page: staff.page,
        booking,
        departures,
        others,
        day,
        refused: None,
        done: None,
        typed: None,
        chosen: None,
    })
}

/// The departure that was chosen. The form must show it, although it may be full by now: otherwise
/// the next click would change the seats on the party's present departure.
async fn chosen(
    app: &Shared,
    shop: &Shop,
    page: &Booking,
    change: &Change,
) -> Result<Option<Entry>, Failure> {
    let is_shown = change.line == change.sku || page.others.iter().any(|one| one.sku == change.sku);
    match change.sku.parse() {
        Ok(sku) if !is_shown => sku::read(&app.db, shop, &sku).await,
        _ => Ok(None),
    }
}

/// The page.
pub(crate) async fn page(
    State(app): State<Shared>,
    staff: Staff,
    Path(id): Path<CheckoutId>,
    Query(asked): Query<Shown>,
) -> Answer<Html<Booking>, Failure> {
    let booking = read(&app, &staff, id).await?;
    let page = shown(&app, staff, booking, asked.day).await?;
    Ok(Html(Booking {
        done: asked.done,
        ..page
    }))
}

/// The page after a refusal: the booking as it is now, and what was typed.
async fn again<E>(
    app: &Shared,
    staff: Staff,
    id: CheckoutId,
    refused: Said,
    typed: Option<Change>,
) -> Answer<Response, E>
where
    E: Refusal + From<Failure>,
{
    let booking = read(app, &staff, id).await.map_err(Refused::problem)?;
    let shop = staff.shop.clone();
    let day = typed.as_ref().and_then(|change| change.day.parse().ok());
    let page = shown(app, staff, booking, day).await.map_err(E::from)?;
    let chosen = match &typed {
        Some(change) => chosen(app, &shop, &page, change).await.map_err(E::from)?,
        None => None,
    };
    Ok(Html(Booking {
        refused: Some(refused),
        typed,
        chosen,
        ..page
    })
    .into_response())
}

/// A change of seats or of the departure.
pub(crate) async fn change(
    State(app): State<Shared>,
    staff: Staff,
    Path(id): Path<CheckoutId>,
    Checked(change): Checked<Change>,
) -> Answer<Response, AmendError> {
    let booking = read(&app, &staff, id).await.map_err(Refused::problem)?;
    let refused = match change.read(&booking) {
        Err(refused) => refused,
        Ok(amend) => match order::amend(&app.db, &staff.shop, id, &staff.actor, &amend).await {
            Ok(_) => return Ok(back(&staff, id, "change")),
            Err(error) => said(error)?,
        },
    };
    again(&app, staff, id, refused, Some(change)).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cancel {
    expected_version: String,
}

/// The end of the booking, as the dispatcher has seen it. A second click finds it cancelled, and
/// changes nothing.
pub(crate) async fn cancel(
    State(app): State<Shared>,
    staff: Staff,
    Path(id): Path<CheckoutId>,
    Checked(cancel): Checked<Cancel>,
) -> Answer<Response, CancelError> {
    read(&app, &staff, id).await.map_err(Refused::problem)?;
    let refused = match typed("expected_version", &cancel.expected_version) {
        Err(refused) => refused,
        Ok(version) => {
            let version = Some(version);
            match order::cancel(&app.db, &staff.shop, id, &staff.actor, version).await {
                Ok(_) => return Ok(back(&staff, id, "cancel")),
                Err(error) => said(error)?,
            }
        }
    };
    again(&app, staff, id, refused, None).await
}

fn back(staff: &Staff, id: CheckoutId, done: &str) -> Response {
    let path = format!("desk/bookings/{id}?done={done}");
    Redirect::to(&staff.page.path(&path)).into_response()
}
