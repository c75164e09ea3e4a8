//! The log of a subscriber: what was sent, what it answered; send again, send a test message,
//! enable one that was disabled.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use holdfast_http::{Answer, List, NoFilter, Path, found};
use lambda_http::http::StatusCode;
use operations::db::Failure;
use operations::delivery::{self, Logged, Position, Resend, ResendError};
use operations::quantity::PageLimit;
use operations::subscriber::{self, Enable, Name, Subscriber, Test, TestError};

use crate::app::Shared;
use crate::form::Checked;
use crate::page::{Html, Page};
use crate::refusal;
use crate::staff::Staff;

/// The page of a subscriber.
#[derive(Template)]
#[template(path = "health/subscriber.html")]
pub(crate) struct Log {
    page: Page,
    subscriber: Subscriber,
    deliveries: Vec<Logged>,
    next: Option<String>,
    may_change: bool,
    refused: Option<String>,
}

impl Log {
    fn data(&self, logged: &Logged) -> String {
        serde_json::to_string_pretty(&logged.data).unwrap_or_default()
    }

    fn path(&self) -> String {
        let name = &self.subscriber.name;
        self.page.path(&format!("health/subscriber/{name}"))
    }
}

async fn read(
    app: &Shared,
    staff: &Staff,
    name: &Name,
    after: Option<&operations::page::After<Position>>,
) -> Result<Option<Log>, Failure> {
    let (db, shop) = (&app.db, &staff.shop);
    let subscriber = subscriber::read(db, shop, name).await?;
    let log = delivery::list(db, shop, name, after, PageLimit::FEW).await?;
    let (Some(subscriber), Some(log)) = (subscriber, log) else {
        return Ok(None);
    };
    Ok(Some(Log {
        may_change: staff.page.may_change(),
        page: staff.page.clone(),
        subscriber,
        next: log.next.map(|next| next.as_str().to_owned()),
        deliveries: log.rows,
        refused: None,
    }))
}

/// The page.
pub(crate) async fn page(
    State(app): State<Shared>,
    staff: Staff,
    Path(name): Path<Name>,
    list: List<NoFilter, Position, PageLimit>,
) -> Answer<Html<Log>, Failure> {
    let log = read(&app, &staff, &name, list.after.as_ref()).await;
    found("subscriber", log).map(Html)
}

/// Enables a subscriber. One that was disabled again since its form was made stays disabled.
pub(crate) async fn enable(
    State(app): State<Shared>,
    staff: Staff,
    Path(name): Path<Name>,
    Checked(form): Checked<Enable>,
) -> Answer<Response, Failure> {
    let enabled = subscriber::enable(&app.db, &staff.shop, &name, form).await;
    found("subscriber", enabled).map(|_| to_log(&staff, &name))
}

/// Sends a test message. The form's id makes a second click harmless.
pub(crate) async fn test(
    State(app): State<Shared>,
    staff: Staff,
    Path(name): Path<Name>,
    Checked(form): Checked<Test>,
) -> Answer<Response, TestError> {
    let sent = subscriber::test(&app.db, &staff.shop, &name, &staff.actor, form).await;
    let said = match sent {
        Ok(_) => return Ok(to_log(&staff, &name)),
        Err(error) => refusal::said(error)?,
    };
    let log = read(&app, &staff, &name, None).await;
    let log = found("subscriber", log.map_err(TestError::from))?;
    Ok(refused(log, &said))
}

/// Sends one announcement again. A second click finds that it was sent since its form was made.
pub(crate) async fn resend(
    State(app): State<Shared>,
    staff: Staff,
    Path(name): Path<Name>,
    Checked(again): Checked<Resend>,
) -> Answer<Response, ResendError> {
    let said = match delivery::resend(&app.db, &staff.shop, &name, &staff.actor, &again).await {
        Ok(_) => return Ok(to_log(&staff, &name)),
        Err(error) => refusal::said(error)?,
    };
    let log = read(&app, &staff, &name, None).await;
    let log = found("subscriber", log.map_err(ResendError::from))?;
    Ok(refused(log, &said))
}

fn to_log(staff: &Staff, name: &Name) -> Response {
    let path = staff.page.path(&format!("health/subscriber/{name}"));
    Redirect::to(&path).into_response()
}

fn refused(mut log: Log, said: &operations::refusal::Said) -> Response {
    log.refused = Some(log.page.refusal(said));
    (StatusCode::CONFLICT, Html(log)).into_response()
}
