//! A file of skus and stock: tried first, row by row, then applied.

use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use holdfast_http::{Answer, Path, Problem, Query, Refused, found};
use lambda_http::http::{HeaderMap, StatusCode};
use operations::db::Failure;
use operations::ids::ImportId;
use operations::import::{
    self, Apply, ApplyError, Filter, Mode, PART_ROWS_MAX, Report, RowOutcome, StageError, Status,
};
use operations::quantity::{PartNumber, Percent, ReportLimit};
use operations::refusal::Said;
use operations::sku::columns::FIELDS;
use serde::Deserialize;
use uuid::Uuid;

use crate::app::Shared;
use crate::form::{Checked, Upload};
use crate::live;
use crate::page::{Html, Page};
use crate::refusal;
use crate::staff::Staff;

/// Time for one call: the page shows the progress in between.
const BUDGET: Duration = Duration::from_secs(2);
/// Rows of one page.
const ROWS: i64 = 200;

/// The page with the file's form.
#[derive(Template)]
#[template(path = "stock/import.html")]
pub(crate) struct File {
    page: Page,
    import_id: Uuid,
    refused: Option<String>,
}

impl File {
    /// The columns that a file may have.
    fn columns(&self) -> &'static [&'static str] {
        &FIELDS
    }
}

/// The page.
pub(crate) async fn page(staff: Staff) -> Html<File> {
    Html(File {
        import_id: staff.page.new_id(),
        page: staff.page,
        refused: None,
    })
}

/// Stages the file, and tries it.
pub(crate) async fn try_out(
    State(app): State<Shared>,
    staff: Staff,
    upload: Upload,
) -> Answer<Response, StageError> {
    let refused = |staff: Staff, why: String| {
        let file = File {
            import_id: staff.page.new_id(),
            page: staff.page,
            refused: Some(why),
        };
        (StatusCode::UNPROCESSABLE_ENTITY, Html(file)).into_response()
    };
    let Ok(import_id) = upload.field("import_id").parse::<ImportId>() else {
        let why = staff.page.say("import-no-id");
        return Ok(refused(staff, why));
    };
    let is_lines = upload.name.ends_with(".jsonl") || upload.name.ends_with(".ndjson");
    let rows = match is_lines {
        true => import::jsonl::file(&upload.file),
        false => import::csv::file(&upload.file),
    };
    let rows = match rows {
        Ok(rows) if rows.is_empty() => {
            let why = staff.page.say("import-empty");
            return Ok(refused(staff, why));
        }
        Ok(rows) => rows,
        Err(error) => return Ok(refused(staff, error.to_string())),
    };
    for (part, rows) in (1_i64..).zip(rows.chunks(PART_ROWS_MAX)) {
        let part = PartNumber::try_from(part).map_err(|error| Problem::invalid("file", error))?;
        let staged = import::stage(&app.db, &staff.shop, import_id, part, &staff.actor, rows);
        if let Err(error) = staged.await {
            let said = refusal::said(error)?;
            let why = staff.page.refusal(&said);
            return Ok(refused(staff, why));
        }
    }
    // The page of its rows goes on where this ends.
    let pass = request(rows.len(), true);
    let tried = import::apply(&app.db, &staff.shop, import_id, &staff.actor, &pass, BUDGET);
    if let Err(error) = tried.await {
        let said = refusal::said(error).map_err(|refused| refused.problem())?;
        let why = staff.page.refusal(&said);
        return Ok(refused(staff, why));
    }
    Ok(to_rows(&staff, import_id))
}

/// A file of so many rows: every part but the last is full.
fn request(rows: usize, dry_run: bool) -> Apply {
    let parts = i64::try_from(rows.div_ceil(PART_ROWS_MAX)).unwrap_or(i64::MAX);
    Apply {
        parts: PartNumber::try_from(parts).unwrap_or(PartNumber::FIRST),
        mode: Mode::GoodRowsOnly,
        dry_run,
        share_percent: Percent::QUARTER,
    }
}

fn to_rows(staff: &Staff, import_id: ImportId) -> Response {
    let id = import_id.as_uuid();
    Redirect::to(&staff.page.path(&format!("stock/import/{id}"))).into_response()
}

/// Which rows are shown.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Shown {
    only: Option<RowOutcome>,
    cursor: String,
}

/// The page of an import's rows.
#[derive(Template)]
#[template(path = "stock/rows.html")]
pub(crate) struct Rows {
    page: Page,
    part: String,
    report: Report,
    is_tried: bool,
    only: Option<RowOutcome>,
    next: Option<String>,
    refused: Option<String>,
    may_change: bool,
}

/// The progress, live.
#[derive(Template)]
#[template(path = "stock/progress.html")]
struct Bar {
    page: Page,
    report: Report,
    done: i64,
    /// The pass goes on with the next call.
    goes_on: bool,
    is_dry_run: bool,
}

impl Bar {
    fn of(page: Page, report: Report) -> Self {
        let rows = [
            report.created,
            report.changed,
            report.unchanged,
            report.refused,
        ];
        Self {
            page,
            done: rows.iter().copied().map(i64::from).sum(),
            goes_on: matches!(report.status, Status::Trying | Status::Applying),
            is_dry_run: report.status == Status::Trying,
            report,
        }
    }

    fn path(&self) -> String {
        let id = self.report.import_id.as_uuid();
        self.page.path(&format!("stock/import/{id}"))
    }

    fn status(&self) -> &'static str {
        match self.report.status {
            Status::Open => "open",
            Status::Trying => "trying",
            Status::Tried => "tried",
            Status::Applying => "applying",
            Status::Done => "done",
            Status::Rejected => "rejected",
        }
    }
}

/// The word of an outcome, in keys of texts and in paths.
fn word(outcome: RowOutcome) -> &'static str {
    match outcome {
        RowOutcome::Created => "created",
        RowOutcome::Changed => "changed",
        RowOutcome::Unchanged => "unchanged",
        RowOutcome::Refused => "refused",
    }
}

impl Rows {
    fn path(&self) -> String {
        let id = self.report.import_id.as_uuid();
        self.page.path(&format!("stock/import/{id}"))
    }

    fn live_path(&self) -> String {
        format!("{}/progress", self.path())
    }

    fn only_word(&self) -> Option<&'static str> {
        self.only.map(word)
    }

    fn outcome(&self, outcome: &Option<RowOutcome>) -> String {
        let word = outcome.map_or("waiting", word);
        self.page.say(format!("import-row-{word}"))
    }

    fn colour(&self, outcome: &Option<RowOutcome>) -> &'static str {
        match outcome {
            Some(RowOutcome::Created | RowOutcome::Changed) => "good",
            Some(RowOutcome::Refused) => "bad",
            _ => "",
        }
    }

    /// A value of a field before or after, as a person reads it, or the word for none.
    fn value(&self, field: &str, value: &Option<String>) -> String {
        let Some(value) = value else {
            return self.page.say("import-nothing");
        };
        let shown = match field {
            "price_minor" => value.parse().ok().map(|minor| self.page.price(minor)),
            "sale_opens_at" | "sale_closes_at" | "departs_at" => {
                let at = value.parse().ok();
                at.map(|at| self.page.day_and_seconds(&at))
            }
            _ => None,
        };
        shown.unwrap_or_else(|| value.clone())
    }
}

async fn read(
    app: &Shared,
    staff: &Staff,
    import_id: ImportId,
    shown: &Shown,
    limit: ReportLimit,
) -> Result<Option<Report>, Failure> {
    let filter = Filter {
        outcome: shown.only,
    };
    let after = shown.cursor.parse().ok();
    import::report(
        &app.db,
        &staff.shop,
        import_id,
        filter,
        after.as_ref(),
        limit,
    )
    .await
}

fn limit(rows: i64) -> ReportLimit {
    ReportLimit::try_from(rows).unwrap_or_default()
}

async fn page_of(
    app: &Shared,
    staff: &Staff,
    import_id: ImportId,
    shown: Shown,
    said: Option<&Said>,
) -> Result<Option<Rows>, Failure> {
    let Some(report) = read(app, staff, import_id, &shown, limit(ROWS)).await? else {
        return Ok(None);
    };
    let bar = Bar::of(staff.page.clone(), report.clone());
    let part = bar
        .render()
        .map_err(|error| Failure::Internal(error.into()))?;
    Ok(Some(Rows {
        may_change: staff.page.may_change(),
        page: staff.page.clone(),
        part,
        is_tried: report.status == Status::Tried,
        only: shown.only,
        next: report.next.as_ref().map(|next| next.as_str().to_owned()),
        refused: said.map(|said| staff.page.refusal(said)),
        report,
    }))
}

/// The page.
pub(crate) async fn rows(
    State(app): State<Shared>,
    staff: Staff,
    Path(import_id): Path<ImportId>,
    Query(shown): Query<Shown>,
) -> Answer<Html<Rows>, Failure> {
    let rows = page_of(&app, &staff, import_id, shown, None).await;
    found("import", rows).map(Html)
}

/// The live part: how far it is.
pub(crate) async fn progress(
    State(app): State<Shared>,
    headers: HeaderMap,
    staff: Staff,
    Path(import_id): Path<ImportId>,
) -> Answer<Response, Failure> {
    let report = read(&app, &staff, import_id, &Shown::default(), limit(0)).await;
    let bar = Bar::of(staff.page, found("import", report)?);
    Ok(live::part(&headers, &bar)?)
}

/// Whether the form goes on with a dry run.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pass {
    #[serde(default)]
    dry_run: String,
}

/// Applies the next rows, or tries them. The import's id makes a second click harmless.
pub(crate) async fn apply(
    State(app): State<Shared>,
    staff: Staff,
    Path(import_id): Path<ImportId>,
    Checked(pass): Checked<Pass>,
) -> Answer<Response, ApplyError> {
    let report = import::report(
        &app.db,
        &staff.shop,
        import_id,
        Filter::default(),
        None,
        limit(0),
    );
    let report = found("import", report.await).map_err(Refused::problem)?;
    let rows = usize::try_from(report.rows).unwrap_or_default();
    let request = request(rows, !pass.dry_run.is_empty());
    let applied = import::apply(
        &app.db,
        &staff.shop,
        import_id,
        &staff.actor,
        &request,
        BUDGET,
    );
    let said = match applied.await {
        Ok(_) => return Ok(to_rows(&staff, import_id)),
        Err(error) => refusal::said(error)?,
    };
    let rows = page_of(&app, &staff, import_id, Shown::default(), Some(&said)).await;
    let rows = found("import", rows.map_err(ApplyError::from))?;
    Ok((StatusCode::CONFLICT, Html(rows)).into_response())
}
