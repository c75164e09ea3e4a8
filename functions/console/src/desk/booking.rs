//! One booking: more seats, fewer, another departure, or none.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use holdfast_http::{Answer, Path, Refused, found};
use operations::checkout::{Cart, Line};
use operations::db::Failure;
use operations::departure::{self, Neighbour};
use operations::history::{self, Timeline};
use operations::ids::{CheckoutId, Sku};
use operations::order::{self, Amend, AmendError, CancelError};
use operations::quantity::Quantity;
use operations::refusal::Said;
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
    /// Where the party could go instead.
    neighbours: Vec<Neighbour>,
    /// The form that was refused, and why.
    refused: Option<(Change, Said)>,
}

impl Booking {
    /// The seats to show in the form of a line.
    fn seats(&self, sku: &str, now: i32) -> String {
        match &self.refused {
            Some((change, _)) if change.line == sku => change.seats.clone(),
            _ => now.to_string(),
        }
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

async fn read(
    app: &Shared,
    staff: &Staff,
    id: CheckoutId,
) -> Result<(Timeline, Vec<Neighbour>), Refused<Failure>> {
    let booking = history::timeline(&app.db, &staff.shop, id).await;
    let booking = found("booking", booking)?;
    let line = booking.lines.first();
    let sku = line.and_then(|line| line.sku.parse::<Sku>().ok());
    let seats = line.and_then(|line| Quantity::try_from(i64::from(line.quantity)).ok());
    let near = match (sku, seats) {
        (Some(sku), Some(seats)) => departure::near(&app.db, &staff.shop, &sku, seats).await?,
        _ => None,
    };
    let neighbours = near.map(|near| near.departures).unwrap_or_default();
    Ok((booking, neighbours))
}

/// The page.
pub(crate) async fn page(
    State(app): State<Shared>,
    staff: Staff,
    Path(id): Path<CheckoutId>,
) -> Answer<Html<Booking>, Failure> {
    let (booking, neighbours) = read(&app, &staff, id).await?;
    Ok(Html(Booking {
        page: staff.page,
        booking,
        neighbours,
        refused: None,
    }))
}

/// A change of seats or of the departure.
pub(crate) async fn change(
    State(app): State<Shared>,
    staff: Staff,
    Path(id): Path<CheckoutId>,
    Checked(change): Checked<Change>,
) -> Answer<Response, AmendError> {
    let (booking, _) = read(&app, &staff, id).await.map_err(Refused::problem)?;
    let refused = match change.read(&booking) {
        Err(refused) => refused,
        Ok(amend) => match order::amend(&app.db, &staff.shop, id, &staff.actor, &amend).await {
            Ok(_) => return Ok(back(&staff, id)),
            Err(error) => said(error)?,
        },
    };
    let (booking, neighbours) = read(&app, &staff, id).await.map_err(Refused::problem)?;
    Ok(Html(Booking {
        page: staff.page,
        booking,
        neighbours,
        refused: Some((change, refused)),
    })
    .into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cancel {}

/// The end of the booking. A second click finds it cancelled, and changes nothing.
pub(crate) async fn cancel(
    State(app): State<Shared>,
    staff: Staff,
    Path(id): Path<CheckoutId>,
    Checked(Cancel {}): Checked<Cancel>,
) -> Answer<Response, CancelError> {
    order::cancel(&app.db, &staff.shop, id, &staff.actor).await?;
    Ok(back(&staff, id))
}

fn back(staff: &Staff, id: CheckoutId) -> Response {
    Redirect::to(&staff.page.path(&format!("desk/bookings/{id}"))).into_response()
}
