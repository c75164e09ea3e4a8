//! JSON lines: one object per line.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::csv::ATTRIBUTE_PREFIX;
use super::encoding::{line_ends, utf8};
use super::row::{Cell, Row};
use super::{FILE_ROWS_MAX, PART_ROWS_MAX, Unreadable};

/// Parses a part. `first_line`: the line number in the file of its first line. `None` if the part
/// is the whole file.
///
/// # Errors
/// [`Unreadable`] when there are too many rows. A bad row is no error: its refusals are kept with
/// it.
pub fn rows(body: &[u8], first_line: Option<i32>) -> Result<Vec<Row>, Unreadable> {
    read(body, first_line, PART_ROWS_MAX)
}

/// Parses a whole file, to be staged in parts of [`PART_ROWS_MAX`].
///
/// # Errors
/// As [`rows`].
pub fn file(body: &[u8]) -> Result<Vec<Row>, Unreadable> {
    read(body, None, FILE_ROWS_MAX)
}

fn read(body: &[u8], first_line: Option<i32>, most: usize) -> Result<Vec<Row>, Unreadable> {
    let body = utf8(body)?;
    let mut rows = Vec::new();
    let mut line = first_line.unwrap_or(1);
    let mut at = 0;
    // A CR alone ends a line, too: inside of an object it would be between two tokens.
    for text in body.split(|byte| matches!(byte, b'\n' | b'\r')) {
        let end = at + text.len();
        if !text.trim_ascii().is_empty() {
            if rows.len() == most {
                return Err(Unreadable::too_many(most));
            }
            rows.push(row(text.trim_ascii(), line));
        }
        at = (end + 1).min(body.len());
        line = line.saturating_add(line_ends(&body, end..at));
    }
    Ok(rows)
}

/// The members of an object, in order. A map would silently drop the first of two members with one
/// name.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Members<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Each)
    }
}

fn row(text: &[u8], line: i32) -> Row {
    let mut row = Row::at(line);
    let Ok(text) = std::str::from_utf8(text) else {
        row.refuse("row", &String::from_utf8_lossy(text), "is not UTF-8");
        return row;
    };
    let members: Members<'_> = match serde_json::from_str(text) {
        Ok(members) => members,
        Err(_) => {
            row.refuse("row", text, "must be one JSON object");
            return row;
        }
    };
    let mut seen: Vec<&str> = Vec::with_capacity(members.0.len());
    let mut changes = Vec::new();
    for (name, value) in &members.0 {
        // before the search, which takes longer with each name
        if row.is_refused_enough() {
            return row;
        }
        if seen.contains(&name.as_str()) {
            row.refuse(name, value.get(), "is there twice");
            continue;
        }
        seen.push(name);
        match name.strip_prefix(ATTRIBUTE_PREFIX) {
            Some(attribute) if !attribute.is_empty() => {
                changes.push((attribute.to_owned(), value.get().to_owned()));
            }
            _ => set(&mut row, name, value.get()),
        }
    }
    if changes.is_empty() || row.attributes.is_none() {
        row.change_attributes(&changes);
    } else {
        let why = format!("goes without {ATTRIBUTE_PREFIX}NAME members");
        row.refuse("attributes", "", why);
    }
    if !seen.contains(&"sku") {
        row.refuse("sku", "", "is missing");
    }
    row
}

fn set(row: &mut Row, name: &str, value: &str) {
    if value == "null" {
        row.set(name, Cell::Empty);
    } else if value.starts_with('"') {
        match serde_json::from_str::<String>(value) {
            Ok(text) if text.is_empty() => row.refuse(name, value, "is empty"),
            Ok(text) => row.set(name, Cell::Text(&text)),
            Err(_) => row.refuse(name, value, "is not a text"),
        }
    } else {
        row.set(name, Cell::Json(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_of_another_kind_is_refused_by_its_name() {
        for (member, field) in [
            ("\"title\":5", "title"),
            ("\"title\":\"\"", "title"),
            ("\"price_minor\":\"5\"", "price_minor"),
            ("\"price_minor\":1e3", "price_minor"),
            ("\"price_minor\":1.0", "price_minor"),
            ("\"retired\":\"true\"", "retired"),
            ("\"retired\":0", "retired"),
            ("\"attributes\":\"{}\"", "attributes"),
            ("\"attributes\":[]", "attributes"),
            ("\"colour\":\"red\"", "colour"),
            ("\"on_hand\":1,\"on_hand\":2", "on_hand"),
            ("\"attributes\":{},\"attr.a\":1", "attributes"),
            ("\"attributes\":{\"a\":1,\"a\":2}", "attributes"),
            ("\"attr.a\":12345678901234567890123", "attributes"),
            ("\"attr.\":1", "attr."),
            ("\"title\":null", "title"),
        ] {
            let rows = rows(format!("{{\"sku\":\"A\",{member}}}").as_bytes(), None).unwrap();
            let fields: Vec<&str> = rows[0]
                .refusals
                .iter()
                .map(|refusal| refusal.field.as_str())
                .collect();
            assert_eq!(fields, [field], "{member}");
        }
    }

    #[test]
    fn a_row_of_too_many_wrong_members_names_the_first_twenty() {
        let again = ",\"on_hand\":2".repeat(170_000);
        let other: String = (0..170_000).map(|n| format!(",\"c{n}\":2")).collect();
        for members in [again, other] {
            let rows = rows(format!("{{\"sku\":\"A\"{members}}}").as_bytes(), None).unwrap();
            assert_eq!(rows[0].refusals.len(), 20);
        }
    }

    #[test]
    fn what_is_no_object_is_a_refused_row_and_empty_lines_are_none() {
        let text = b"\n{\"sku\":\"A\"}\r\n[]\n{\"sku\":\"B\"} x\n{}\n\xff\n";
        let rows = rows(text, Some(10)).unwrap();
        let lines: Vec<(i32, usize)> = rows
            .iter()
            .map(|row| (row.line, row.refusals.len()))
            .collect();
        assert_eq!(lines, [(11, 0), (12, 1), (13, 1), (14, 1), (15, 1)]);
        assert_eq!(rows[3].refusals[0].why, "is missing");
    }

    #[test]
    fn lines_are_those_of_the_file_whatever_ends_them() {
        for end in ["\n", "\r\n", "\r"] {
            let text = "\u{feff}{\"sku\":\"A\"}\r\n\r\n{\"sku\":\"B\"}\r\n".replace("\r\n", end);
            let lines: Vec<i32> = rows(text.as_bytes(), None)
                .unwrap()
                .iter()
                .map(|row| row.line)
                .collect();
            assert_eq!(lines, [1, 3], "{end:?}");
        }
    }

    #[test]
    fn one_attribute_changes_and_null_removes_one() {
        let text = br#"{"sku":"A","attr.size":"M","attr.n":1.5,"attr.gone":null}"#;
        let rows = rows(text, None).unwrap();
        assert_eq!(rows[0].refusals, []);
        assert_eq!(rows[0].attributes, None);
        let changes = rows[0].attribute_changes.as_deref();
        assert_eq!(changes, Some(r#"{"size":"M","n":1.5,"gone":null}"#));
    }
}
