//! Comma-separated values with a header (RFC 4180). Attributes are a column of JSON, or a column
//! each, `attr.colour`.

use std::collections::BTreeSet;

use csv::{ByteRecord, ReaderBuilder};
use serde_json::{Map, Value};

use super::row::{Cell, Row};
use super::{PART_ROWS_MAX, Unreadable};
use crate::sku::Attributes;
use crate::sku::columns::{FIELDS, unescaped};

/// What the name of an attribute's own column begins with.
const ATTRIBUTE_PREFIX: &str = "attr.";
/// Reads a part. `first_line`: the line of the file that the first line behind the header is; none
/// where the part is the file.
///
/// # Errors
/// [`Unreadable`] when the header is wrong or there are too many rows. A bad row is no error: its
/// refusals are kept with it.
pub fn rows(body: &[u8], first_line: Option<i32>) -> Result<Vec<Row>, Unreadable> {
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    let mut reader = ReaderBuilder::new().flexible(true).from_reader(body);
    let header = reader
        .byte_headers()
        .map_err(|error| Unreadable::new("body", error.to_string()))?
        .clone();
    let columns = columns(&header)?;
    let mut lines = Lines::new(body);
    let header_lines = lines.until(reader.position().byte(), 0);
    let offset = first_line.map_or(0, |line| {
        line.saturating_sub(1).saturating_sub(header_lines)
    });
    let mut rows = Vec::new();
    let mut record = ByteRecord::new();
    while reader
        .read_byte_record(&mut record)
        .map_err(|error| Unreadable::new("body", error.to_string()))?
    {
        if rows.len() == PART_ROWS_MAX {
            return Err(Unreadable::too_many());
        }
        let inside = record
            .as_slice()
            .iter()
            .filter(|byte| **byte == b'\n')
            .count();
        let last = lines.until(reader.position().byte(), inside);
        rows.push(row(&columns, &record, last.saturating_add(offset)));
    }
    Ok(rows)
}

/// Counts lines up to where the reader is. The reader itself says where it began to look for a
/// record, which is before the empty lines that it skips.
struct Lines<'a> {
    body: &'a [u8],
    at: usize,
    before: i32,
}

impl<'a> Lines<'a> {
    fn new(body: &'a [u8]) -> Self {
        Self {
            body,
            at: 0,
            before: 0,
        }
    }

    /// The first line of what ends at `byte` and has so many line ends inside.
    fn until(&mut self, byte: u64, inside: usize) -> i32 {
        let end = usize::try_from(byte)
            .unwrap_or(usize::MAX)
            .min(self.body.len());
        let newlines = self.body[self.at..end]
            .iter()
            .filter(|byte| **byte == b'\n');
        self.before = self
            .before
            .saturating_add(i32::try_from(newlines.count()).unwrap_or(i32::MAX));
        self.at = end;
        let ended = end > 0 && self.body[end - 1] == b'\n';
        let inside = i32::try_from(inside).unwrap_or(i32::MAX);
        self.before + i32::from(!ended) - inside
    }
}

fn columns(header: &ByteRecord) -> Result<Vec<String>, Unreadable> {
    let mut columns = Vec::with_capacity(header.len());
    let mut seen = BTreeSet::new();
    for name in header {
        let name = String::from_utf8_lossy(name).trim().to_owned();
        let attribute = name.strip_prefix(ATTRIBUTE_PREFIX);
        if !FIELDS.contains(&name.as_str()) && attribute.is_none_or(str::is_empty) {
            let message = format!(
                "is not a column of an import: {}, {ATTRIBUTE_PREFIX}NAME",
                FIELDS.join(", ")
            );
            return Err(Unreadable::new(&name, message));
        }
        if !seen.insert(name.clone()) {
            return Err(Unreadable::new(&name, "is a column twice"));
        }
        columns.push(name);
    }
    if !seen.contains("sku") {
        return Err(Unreadable::new("sku", "is not in the header"));
    }
    if seen.contains("attributes") && seen.iter().any(|name| name.starts_with(ATTRIBUTE_PREFIX)) {
        let message = format!("goes without {ATTRIBUTE_PREFIX}NAME columns");
        return Err(Unreadable::new("attributes", message));
    }
    Ok(columns)
}

fn row(columns: &[String], record: &ByteRecord, line: i32) -> Row {
    let mut row = Row::at(line);
    if record.len() != columns.len() {
        let why = format!("must have {} fields, as the header has", columns.len());
        row.refuse("row", &format!("{} fields", record.len()), why);
    }
    let mut attributes: Option<Map<String, Value>> = None;
    for (column, cell) in columns.iter().zip(record) {
        let Ok(text) = std::str::from_utf8(cell) else {
            row.refuse(column, &String::from_utf8_lossy(cell), "is not UTF-8");
            continue;
        };
        if let Some(name) = column.strip_prefix(ATTRIBUTE_PREFIX) {
            let members = attributes.get_or_insert_default();
            if !text.is_empty() {
                members.insert(name.to_owned(), Value::from(unescaped(text)));
            }
            continue;
        }
        let text = if column == "title" {
            unescaped(text)
        } else {
            text
        };
        let cell = if text.is_empty() {
            Cell::Empty
        } else {
            Cell::Csv(text)
        };
        row.set(column, cell);
    }
    if let Some(members) = attributes {
        let json = Value::Object(members.clone()).to_string();
        match Attributes::try_from(members) {
            Ok(_) => row.attributes = Some(json),
            Err(error) => row.refuse("attributes", &json, error),
        }
    }
    row
}
