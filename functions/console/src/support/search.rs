//! The search: any id, reference, gateway id, telephone number or name.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use holdfast_http::{Answer, Query};
use operations::db::Failure;
use operations::history::{self, Outline, SearchText};
use operations::refusal::Said;
use operations::utc::Utc;
use serde::Deserialize;
use serde_json::Value;

use crate::app::Shared;
use crate::form::typed;
use crate::page::{Html, Page};
use crate::staff::Staff;

#[derive(Template)]
#[template(path = "support/search.html")]
struct Search {
    page: Page,
    text: String,
    refused: Option<Said>,
    found: Vec<Outline>,
    events: Vec<Event>,
    is_cut: bool,
    done: Option<String>,
}

/// A gateway's message about money that belongs to no order here.
struct Event {
    gateway: String,
    key: String,
    reference: String,
    amount_minor: Option<i64>,
    currency: String,
    is_parked: bool,
    outcome: String,
    /// Who put it aside, or tried it again.
    actor: Option<String>,
    at: Option<Utc>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    q: Option<String>,
    /// The outcome of an action that came back here.
    done: Option<String>,
}

/// The page. One result is shown at once.
pub(crate) async fn page(
    State(app): State<Shared>,
    staff: Staff,
    Query(asked): Query<Asked>,
) -> Answer<Response, Failure> {
    let text = asked.q.unwrap_or_default().trim().to_owned();
    let mut shown = Search {
        page: staff.page,
        text,
        refused: None,
        found: Vec::new(),
        events: Vec::new(),
        is_cut: false,
        done: asked.done,
    };
    if shown.text.is_empty() {
        return Ok(Html(shown).into_response());
    }
    match typed::<SearchText>("q", &shown.text) {
        Err(refused) => shown.refused = Some(refused),
        Ok(text) => {
            let found = history::outline(&app.db, &staff.shop, &text).await?;
            shown.found = found.found;
            shown.events = rows(&found.unmatched_events).map(event).collect();
            shown.is_cut = found.truncated;
        }
    }
    if let ([only], []) = (&*shown.found, &*shown.events) {
        let done = shown.done.as_deref();
        let known = done.filter(|done| {
            shown
                .page
                .done("support", &Some((*done).to_owned()))
                .is_some()
        });
        let done = known.map_or_else(String::new, |done| format!("?done={done}"));
        let path = format!("support/checkouts/{}{done}", only.checkout_id);
        return Ok(Redirect::to(&shown.page.path(&path)).into_response());
    }
    Ok(Html(shown).into_response())
}

fn rows(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn time(value: &Value) -> Option<Utc> {
    value.as_str()?.parse().ok()
}

fn event(event: &Value) -> Event {
    Event {
        gateway: text(&event["gateway"]),
        key: text(&event["event_key"]),
        reference: text(&event["reference"]),
        amount_minor: event["amount_minor"].as_i64(),
        currency: text(&event["currency"]),
        is_parked: event["outcome"] == "parked",
        outcome: text(&event["outcome"]),
        actor: (event["actor"].as_str().or(event["retried_by"].as_str())).map(str::to_owned),
        at: time(&event["received_at"]),
    }
}
