//! What a person hears, and the report as a file.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::time::Duration;

use anstream::println;
use serde::Deserialize;
use uuid::Uuid;

use crate::api::Api;
use crate::args;
use crate::import::State;

/// Refused rows that are printed; the report has all of them.
const SHOWN_MAX: usize = 20;
const PAGE_ROWS: usize = 5_000;

#[derive(Debug, Deserialize)]
struct Page {
    page: Vec<Row>,
    next: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Row {
    line: u64,
    sku: Option<String>,
    outcome: Option<String>,
    refusals: Vec<Refusal>,
}

#[derive(Debug, Deserialize)]
struct Refusal {
    field: String,
    value: Option<String>,
    why: String,
}

/// Prints the counts and the first refused rows.
pub(crate) async fn summary(
    api: &Api,
    id: Uuid,
    state: &State,
    args: &args::Import,
    took: Duration,
) -> Result<(), String> {
    let what = match state.status.as_str() {
        "tried" => "dry run, nothing was changed",
        "rejected" => "rejected, nothing was changed: all or nothing, and rows were refused",
        _ => "done",
    };
    println!("{}: {what}, in {} s", args.file.display(), took.as_secs());
    println!("  import    {id}");
    for (name, count) in [
        ("rows", state.rows),
        ("created", state.created),
        ("changed", state.changed),
        ("unchanged", state.unchanged),
        ("refused", state.refused),
    ] {
        println!("  {name:<9} {count}");
    }
    if state.refused == 0 {
        return Ok(());
    }
    let path = format!("imports/{id}/report?outcome=refused&limit={SHOWN_MAX}");
    let page: Page = api.get(&path).await?.json()?;
    for row in &page.page {
        let sku = row.sku.as_deref().unwrap_or("?");
        for refusal in &row.refusals {
            let value = refusal.value.as_deref().unwrap_or("");
            // A file's text must not reach the terminal's own commands.
            println!(
                "  line {}, {sku}: {} {value:?} {}",
                row.line, refusal.field, refusal.why
            );
        }
    }
    if state.refused > SHOWN_MAX as u64 {
        println!(
            "  and {} more; --report FILE has all",
            state.refused - SHOWN_MAX as u64
        );
    }
    Ok(())
}

/// Writes what happened to each row, a line for each refusal, as CSV.
pub(crate) async fn write(api: &Api, id: Uuid, file: &Path) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", file.display());
    let mut out = BufWriter::new(File::create(file).map_err(failed)?);
    out.write_all(b"line,sku,outcome,field,value,why\n")
        .map_err(failed)?;
    let mut after = String::new();
    loop {
        let path = format!("imports/{id}/report?limit={PAGE_ROWS}{after}");
        let page: Page = api.get(&path).await?.json()?;
        for row in &page.page {
            write_row(&mut out, row).map_err(failed)?;
        }
        let Some(next) = page.next else { break };
        after = format!("&after={next}");
    }
    out.into_inner()
        .map_err(|error| error.to_string())?
        .sync_all()
        .map_err(failed)
}

fn write_row(out: &mut impl std::io::Write, row: &Row) -> std::io::Result<()> {
    let sku = row.sku.as_deref().unwrap_or_default();
    let outcome = row.outcome.as_deref().unwrap_or_default();
    if row.refusals.is_empty() {
        return writeln!(out, "{},{},{outcome},,,", row.line, cell(sku));
    }
    for refusal in &row.refusals {
        let value = refusal.value.as_deref().unwrap_or_default();
        let cells = [sku, outcome, &refusal.field, value, &refusal.why].map(cell);
        writeln!(out, "{},{}", row.line, cells.join(","))?;
    }
    Ok(())
}

/// A text as a cell. Values come from a file that may be somebody else's: one that a spreadsheet
/// would take for a formula gets an apostrophe in front.
fn cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if formula {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_no_formula_in_the_report_and_one_cell() {
        for (text, written) in [
            ("=HYPERLINK(\"x\")", "\"'=HYPERLINK(\"\"x\"\")\""),
            ("a,b\nc", "\"a,b\nc\""),
            ("plain", "plain"),
        ] {
            assert_eq!(cell(text), written);
        }
    }
}
