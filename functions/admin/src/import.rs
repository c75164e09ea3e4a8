//! Bulk import and export.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request, State};
use holdfast_http::contract::{Description, Input};
use holdfast_http::{
    Answer, Json, Lines, List, Path, Problem, Query, Route, bytes, found, media_type, route,
};
use operations::db::Failure;
use operations::ids::ImportId;
use operations::import::{
    self, Apply, ApplyError, Filter, Position, Progress, Report, Row, StageError, Staged,
};
use operations::quantity::{Count, ExportLimit, PartNumber, ReportLimit};
use operations::sku;
use operations::sku::export::Format;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};

use crate::app::Shared;
use crate::caller::Clerk;

/// Bytes of a part. In base64 they stay below Lambda's limit of 6 MB.
const PART_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Time for the batches of one call. API Gateway gives up after 29 seconds.
const BUDGET: Duration = Duration::from_secs(5);
/// Time for one batch. An all-or-nothing import is one batch.
const CALL_TIMEOUT: Duration = Duration::from_secs(20);

const CSV: &str = "text/csv";
const JSONL: &str = "application/jsonl";
/// Another name of the same.
const NDJSON: &str = "application/x-ndjson";

pub(crate) fn routes() -> Vec<Route<Shared>> {
    vec![route!(stage), route!(apply), route!(report), route!(export)]
}

/// Where a part is in its file.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Place {
    /// For the report: the line of the file with the part's first row (CSV: the first row after
    /// the header). Without it, lines are counted within the part.
    first_line: Option<Count>,
}

/// Stage a part of a file
///
/// Stores up to 5,000 rows, of at most 4 MiB, to be applied later. The catalogue does not
/// change yet. A malformed row is stored as refused, with the reason. The first part creates
/// the import.
///
/// Fields of a row: `sku`, `title`, `attributes` (a JSON object: all of them), `attr.colour` (one
/// attribute; the others stay), `price_minor`, `currency` (the shop's), `sale_opens_at`,
/// `sale_closes_at`, `departs_at` (RFC 3339), `low_stock_threshold`, `limit_per_customer`,
/// `retired`, `on_hand`, `expected_version` (of the stock level). Fields that a row does not have
/// stay as they are. A new sku needs a title and a price. An empty cell, or null, removes a sale
/// time, a departure, a limit, one attribute or all attributes. For `on_hand`, `currency` and
/// `expected_version` it changes nothing.
///
/// CSV has a header. Names of columns may be in capitals. Separators are commas, semicolons or
/// tabs. Columns and rows without any text are ignored. A file in UTF-16 has a byte order mark.
/// An apostrophe before `=`, `+`, `-`, `@`, a tab or a carriage return at the beginning of a
/// title or an attribute column is removed.
///
/// **Retry:** the same part again replaces it.
#[utoipa::path(
    put,
    path = "/v1/admin/shops/{shop}/imports/{import_id}/parts/{part}",
    operation_id = "import_stage",
    tag = "office",
    responses((status = 200, description = "The part is stored."))
)]
async fn stage(
    State(app): State<Shared>,
    clerk: Clerk,
    Path(import_id): Path<ImportId>,
    Path(part): Path<PartNumber>,
    Query(place): Query<Place>,
    file: PartFile,
) -> Answer<Json<Staged>, StageError> {
    let rows = file.rows(place.first_line)?;
    let staged = import::stage(&app.db, &clerk.shop, import_id, part, &clerk.actor, &rows).await?;
    Ok(Json(staged))
}

/// Apply an import, or try it out
///
/// Applies the next rows, in transactions of 500, for about five seconds, and reports the
/// progress. Call again until `done`. Between two transactions it rests, so that the shop can
/// sell at the same time. With `dry_run` it changes nothing: the report shows each changed field
/// before and after.
///
/// Each row is created, changed, unchanged or refused. It is refused if it is malformed, an
/// earlier line has the same sku, the currency is not the shop's, a new sku lacks title or
/// price, the row would change something and `expected_version` is not the stock level's
/// version, or `on_hand` would be below the units that shoppers hold. Rows that change nothing
/// take no locks.
///
/// `all_or_nothing` is one transaction of at most 10,000 rows. If one row is refused, nothing
/// changes and the import is `rejected`.
///
/// **Retry:** send the same request again: it continues where it stopped. When it is done, the
/// answer stays the same. A complete dry run starts again.
#[utoipa::path(
    post,
    path = "/v1/admin/shops/{shop}/imports/{import_id}/apply",
    operation_id = "import_apply",
    tag = "office",
    responses((status = 200, description = "The progress."))
)]
async fn apply(
    State(app): State<Shared>,
    clerk: Clerk,
    Path(import_id): Path<ImportId>,
    Json(request): Json<Apply>,
) -> Answer<Json<Progress>, ApplyError> {
    let db = app.db.clone().with_call_timeout(CALL_TIMEOUT);
    let Clerk { shop, actor } = clerk;
    let progress = import::apply(&db, &shop, import_id, &actor, &request, BUDGET).await?;
    Ok(Json(progress))
}

/// Read an import's report
///
/// The counts of the import, and a page of its rows in the order of the file: send `next` as
/// `cursor`, with the same filter. The report is kept for 30 days. `limit=0` returns the counts
/// only.
#[utoipa::path(
    get,
    path = "/v1/admin/shops/{shop}/imports/{import_id}/report",
    operation_id = "import_report",
    tag = "office",
    responses((status = 200, description = "The import and a page of its rows."))
)]
async fn report(
    State(app): State<Shared>,
    clerk: Clerk,
    Path(import_id): Path<ImportId>,
    list: List<Filter, Position, ReportLimit>,
) -> Answer<Json<Report>, Failure> {
    let (filter, after) = (list.filter, list.after.as_ref());
    let report = import::report(&app.db, &clerk.shop, import_id, filter, after, list.limit).await;
    found("import", report).map(Json)
}

/// What an export is asked for.
#[derive(Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct Export {
    /// CSV with a header, or one JSON object per line.
    #[schema(default = "csv")]
    format: Format,
}

/// Export skus and stock
///
/// The shop's skus, sorted by code, in the format of an import: importing them again changes
/// nothing. Send `x-holdfast-next` as `cursor` to get the next page; the last page has none.
/// Only the first CSV page has the header, so the pages together make one file.
/// `expected_version` prevents an old export from overwriting stock that has changed since.
/// Remove that column to overwrite it.
#[utoipa::path(
    get,
    path = "/v1/admin/shops/{shop}/export",
    operation_id = "sku_export",
    tag = "office",
    responses((status = 200, description = "One page."))
)]
async fn export(
    State(app): State<Shared>,
    clerk: Clerk,
    list: List<Export, sku::export::Position, ExportLimit>,
) -> Answer<Lines, Failure> {
    let (format, after) = (list.filter.format, list.after.as_ref());
    let page = sku::export(&app.db, &clerk.shop, format, after, list.limit).await?;
    let content_type = match format {
        Format::Csv => CSV,
        Format::Jsonl => JSONL,
    };
    Ok(Lines {
        content_type,
        text: page.text,
        next: page.next,
    })
}

/// A part as it was sent.
struct PartFile {
    format: Format,
    body: Bytes,
}

impl PartFile {
    /// Its rows.
    fn rows(&self, first_line: Option<Count>) -> Result<Vec<Row>, Problem> {
        let first_line = first_line.map(Count::get);
        let rows = match self.format {
            Format::Csv => import::csv::rows(&self.body, first_line),
            Format::Jsonl => import::jsonl::rows(&self.body, first_line),
        };
        rows.map_err(|error| Problem::invalid(&error.field, error.message))
    }
}

impl<S: Send + Sync> FromRequest<S> for PartFile {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let format = match media_type(request.headers(), &[CSV, JSONL, NDJSON])? {
            Some(CSV) => Format::Csv,
            Some(_) => Format::Jsonl,
            None => {
                let message = "is missing: send text/csv or application/jsonl";
                return Err(Problem::invalid("content-type", message));
            }
        };
        let body = bytes(request, PART_BYTES_MAX).await?;
        Ok(Self { format, body })
    }
}

impl Input for PartFile {
    fn describe(to: &mut Description) {
        let text: RefOr<Schema> = ObjectBuilder::new()
            .schema_type(Type::String)
            .max_length(Some(PART_BYTES_MAX))
            .into();
        to.body_of(true, vec![(CSV, text.clone()), (JSONL, text)]);
    }
}
