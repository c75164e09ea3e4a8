//! What support may do: give money back, try a message again, put it aside, end a checkout. The
//! page says first what each of them means.

use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use holdfast_http::{Answer, Path, Problem, Refused};
use operations::checkout::{Revoke, RevokeError, revoke as checkout_revoke};
use operations::ids::{CheckoutId, OrderId};
use operations::money::minor_from_major;
use operations::payment::{
    self, Accept, AcceptError, Dismiss, DismissError, Outcome, Redrive, Retry, RetryEventError,
};
use operations::quantity::AmountMinor;
use operations::refund::{self, Overview, Request, RequestError, RetryError};
use operations::refusal::{Refusal, Said};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use super::timeline::{Shown, Typed, read};
use crate::app::Shared;
use crate::form::{Checked, typed};
use crate::page::Html;
use crate::refusal::said;
use crate::staff::Staff;

fn asked(form: &Typed, money: &Overview) -> Result<Request, Said> {
    let minor = minor_from_major(&form.amount, &money.currency)
        .map_err(|error| Said::invalid("amount", &error.to_string()))?;
    let amount = AmountMinor::try_from(minor)
        .map_err(|error| Said::invalid("amount", &error.to_string()))?;
    Ok(Request {
        refund_id: typed("refund_id", &form.refund_id)?,
        amount_minor: Some(amount),
        gateway_payment_id: None,
        restock: None,
        note: match &*form.note {
            "" => None,
            note => Some(typed("note", note)?),
        },
        despite_dispute: None,
    })
}

/// Gives money of the order back. The form's id makes one refund, however often it is sent.
pub(crate) async fn refund(
    State(app): State<Shared>,
    staff: Staff,
    Path(id): Path<CheckoutId>,
    Checked(form): Checked<Typed>,
) -> Answer<Response, RequestError> {
    let (timeline, money) = read(&app, &staff, id).await.map_err(Refused::problem)?;
    let request = match &money {
        Some(money) => asked(&form, money),
        None => Err(Said::not_found("order")),
    };
    let refused = match (request, timeline.order_id) {
        (Ok(request), Some(order)) => {
            let order = OrderId::from(order);
            match refund::request(&app.db, &staff.shop, order, &staff.actor, &request).await {
                Ok(_) => return Ok(back(&staff, id, "refund")),
                Err(error) => said(error)?,
            }
        }
        (Err(refused), _) => refused,
        (Ok(_), None) => Said::not_found("order"),
    };
    Ok(Html(Shown {
        page: staff.page,
        timeline,
        money,
        typed: form,
        refused: Some(refused),
        done: None,
    })
    .into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Again {
    refund_id: String,
}

/// Sends a failed refund again.
pub(crate) async fn retry(
    State(app): State<Shared>,
    staff: Staff,
    Path(id): Path<CheckoutId>,
    Checked(form): Checked<Again>,
) -> Answer<Response, RetryError> {
    let refund_id = typed("refund_id", &form.refund_id).map_err(Problem)?;
    match refund::retry(&app.db, &staff.shop, refund_id, &staff.actor, false).await {
        Ok(_) => Ok(back(&staff, id, "retry")),
        Err(error) => again(&app, staff, id, error).await,
    }
}

/// A decision about money that is not the order's total.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Decision {
    /// The money that the person saw.
    captured_minor: AmountMinor,
    note: String,
}

/// Takes the money as it came. If other money has come meanwhile, nothing changes.
pub(crate) async fn accept(
    State(app): State<Shared>,
    staff: Staff,
    Path(id): Path<CheckoutId>,
    Checked(form): Checked<Decision>,
) -> Answer<Response, AcceptError> {
    let (timeline, _) = read(&app, &staff, id).await.map_err(Refused::problem)?;
    let order = timeline.order_id.map(OrderId::from);
    let order = order.ok_or_else(|| Problem::not_found("order"))?;
    let accept = Accept {
        captured_minor: form.captured_minor,
        note: typed("note", &form.note).map_err(Problem)?,
        despite_dispute: None,
    };
    match payment::accept(&app.db, &staff.shop, order, &staff.actor, &accept).await {
        Ok(_) => Ok(back(&staff, id, "accept")),
        Err(error) => again(&app, staff, id, error).await,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct End {
    note: String,
}

/// Ends a checkout that holds stock.
pub(crate) async fn revoke(
    State(app): State<Shared>,
    staff: Staff,
    Path(id): Path<CheckoutId>,
    Checked(form): Checked<End>,
) -> Answer<Response, RevokeError> {
    let revoke = Revoke {
        note: typed("note", &form.note).map_err(Problem)?,
    };
    match checkout_revoke(&app.db, &staff.shop, id, &staff.actor, &revoke).await {
        Ok(_) => Ok(back(&staff, id, "revoke")),
        Err(error) => again(&app, staff, id, error).await,
    }
}

/// The timeline with the refusal above it.
async fn again<E: Refusal>(
    app: &Shared,
    staff: Staff,
    id: CheckoutId,
    error: E,
) -> Answer<Response, E> {
    let refused = said(error)?;
    let (timeline, money) = read(app, &staff, id).await.map_err(Refused::problem)?;
    Ok(Html(Shown {
        page: staff.page,
        timeline,
        money,
        typed: Typed::default(),
        refused: Some(refused),
        done: None,
    })
    .into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Event {
    gateway: String,
    event_key: String,
    /// The search that showed it, to come back to it.
    q: String,
}

/// Tries a parked message again, and says what came of it.
pub(crate) async fn redrive(
    State(app): State<Shared>,
    staff: Staff,
    Checked(form): Checked<Event>,
) -> Answer<Response, RetryEventError> {
    let event = Redrive {
        gateway: typed("gateway", &form.gateway).map_err(Problem)?,
        event_key: typed("event_key", &form.event_key).map_err(Problem)?,
    };
    let tried = payment::event_retry(&app.db, &staff.shop, &staff.actor, &event).await?;
    let done = match tried {
        Retry::Tried(Outcome::Parked) => "redrive-parked",
        Retry::Waits => "redrive-waits",
        Retry::Tried(_) => "redrive",
    };
    Ok(done_with(&staff, &form.q, done))
}

/// Puts a parked message aside.
pub(crate) async fn dismiss(
    State(app): State<Shared>,
    staff: Staff,
    Checked(form): Checked<Event>,
) -> Answer<Response, DismissError> {
    let dismiss = Dismiss {
        gateway: typed("gateway", &form.gateway).map_err(Problem)?,
        event_key: typed("event_key", &form.event_key).map_err(Problem)?,
    };
    payment::event_dismiss(&app.db, &staff.shop, &staff.actor, &dismiss).await?;
    Ok(done_with(&staff, &form.q, "dismiss"))
}

fn back(staff: &Staff, id: CheckoutId, what: &str) -> Response {
    let path = format!("support/checkouts/{id}?done={what}");
    Redirect::to(&staff.page.path(&path)).into_response()
}

/// Back to the search, which shows what became of it.
fn done_with(staff: &Staff, search: &str, what: &str) -> Response {
    let search = utf8_percent_encode(search, NON_ALPHANUMERIC);
    let path = format!("support?done={what}&q={search}");
    Redirect::to(&staff.page.path(&path)).into_response()
}
