//! The result of an import, on the terminal and as a file.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use anstream::println;
use serde::Deserialize;
use uuid::Uuid;

use crate::api::Api;
use crate::args;
use crate::state::State;

/// Rows of one outcome that are printed; the report has all of them.
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
    changes: Vec<Change>,
}

#[derive(Debug, Deserialize)]
struct Change {
    field: String,
    before: Option<String>,
    after: Option<String>,
}

impl Change {
    /// `on_hand 7 → 10`. A text is quoted: the file's text must not give the terminal commands.
    fn shown(&self) -> String {
        let shown = |value: &Option<String>| match value {
            None => "none".to_owned(),
            Some(number) if number.bytes().all(|byte| byte.is_ascii_digit()) => number.clone(),
            Some(text) => format!("{text:?}"),
        };
        let (before, after) = (shown(&self.before), shown(&self.after));
        format!("{} {before} \u{2192} {after}", self.field)
    }
}

#[derive(Debug, Deserialize)]
struct Refusal {
    field: String,
    value: Option<String>,
    why: String,
}

/// Prints the counts, after a dry run the first changes, and the first refused rows.
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
    if args.dry_run {
        for (outcome, count) in [("created", state.created), ("changed", state.changed)] {
            for row in first(api, id, outcome, count).await? {
                let sku = row.sku.as_deref().unwrap_or("?");
                let changes: Vec<String> = row.changes.iter().map(Change::shown).collect();
                println!(
                    "  line {}, {sku}: {outcome}: {}",
                    row.line,
                    changes.join(", ")
                );
            }
            more(count);
        }
    }
    for row in first(api, id, "refused", state.refused).await? {
        let sku = row.sku.as_deref().unwrap_or("?");
        for refusal in &row.refusals {
            let value = refusal.value.as_deref().unwrap_or("");
            // `{value:?}`: the file's text must not give the terminal commands.
            println!(
                "  line {}, {sku}: {} {value:?} {}",
                row.line, refusal.field, refusal.why
            );
        }
    }
    more(state.refused);
    Ok(())
}

/// The first rows of one outcome, which `count` rows have.
async fn first(api: &Api, id: Uuid, outcome: &str, count: u64) -> Result<Vec<Row>, String> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let path = format!("imports/{id}/report?outcome={outcome}&limit={SHOWN_MAX}");
    let page: Page = api.get(&path).await?.json()?;
    Ok(page.page)
}

fn more(count: u64) {
    if count > SHOWN_MAX as u64 {
        let more = count - SHOWN_MAX as u64;
        println!("  and {more} more; --report FILE has all");
    }
}

/// Writes what happened to each row, one line for each refusal and each change, as CSV.
pub(crate) async fn write(api: &Api, id: Uuid, file: &Path) -> Result<(), String> {
    let failed = |error: &dyn std::error::Error| format!("{}: {error}", file.display());
    let mut out = csv::Writer::from_path(file).map_err(|error| failed(&error))?;
    let header = [
        "line", "sku", "outcome", "field", "value", "why", "before", "after",
    ];
    out.write_record(header).map_err(|error| failed(&error))?;
    let mut cursor = String::new();
    loop {
        let path = format!("imports/{id}/report?limit={PAGE_ROWS}{cursor}");
        let page: Page = api.get(&path).await?.json()?;
        for row in &page.page {
            write_row(&mut out, row).map_err(|error| failed(&error))?;
        }
        let Some(next) = page.next else { break };
        cursor = format!("&cursor={next}");
    }
    out.flush().map_err(|error| failed(&error))
}

fn write_row(out: &mut csv::Writer<File>, row: &Row) -> csv::Result<()> {
    let line = row.line.to_string();
    let sku = cell(row.sku.as_deref());
    let outcome = row.outcome.as_deref().unwrap_or_default();
    if row.refusals.is_empty() && row.changes.is_empty() {
        return out.write_record([&line, &sku, outcome, "", "", "", "", ""]);
    }
    for change in &row.changes {
        let (before, after) = (
            cell(change.before.as_deref()),
            cell(change.after.as_deref()),
        );
        out.write_record([&line, &sku, outcome, &change.field, "", "", &before, &after])?;
    }
    for refusal in &row.refusals {
        let value = cell(refusal.value.as_deref());
        let (field, why) = (&refusal.field, &refusal.why);
        out.write_record([&line, &sku, outcome, field, &value, why, "", ""])?;
    }
    Ok(())
}

/// The file may be a stranger's. A spreadsheet would take some of its texts for formulas: those get
/// an apostrophe in front.
fn cell(text: Option<&str>) -> String {
    let text = text.unwrap_or_default();
    match text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        true => format!("'{text}"),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::cell;

    #[test]
    fn a_value_in_the_report_is_no_formula() {
        assert_eq!(cell(Some("=HYPERLINK(\"x\")")), "'=HYPERLINK(\"x\")");
        assert_eq!(cell(Some("plain")), "plain");
        assert_eq!(cell(None), "");
    }
}
