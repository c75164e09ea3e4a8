//! Bulk import and export.

use std::time::Duration;

use holdfast_http::parse::{invalid, json};
use holdfast_http::problem::Problem;
use holdfast_http::{Reply, refused};
use lambda_http::RequestExt as _;
use lambda_http::http::Method;
use lambda_http::http::header::CONTENT_TYPE;
use operations::ids::ImportId;
use operations::import::report::{PAGE_ROWS_MAX, Page, RowOutcome};
use operations::import::{self, Apply, Mode, Part, Row, Unreadable};
use operations::quantity::{Count, PartNumber, Percent};
use operations::sku;
use operations::sku::export::{Format, PAGE_ROWS_MAX as EXPORT_ROWS_MAX};
use serde::Deserialize;

use crate::app::{Call, sku_of};

/// Bytes of a part. In base64 they stay below Lambda's limit of 6 MB.
const PART_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Time for the batches of one call. API Gateway gives up after 29 seconds.
const BUDGET: Duration = Duration::from_secs(5);
/// Time for one batch. An all-or-nothing import is one batch.
const CALL_TIMEOUT: Duration = Duration::from_secs(20);
/// Rows of a page when the request does not say.
const PAGE_ROWS_DEFAULT: i32 = 1_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ApplyBody {
    parts: PartNumber,
    #[serde(default = "good_rows_only")]
    mode: Mode,
    #[serde(default)]
    dry_run: bool,
    #[serde(default = "quarter")]
    share_percent: Percent,
}

fn good_rows_only() -> Mode {
    Mode::GoodRowsOnly
}

fn quarter() -> Percent {
    Percent::QUARTER
}

pub(crate) async fn route(call: &Call<'_>, rest: &[&str]) -> Result<Reply, Problem> {
    let [id, rest @ ..] = rest else {
        return Err(Problem::not_found("path"));
    };
    let id: ImportId = id.parse().map_err(|error| invalid("import_id", &error))?;
    match (rest, call.request.method()) {
        (["parts", part], &Method::PUT) => stage(call, id, part).await,
        (["parts", _], _) => Err(Problem::method_not_allowed("PUT")),
        (["apply"], &Method::POST) => apply(call, id).await,
        (["apply"], _) => Err(Problem::method_not_allowed("POST")),
        (["report"], &Method::GET) => report(call, id).await,
        (["report"], _) => Err(Problem::method_not_allowed("GET")),
        _ => Err(Problem::not_found("path")),
    }
}

async fn stage(call: &Call<'_>, import_id: ImportId, part: &str) -> Result<Reply, Problem> {
    let part = Part {
        shop: call.shop.clone(),
        import_id,
        part: number::<PartNumber>("part", part)?.get(),
        actor: call.actor.clone(),
        rows: rows(call)?,
    };
    Reply::of(import::stage(&call.app.db, &part).await)
}

async fn apply(call: &Call<'_>, import_id: ImportId) -> Result<Reply, Problem> {
    let body: ApplyBody = json(call.request.body())?;
    let request = Apply {
        shop: call.shop.clone(),
        import_id,
        parts: body.parts.get(),
        mode: body.mode,
        dry_run: body.dry_run,
        actor: call.actor.clone(),
        share: body.share_percent,
        budget: BUDGET,
    };
    let db = call.app.db.clone().with_call_timeout(CALL_TIMEOUT);
    Reply::of(import::apply(&db, &request).await)
}

async fn report(call: &Call<'_>, import_id: ImportId) -> Result<Reply, Problem> {
    let page = Page {
        outcome: outcome(call)?,
        after: after_row(call)?,
        limit: limit(call, 0)?,
    };
    Reply::found(
        "import",
        import::report(&call.app.db, &call.shop, import_id, &page).await,
    )
}

/// The whole shop, page by page.
pub(crate) async fn export(call: &Call<'_>) -> Result<Reply, Problem> {
    if call.request.method() != Method::GET {
        return Err(Problem::method_not_allowed("GET"));
    }
    let (format, content_type) = match parameter(call, "format").as_deref() {
        None | Some("csv") => (Format::Csv, "text/csv"),
        Some("jsonl") => (Format::Jsonl, "application/jsonl"),
        Some(_) => {
            let message = "must be csv or jsonl";
            return Err(Problem::invalid_request("format", message));
        }
    };
    let after = match parameter(call, "after") {
        None => None,
        Some(sku) => Some(sku_of(&sku).map_err(|_| {
            Problem::invalid_request("after", "must be `next` of the previous page")
        })?),
    };
    let limit = limit(call, 1)?.min(EXPORT_ROWS_MAX);
    match sku::export(&call.app.db, &call.shop, after.as_ref(), limit, format).await {
        Ok(page) => Ok(Reply::Text {
            content_type,
            text: page.text,
            next: page.next,
        }),
        Err(error) => Err(refused(&error)),
    }
}

fn parameter(call: &Call<'_>, name: &str) -> Option<String> {
    let query = call.request.query_string_parameters();
    query.first(name).map(str::to_owned)
}

/// The rows of the body, parsed by its content type.
fn rows(call: &Call<'_>) -> Result<Vec<Row>, Problem> {
    let body: &[u8] = call.request.body();
    if body.len() > PART_BYTES_MAX {
        return Err(Problem::body_too_large(PART_BYTES_MAX));
    }
    let first_line = match parameter(call, "first_line") {
        None => None,
        Some(text) => Some(number::<Count>("first_line", &text)?.get()),
    };
    let content_type = call.request.headers().get(CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok());
    let content_type = content_type.and_then(|value| value.split(';').next());
    let rows = match content_type.unwrap_or_default().trim() {
        "text/csv" => import::csv::rows(body, first_line),
        "application/jsonl" | "application/x-ndjson" => import::jsonl::rows(body, first_line),
        _ => Err(Unreadable {
            field: "content-type".to_owned(),
            message: "must be text/csv or application/jsonl".to_owned(),
        }),
    };
    rows.map_err(|error| Problem::invalid_request(&error.field, &error.message))
}

fn outcome(call: &Call<'_>) -> Result<Option<RowOutcome>, Problem> {
    match parameter(call, "outcome").as_deref() {
        None => Ok(None),
        Some("created") => Ok(Some(RowOutcome::Created)),
        Some("changed") => Ok(Some(RowOutcome::Changed)),
        Some("unchanged") => Ok(Some(RowOutcome::Unchanged)),
        Some("refused") => Ok(Some(RowOutcome::Refused)),
        Some(_) => {
            let message = "must be created, changed, unchanged or refused";
            Err(Problem::invalid_request("outcome", message))
        }
    }
}

/// The cursor of a report: part and line of the last row.
fn after_row(call: &Call<'_>) -> Result<(i32, i32), Problem> {
    let Some(cursor) = parameter(call, "after") else {
        return Ok((0, 0));
    };
    let row = cursor.split_once('.');
    let row = row.and_then(|(part, line)| Some((part.parse().ok()?, line.parse().ok()?)));
    row.ok_or_else(|| Problem::invalid_request("after", "must be `next` of the previous page"))
}

fn limit(call: &Call<'_>, least: i32) -> Result<i32, Problem> {
    let Some(text) = parameter(call, "limit") else {
        return Ok(PAGE_ROWS_DEFAULT);
    };
    match text.parse() {
        Ok(limit) if (least..=PAGE_ROWS_MAX).contains(&limit) => Ok(limit),
        _ => {
            let message = format!("must be a whole number from {least} to {PAGE_ROWS_MAX}");
            Err(Problem::invalid_request("limit", &message))
        }
    }
}

fn number<T: TryFrom<i64, Error: std::fmt::Display>>(
    field: &str,
    text: &str,
) -> Result<T, Problem> {
    // A text that is no number gets the same message as a number out of bounds.
    T::try_from(text.parse().unwrap_or(i64::MIN)).map_err(|error| {
        let rule = error.to_string();
        let rule = rule.split(", got ").next().unwrap_or_default();
        Problem::invalid_request(field, rule)
    })
}
