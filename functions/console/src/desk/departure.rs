//! One departure: who has which seats, and a form to book.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use holdfast_http::{Answer, Path, Refused, found};
use operations::checkout::{Cart, Line};
use operations::db::Failure;
use operations::ids::{CheckoutId, Sku};
use operations::order::{self, Book, BookError, Booked};
use operations::quantity::PageLimit;
use operations::refusal::Said;
use operations::sku::{self, Manifest};
use serde::Deserialize;

use crate::app::Shared;
use crate::form::{Checked, typed};
use crate::page::{Html, Page};
use crate::refusal::said;
use crate::staff::Staff;

#[derive(Template)]
#[template(path = "desk/departure.html")]
pub(crate) struct Departure {
    page: Page,
    manifest: Manifest,
    form: Form,
    refused: Option<Said>,
}

/// The booking form, as it was typed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Form {
    /// Made when the form was shown: however often it is sent, one booking comes of it.
    checkout_id: String,
    party: String,
    seats: String,
}

impl Form {
    fn empty(page: &Page) -> Self {
        Self {
            checkout_id: page.new_id().to_string(),
            party: String::new(),
            seats: "1".to_owned(),
        }
    }

    fn read(&self, sku: &Sku) -> Result<(CheckoutId, Book), Said> {
        let checkout_id = typed("checkout_id", &self.checkout_id)?;
        let customer = typed("party", &self.party)?;
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

async fn read(app: &Shared, staff: &Staff, sku: &Sku) -> Result<Manifest, Refused<Failure>> {
    let manifest = sku::manifest(&app.db, &staff.shop, sku, None, PageLimit::default());
    found("departure", manifest.await)
}

/// The page.
pub(crate) async fn page(
    State(app): State<Shared>,
    staff: Staff,
    Path(sku): Path<Sku>,
) -> Answer<Html<Departure>, Failure> {
    let manifest = read(&app, &staff, &sku).await?;
    Ok(Html(Departure {
        form: Form::empty(&staff.page),
        page: staff.page,
        manifest,
        refused: None,
    }))
}

/// The form, sent.
pub(crate) async fn book(
    State(app): State<Shared>,
    staff: Staff,
    Path(sku): Path<Sku>,
    Checked(form): Checked<Form>,
) -> Answer<Response, BookError> {
    let refused = match form.read(&sku) {
        Err(refused) => refused,
        Ok((id, book)) => match order::book(&app.db, &staff.shop, id, &staff.actor, &book).await {
            Ok(Booked::New(_) | Booked::Same(_)) => {
                let back = staff.page.path(&format!("desk/departures/{sku}"));
                return Ok(Redirect::to(&back).into_response());
            }
            Err(error) => said(error)?,
        },
    };
    let manifest = read(&app, &staff, &sku).await.map_err(Refused::problem)?;
    Ok(Html(Departure {
        page: staff.page,
        manifest,
        form,
        refused: Some(refused),
    })
    .into_response())
}
