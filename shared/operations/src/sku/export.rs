//! The catalogue with its stock, in exactly the form that an import takes.

use csv::{QuoteStyle, WriterBuilder};
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;
use tokio_postgres::Row;
use utoipa::ToSchema;

use crate::db::{Database, Failure};
use crate::ids::{Shop, Sku};
use crate::page::{self, After, Cursor};
use crate::quantity::ExportLimit;
use crate::sku::columns::{FIELDS, escaped};
use crate::utc::Utc;

/// Bytes of one page, plus one row. An answer of Lambda has at most 6 MB.
const PAGE_BYTES_MAX: usize = 4_000_000;

/// CSV with a header, or one JSON object per line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ExportFormat, example = "csv")]
pub enum Format {
    /// Comma-separated values; the first page begins with the header.
    #[default]
    Csv,
    /// One JSON object per line.
    Jsonl,
}

/// One page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// The rows, written.
    pub text: String,
    /// Their number.
    pub rows: usize,
    /// Where the next page begins. `None` on the last one.
    pub next: Option<Cursor>,
}

/// The sku that a page begins after.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Position {
    sku: Sku,
}

impl page::Position for Position {
    const LIST: &'static str = "sku_export";
}

/// One page of skus, sorted by code. An unknown shop has none. Locks nothing.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn export(
    db: &Database,
    shop: &Shop,
    format: Format,
    after: Option<&After<Position>>,
    limit: ExportLimit,
) -> Result<Exported, Failure> {
    let rows = db
        .call(
            "select * from holdfast.sku_export($1, $2, $3)",
            &[
                &shop,
                &after.map_or("", |After(place)| place.sku.as_str()),
                &limit,
            ],
        )
        .await?;
    let mut text = Vec::new();
    if format == Format::Csv && after.is_none() {
        write_csv(&mut text, &FIELDS.map(str::to_owned))?;
    }
    let mut written = 0;
    let mut last = None;
    for row in &rows {
        match format {
            Format::Csv => write_csv(&mut text, &cells(row))?,
            Format::Jsonl => write_json(&mut text, row)?,
        }
        written += 1;
        last = Some(row.get::<_, String>("o_sku"));
        if text.len() >= PAGE_BYTES_MAX {
            break;
        }
    }
    let full = written < rows.len() || i32::try_from(rows.len()).is_ok_and(|n| n == limit.get());
    let last = last.filter(|_| full).map(Sku::try_from);
    let last = last.transpose().map_err(internal)?;
    Ok(Exported {
        text: String::from_utf8(text).map_err(internal)?,
        rows: written,
        next: last.map(|sku| Cursor::of(&Position { sku })).transpose()?,
    })
}

fn internal(error: impl std::error::Error + Send + Sync + 'static) -> Failure {
    Failure::Internal(error.into())
}

fn write_csv(text: &mut Vec<u8>, cells: &[String]) -> Result<(), Failure> {
    let mut writer = WriterBuilder::new()
        .quote_style(QuoteStyle::Necessary)
        .from_writer(text);
    writer.write_record(cells).map_err(internal)?;
    writer.flush().map_err(internal)
}

fn cells(row: &Row) -> [String; FIELDS.len()] {
    let title: &str = row.get("o_title");
    let limit: Option<i32> = row.get("o_limit_per_customer");
    [
        row.get("o_sku"),
        escaped(title),
        row.get("o_attributes"),
        row.get::<_, i64>("o_price_minor").to_string(),
        row.get("o_currency"),
        time(row, "o_sale_opens_at").unwrap_or_default(),
        time(row, "o_sale_closes_at").unwrap_or_default(),
        time(row, "o_departs_at").unwrap_or_default(),
        row.get::<_, i32>("o_low_stock_threshold").to_string(),
        limit.map(|limit| limit.to_string()).unwrap_or_default(),
        row.get::<_, bool>("o_retired").to_string(),
        row.get::<_, i32>("o_on_hand").to_string(),
        row.get::<_, i64>("o_version").to_string(),
    ]
}

fn time(row: &Row, column: &str) -> Option<String> {
    let time: Option<time::OffsetDateTime> = row.get(column);
    time.map(|time| Utc::from(time).to_string())
}

fn write_json(text: &mut Vec<u8>, row: &Row) -> Result<(), Failure> {
    // The stored text: a parser would round some numbers.
    let attributes: String = row.get("o_attributes");
    let attributes = RawValue::from_string(attributes).map_err(internal)?;
    let members = json!({
        "sku": row.get::<_, String>("o_sku"),
        "title": row.get::<_, String>("o_title"),
        "price_minor": row.get::<_, i64>("o_price_minor"),
        "currency": row.get::<_, String>("o_currency"),
        "sale_opens_at": time(row, "o_sale_opens_at"),
        "sale_closes_at": time(row, "o_sale_closes_at"),
        "departs_at": time(row, "o_departs_at"),
        "low_stock_threshold": row.get::<_, i32>("o_low_stock_threshold"),
        "limit_per_customer": row.get::<_, Option<i32>>("o_limit_per_customer"),
        "retired": row.get::<_, bool>("o_retired"),
        "on_hand": row.get::<_, i32>("o_on_hand"),
        "expected_version": row.get::<_, i64>("o_version"),
    });
    let mut line = members.to_string();
    line.truncate(line.len() - 1);
    text.extend_from_slice(line.as_bytes());
    text.extend_from_slice(b",\"attributes\":");
    text.extend_from_slice(attributes.get().as_bytes());
    text.extend_from_slice(b"}\n");
    Ok(())
}
