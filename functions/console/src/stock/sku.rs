//! One sku: its numbers, its changes, the newest rows of its ledger.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use holdfast_http::{Answer, Path, Query, Refused, found};
use lambda_http::http::StatusCode;
use operations::db::Failure;
use operations::ids::{MovementId, Sku};
use operations::ledger;
use operations::quantity::{PageLimit, Version};
use operations::refusal::{Refusal, Said};
use operations::sku::{self, Entry};
use operations::stock::{
    self, Adjust, BrokenHold, ChangeError, Changed, Movement, Receive, STOCK_STALE, Set, Shrink,
    ShrinkError,
};
use operations::utc::Utc;
use serde::Deserialize;
use uuid::Uuid;

use crate::access::Section;
use crate::app::Shared;
use crate::form::{Checked, typed};
use crate::page::{Html, Page};
use crate::refusal;
use crate::session::now_s;
use crate::staff::Staff;

/// A change of stock, as it is typed. The id makes a second click harmless; the version is that of
/// the numbers that the clerk saw.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Form {
    movement_id: Uuid,
    version: Version,
    /// The units on hand that the clerk saw.
    seen: String,
    number: String,
    #[serde(default)]
    reference: String,
    #[serde(default)]
    note: String,
    /// Not empty: the clerk has seen whose holds break.
    #[serde(default)]
    confirmed: String,
}

/// A change that was refused or that must be confirmed.
struct Attempt {
    verb: &'static str,
    form: Form,
    refused: Option<String>,
    is_stale: bool,
    /// Whose holds would break, and the numbers then.
    preview: Option<Preview>,
}

struct Preview {
    broken: Vec<BrokenHold>,
    on_hand: i32,
    held: i32,
}

/// A change that is done.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Done {
    done: String,
}

/// The page of a sku.
#[derive(Template)]
#[template(path = "stock/sku.html")]
pub(crate) struct Shown {
    page: Page,
    entry: Entry,
    movements: Vec<Movement>,
    may_change: bool,
    done: bool,
    attempt: Option<Attempt>,
}

/// One form of the page: its verb, and what was typed into it.
struct Fields<'a> {
    verb: &'static str,
    movement_id: Uuid,
    number: &'a str,
    reference: &'a str,
    note: &'a str,
    refused: Option<&'a str>,
}

impl Shown {
    fn forms(&self) -> Vec<Fields<'_>> {
        let form = |verb| {
            let tried = self.attempt.as_ref().filter(|tried| tried.verb == verb);
            Fields {
                verb,
                movement_id: tried.map_or_else(|| self.page.new_id(), |it| it.form.movement_id),
                number: tried.map_or("", |it| &it.form.number),
                reference: tried.map_or("", |it| &it.form.reference),
                note: tried.map_or("", |it| &it.form.note),
                refused: tried.and_then(|it| it.refused.as_deref()),
            }
        };
        ["receive", "count", "adjust", "shrink"].map(form).into()
    }

    /// Whether this person may end the sale, and it goes on.
    fn may_end_sale(&self) -> bool {
        let is_over = |at: Option<Utc>| at.map(|at| at.get().unix_timestamp() <= now_s());
        self.page.may_change_in(Section::Sale)
            && is_over(self.entry.sale_opens_at) != Some(false)
            && is_over(self.entry.sale_closes_at) != Some(true)
    }

    fn path(&self) -> String {
        self.page.path(&format!("stock/sku/{}", self.entry.sku))
    }
}

async fn read(app: &Shared, staff: &Staff, sku: &Sku) -> Result<Option<Shown>, Failure> {
    let Some(entry) = sku::read(&app.db, &staff.shop, sku).await? else {
        return Ok(None);
    };
    let filter = ledger::Filter {
        sku: Some(sku.clone()),
        ..ledger::Filter::default()
    };
    let movements = ledger::list(&app.db, &staff.shop, &filter, None, PageLimit::FEW).await?;
    Ok(Some(Shown {
        may_change: staff.page.may_change(),
        page: staff.page.clone(),
        movements: movements.rows,
        entry,
        done: false,
        attempt: None,
    }))
}

/// The page.
pub(crate) async fn page(
    State(app): State<Shared>,
    staff: Staff,
    Path(sku): Path<Sku>,
    Query(Done { done }): Query<Done>,
) -> Answer<Html<Shown>, Failure> {
    let mut shown = found("sku", read(&app, &staff, &sku).await)?;
    shown.done = !done.is_empty();
    Ok(Html(shown))
}

/// The page with a form as it was typed, and why it was refused.
async fn again<E>(
    app: &Shared,
    staff: &Staff,
    sku: &Sku,
    mut attempt: Attempt,
    said: Option<Said>,
) -> Result<Response, Refused<E>>
where
    E: Refusal + From<Failure>,
{
    let shown = read(app, staff, sku).await.map_err(E::from);
    let mut shown = found("sku", shown)?;
    let mut status = StatusCode::OK;
    if let Some(said) = said {
        status = StatusCode::from_u16(said.kind.status).unwrap_or(StatusCode::CONFLICT);
        attempt.is_stale = said.kind.code == STOCK_STALE.code;
        attempt.refused = Some(staff.page.refusal(&said));
    }
    shown.attempt = Some(attempt);
    Ok((status, Html(shown)).into_response())
}

/// After a change: a reload shows the page, and sends nothing again.
fn done(staff: &Staff, sku: &Sku) -> Response {
    let path = staff.page.path(&format!("stock/sku/{sku}?done=1"));
    Redirect::to(&path).into_response()
}

fn optional<T>(field: &str, text: &str) -> Result<Option<T>, Said>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    match text {
        "" => Ok(None),
        text => typed(field, text).map(Some),
    }
}

impl Form {
    // A receipt and a correction are right for any number of units, and their id makes them
    // count once. So no other change makes them stale.
    fn receive(&self) -> Result<Receive, Said> {
        Ok(Receive {
            quantity: typed("quantity", &self.number)?,
            note: optional("note", &self.note)?,
            expected_version: None,
            reference: optional("reference", &self.reference)?,
            movement_id: MovementId::from(self.movement_id),
        })
    }

    fn count(&self) -> Result<Set, Said> {
        Ok(Set {
            on_hand: typed("on_hand", &self.number)?,
            note: typed("note", &self.note)?,
            expected_version: Some(self.version),
            reference: optional("reference", &self.reference)?,
            movement_id: MovementId::from(self.movement_id),
        })
    }

    fn adjust(&self) -> Result<Adjust, Said> {
        // people write +3
        let number = self.number.strip_prefix('+').unwrap_or(&self.number);
        Ok(Adjust {
            delta: typed("delta", number)?,
            note: typed("note", &self.note)?,
            expected_version: None,
            reference: optional("reference", &self.reference)?,
            movement_id: MovementId::from(self.movement_id),
        })
    }

    fn shrink(&self) -> Result<Shrink, Said> {
        Ok(Shrink {
            missing: typed("missing", &self.number)?,
            note: typed("note", &self.note)?,
            dry_run: self.confirmed.is_empty(),
            // as a correction: shoppers hold and release units all the time
            expected_version: None,
            reference: optional("reference", &self.reference)?,
            movement_id: MovementId::from(self.movement_id),
        })
    }

    fn attempt(self, verb: &'static str) -> Attempt {
        Attempt {
            verb,
            form: self,
            refused: None,
            is_stale: false,
            preview: None,
        }
    }
}

/// Receives units.
pub(crate) async fn receive(
    State(app): State<Shared>,
    staff: Staff,
    Path(sku): Path<Sku>,
    Checked(form): Checked<Form>,
) -> Answer<Response, ChangeError> {
    let said = match form.receive() {
        Ok(change) => {
            match stock::receive(&app.db, &staff.shop, &sku, &staff.actor, &change).await {
                Ok(_) => return Ok(done(&staff, &sku)),
                Err(error) => refusal::said(error)?,
            }
        }
        Err(said) => said,
    };
    again(&app, &staff, &sku, form.attempt("receive"), Some(said)).await
}

/// How often a count is sent while shoppers hold and release units.
const COUNT_TRIES: usize = 3;

/// Sets the stock. A hold changes the version and no units on hand: if the clerk saw as many as
/// there are now, the count goes again with the present version.
async fn set(
    app: &Shared,
    staff: &Staff,
    sku: &Sku,
    form: &Form,
    mut change: Set,
) -> Result<Changed, ChangeError> {
    let mut tries = 1;
    loop {
        let answer = stock::set(&app.db, &staff.shop, sku, &staff.actor, &change).await;
        match &answer {
            Err(ChangeError::Stale(now))
                if tries < COUNT_TRIES && form.seen == now.level.on_hand.to_string() =>
            {
                change.expected_version = Version::try_from(now.level.version).ok();
            }
            _ => return answer,
        }
        tries += 1;
    }
}

/// Sets the stock to a count.
pub(crate) async fn count(
    State(app): State<Shared>,
    staff: Staff,
    Path(sku): Path<Sku>,
    Checked(form): Checked<Form>,
) -> Answer<Response, ChangeError> {
    let said = match form.count() {
        Ok(change) => match set(&app, &staff, &sku, &form, change).await {
            Ok(_) => return Ok(done(&staff, &sku)),
            Err(error) => refusal::said(error)?,
        },
        Err(said) => said,
    };
    again(&app, &staff, &sku, form.attempt("count"), Some(said)).await
}

/// Corrects the stock by a difference.
pub(crate) async fn adjust(
    State(app): State<Shared>,
    staff: Staff,
    Path(sku): Path<Sku>,
    Checked(form): Checked<Form>,
) -> Answer<Response, ChangeError> {
    let said = match form.adjust() {
        Ok(change) => {
            match stock::adjust(&app.db, &staff.shop, &sku, &staff.actor, &change).await {
                Ok(_) => return Ok(done(&staff, &sku)),
                Err(error) => refusal::said(error)?,
            }
        }
        Err(said) => said,
    };
    again(&app, &staff, &sku, form.attempt("adjust"), Some(said)).await
}

/// Takes missing units out. First it shows whose holds would break, and asks.
pub(crate) async fn shrink(
    State(app): State<Shared>,
    staff: Staff,
    Path(sku): Path<Sku>,
    Checked(form): Checked<Form>,
) -> Answer<Response, ShrinkError> {
    let said = match form.shrink() {
        Ok(change) => {
            match stock::shrink(&app.db, &staff.shop, &sku, &staff.actor, &change).await {
                Ok(shrunk) if shrunk.dry_run => {
                    let mut attempt = form.attempt("shrink");
                    attempt.preview = Some(Preview {
                        broken: shrunk.broken,
                        on_hand: shrunk.level.on_hand,
                        held: shrunk.level.held,
                    });
                    return again(&app, &staff, &sku, attempt, None).await;
                }
                Ok(_) => return Ok(done(&staff, &sku)),
                Err(error) => refusal::said(error)?,
            }
        }
        Err(said) => said,
    };
    again(&app, &staff, &sku, form.attempt("shrink"), Some(said)).await
}
