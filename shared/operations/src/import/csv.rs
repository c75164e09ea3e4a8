//! Comma-separated values with a header (RFC 4180). Attributes are a column of JSON, or a column
//! each, `attr.colour`.

use std::collections::BTreeSet;
use std::ops::Range;

use csv::{ByteRecord, ReaderBuilder};
use serde_json::{Map, Value};

use super::row::{Cell, Row};
use super::{PART_ROWS_MAX, Unreadable};
use crate::sku::Attributes;
use crate::sku::columns::{FIELDS, unescaped};

/// The prefix of a column that holds one attribute.
const ATTRIBUTE_PREFIX: &str = "attr.";
/// Parses a part. `first_line`: the line number in the file of the first line after the header.
/// `None` if the part is the whole file.
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
        let inside = record.iter().map(|cell| line_ends(cell, 0..cell.len()));
        let inside = inside.sum();
        let last = lines.until(reader.position().byte(), inside);
        rows.push(row(&columns, &record, last.saturating_add(offset)));
    }
    Ok(rows)
}

/// Counts the lines up to the reader's position. The reader's own position is before the empty
/// lines that it skips.
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

    /// The first line of the record that ends at `byte` and contains this number of line ends.
    fn until(&mut self, byte: u64, inside: usize) -> i32 {
        let end = usize::try_from(byte)
            .unwrap_or(usize::MAX)
            .min(self.body.len());
        let ends = line_ends(self.body, self.at..end);
        let ends = i32::try_from(ends).unwrap_or(i32::MAX);
        self.before = self.before.saturating_add(ends);
        self.at = end;
        let ended = line_ends(self.body, end.saturating_sub(1)..end) == 1;
        let inside = i32::try_from(inside).unwrap_or(i32::MAX);
        self.before + i32::from(!ended) - inside
    }
}

/// The number of line ends at these places: LF, CR LF or CR, as a reader of CSV takes them. If a CR
/// alone did not count, all rows of such a file would have the same line.
fn line_ends(text: &[u8], places: Range<usize>) -> usize {
    let ends = |at: &usize| match text[*at] {
        b'\n' => true,
        b'\r' => text.get(at + 1) != Some(&b'\n'),
        _ => false,
    };
    places.filter(ends).count()
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

#[cfg(test)]
mod tests {
    use super::*;

    fn one(header: &str, cells: &str) -> Row {
        let text = format!("{header}\n{cells}\n");
        let mut rows = rows(text.as_bytes(), None).unwrap();
        assert_eq!(rows.len(), 1, "{text}");
        rows.remove(0)
    }

    #[test]
    fn every_bad_field_is_named_with_its_value() {
        let long = "x".repeat(201);
        for (field, bad) in [
            ("sku", "a b"),
            ("sku", ""),
            ("sku", "ü"),
            ("title", ""),
            ("title", long.as_str()),
            ("title", "a\tb"),
            ("attributes", "[1]"),
            ("attributes", "{"),
            ("attributes", "{\"a\":\"\\u0000\"}"),
            ("attributes", "{\"n\":1e999}"),
            ("price_minor", "-1"),
            ("price_minor", "1.50"),
            ("price_minor", "1,000"),
            ("price_minor", " 1"),
            ("price_minor", "100000000001"),
            ("currency", "inr"),
            ("sale_opens_at", "2027-01-01"),
            ("sale_closes_at", "tomorrow"),
            ("low_stock_threshold", "-1"),
            ("limit_per_customer", "0"),
            ("retired", "yes"),
            ("on_hand", "1000000001"),
            ("on_hand", "99999999999999999999"),
            ("expected_version", "v1"),
        ] {
            let cell = bad.replace('"', "\"\"");
            let row = if field == "sku" {
                one("sku,on_hand", &format!("\"{cell}\",1"))
            } else {
                one(&format!("sku,{field}"), &format!("A,\"{cell}\""))
            };
            assert_eq!(row.refusals.len(), 1, "{field} {bad:?}: {row:?}");
            let refusal = &row.refusals[0];
            let value = refusal.value.clone().unwrap();
            assert_eq!((refusal.field.as_str(), row.line), (field, 2));
            assert!(value.chars().count() <= 81, "{value}");
            assert!(bad.starts_with(value.trim_end_matches('…')), "{value}");
            assert!(
                refusal.why.starts_with("must ") || refusal.why == "is empty",
                "{refusal:?}"
            );
        }
    }

    #[test]
    fn an_empty_cell_is_none_where_there_can_be_none() {
        let row = one(
            "sku,attributes,sale_opens_at,sale_closes_at,limit_per_customer,on_hand,currency",
            "A,,,,,,",
        );
        assert_eq!(row.refusals, []);
        assert_eq!(row.attributes.as_deref(), Some("{}"));
        assert_eq!(
            (row.sale_opens_at, row.sale_closes_at),
            (Some(None), Some(None))
        );
        assert_eq!((row.limit_per_customer, row.on_hand), (Some(None), None));
        assert_eq!(one("sku", "A").limit_per_customer, None);
    }

    #[test]
    fn lines_are_those_of_the_file_whatever_is_between_them() {
        let text = "\u{feff}sku,title\r\nA,a\r\n\r\nB,\"b\r\n\"\r\nC,\"it\r\nem\"\r\nD,d";
        for end in ["\r\n", "\n", "\r"] {
            let text = text.replace("\r\n", end);
            let lines = |first| -> Vec<i32> {
                let rows = rows(text.as_bytes(), first).unwrap();
                rows.iter().map(|row| row.line).collect()
            };
            assert_eq!(lines(None), [2, 4, 6, 8], "{end:?}");
            assert_eq!(lines(Some(102)), [102, 104, 106, 108], "{end:?}");
        }
    }

    #[test]
    fn what_is_not_utf8_is_refused_and_the_rows_around_it_are_not() {
        let rows = rows(b"sku,title\nA,a\nB,\xff\xfe\nC,c\n", None).unwrap();
        let refusals: Vec<usize> = rows.iter().map(|row| row.refusals.len()).collect();
        assert_eq!(refusals, [0, 1, 0]);
        assert_eq!(rows[1].refusals[0].why, "is not UTF-8");
    }

    #[test]
    fn a_wrong_header_is_told_at_once() {
        for (header, field) in [
            ("", "A"),
            ("title", "sku"),
            ("sku,colour", "colour"),
            ("sku,attr.", "attr."),
            ("sku,sku", "sku"),
            ("sku;title", "sku;title"),
            ("sku,attributes,attr.size", "attributes"),
        ] {
            let error = rows(format!("{header}\nA\n").as_bytes(), None).unwrap_err();
            assert_eq!(error.field, field, "{header}: {error}");
        }
    }

    #[test]
    fn a_part_has_so_many_rows_and_no_more() {
        let full = "sku\n".to_owned() + &"A\n".repeat(PART_ROWS_MAX);
        assert_eq!(rows(full.as_bytes(), None).unwrap().len(), PART_ROWS_MAX);
        assert_eq!(
            rows((full + "A\n").as_bytes(), None).unwrap_err().field,
            "body"
        );
    }
}
