//! One departure: who has which seats, and a form to book.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use holdfast_http::{Answer, Path, Query, Refused, found};
use operations::checkout::{CHECKOUT_CONFLICT, Cart, Line};
use operations::db::Failure;
use operations::departure::{self, Neighbour};
use operations::ids::{CheckoutId, Sku};
use operations::order::{self, Book, BookError, Booked};
use operations::page::After;
use operations::quantity::{PageLimit, Quantity};
use operations::refusal::{Kind, Said};
use operations::sku::{self, Entry, Manifest, manifest};
use serde::Deserialize;

use crate::app::Shared;
use crate::form::{Checked, typed};
use crate::page::{Html, Page};
use crate::refusal::said;
use crate::staff::Staff;

/// Characters of a booking's text for the party.
const PARTY_CHARS_MAX: usize = 64;

/// Each fits, and both do not.
const PARTY_TOO_LONG: Kind = Kind {
    status: 400,
    code: "party_too_long",
    title: "Party and note are too long",
    detail: "Nothing was booked: party and note together have at most 61 characters.",
};

#[derive(Template)]
#[template(path = "desk/departure.html")]
pub(crate) struct Departure {
    page: Page,
    manifest: Manifest,
    /// Its price, and whether it can be booked.
    entry: Entry,
    form: Form,
    refused: Option<Said>,
    /// What else to offer, if seats are short.
    neighbours: Vec<Neighbour>,
    /// The booking that this browser has just made.
    booked: Option<String>,
    /// The booking that this form made before something else was typed into it.
    made_before: Option<String>,
}

impl Departure {
    fn has_left(&self) -> bool {
        let now = self.manifest.server_time;
        self.manifest.departs_at.is_some_and(|at| at <= now)
    }
}

/// The booking form, as it was typed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Form {
    /// Made when the form was shown: however often it is sent, one booking comes of it.
    checkout_id: String,
    party: String,
    seats: String,
    note: String,
}

impl Form {
    fn empty(page: &Page) -> Self {
        Self {
            checkout_id: page.new_id().to_string(),
            party: String::new(),
            seats: "1".to_owned(),
            note: String::new(),
        }
    }

    /// The party as the manifest shows it: a booking has one text for the party.
    fn customer(&self) -> String {
        match &*self.note {
            "" => self.party.clone(),
            note => format!("{} · {note}", self.party),
        }
    }

    fn read(&self, sku: &Sku) -> Result<(CheckoutId, Book), Said> {
        let checkout_id = typed("checkout_id", &self.checkout_id)?;
        if self.party.is_empty() {
            return Err(Said::invalid("party", "is missing"));
        }
        let customer = self.customer();
        if !self.note.is_empty() && customer.chars().count() > PARTY_CHARS_MAX {
            return Err(PARTY_TOO_LONG.into());
        }
        let customer = typed("party", &customer)?;
        let line = Line {
            sku: sku.clone(),
            quantity: typed("seats", &self.seats)?,
        };
        let lines = Cart::new(vec![line]);
        let lines = lines.map_err(|error| Said::invalid("seats", &error.to_string()))?;
        let book = Book {
            customer,
            lines,
            coupon: None,
        };
        Ok((checkout_id, book))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Shown {
    /// A booking that was just made.
    booked: Option<CheckoutId>,
    cursor: Option<After<manifest::Position>>,
}

async fn read(
    app: &Shared,
    staff: &Staff,
    sku: &Sku,
    after: Option<&After<manifest::Position>>,
) -> Result<Manifest, Refused<Failure>> {
    let manifest = sku::manifest(&app.db, &staff.shop, sku, after, PageLimit::MOST);
    found("departure", manifest.await)
}

async fn entry(app: &Shared, staff: &Staff, sku: &Sku) -> Result<Entry, Refused<Failure>> {
    found("departure", sku::read(&app.db, &staff.shop, sku).await)
}

/// The page.
pub(crate) async fn page(
    State(app): State<Shared>,
    staff: Staff,
    Path(sku): Path<Sku>,
    Query(shown): Query<Shown>,
) -> Answer<Html<Departure>, Failure> {
    let manifest = read(&app, &staff, &sku, shown.cursor.as_ref()).await?;
    Ok(Html(Departure {
        entry: entry(&app, &staff, &sku).await?,
        form: Form::empty(&staff.page),
        page: staff.page,
        manifest,
        refused: None,
        neighbours: Vec::new(),
        booked: shown.booked.map(|id| id.to_string()),
        made_before: None,
    }))
}

/// The form, sent.
pub(crate) async fn book(
    State(app): State<Shared>,
    staff: Staff,
    Path(sku): Path<Sku>,
    Checked(mut form): Checked<Form>,
) -> Answer<Response, BookError> {
    let (refused, short) = match form.read(&sku) {
        Err(refused) => (refused, None),
        Ok((id, book)) => match order::book(&app.db, &staff.shop, id, &staff.actor, &book).await {
            Ok(Booked::New(_) | Booked::Same(_)) => {
                let page = format!("desk/departures/{sku}?booked={id}");
                return Ok(Redirect::to(&staff.page.path(&page)).into_response());
            }
            Err(error) => {
                let is_short = matches!(error, BookError::Shortage(_));
                let seats = book.lines.lines().next().map(|(_, seats)| seats);
                (said(error)?, seats.filter(|_| is_short))
            }
        },
    };
    // With its own id the form could never be sent again.
    let is_used = refused.kind.code == CHECKOUT_CONFLICT.code;
    let made_before = is_used.then(|| form.checkout_id.clone());
    if is_used {
        form.checkout_id = staff.page.new_id().to_string();
    }
    let neighbours = neighbours(&app, &staff, &sku, short);
    let neighbours = neighbours.await.map_err(Refused::problem)?;
    let manifest = read(&app, &staff, &sku, None).await;
    let entry = entry(&app, &staff, &sku).await;
    Ok(Html(Departure {
        entry: entry.map_err(Refused::problem)?,
        manifest: manifest.map_err(Refused::problem)?,
        page: staff.page,
        form,
        refused: Some(refused),
        neighbours,
        booked: None,
        made_before,
    })
    .into_response())
}

/// The departures to offer when this one is short.
async fn neighbours(
    app: &Shared,
    staff: &Staff,
    sku: &Sku,
    seats: Option<Quantity>,
) -> Result<Vec<Neighbour>, Refused<Failure>> {
    let Some(seats) = seats else {
        return Ok(Vec::new());
    };
    let near = departure::near(&app.db, &staff.shop, sku, seats).await?;
    Ok(near.map(|near| near.departures).unwrap_or_default())
}
