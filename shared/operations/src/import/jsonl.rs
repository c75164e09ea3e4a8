//! JSON lines: one object per line.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::row::{Cell, Row};
use super::{PART_ROWS_MAX, Unreadable};

/// Parses a part. `first_line`: the line number in the file of its first line. `None` if the part
/// is the whole file.
///
/// # Errors
/// [`Unreadable`] when there are too many rows. A bad row is no error: its refusals are kept with
/// it.
pub fn rows(body: &[u8], first_line: Option<i32>) -> Result<Vec<Row>, Unreadable> {
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    let mut rows = Vec::new();
    let mut line = first_line.unwrap_or(1);
    for text in body.split(|byte| *byte == b'\n') {
        if !text.trim_ascii().is_empty() {
            if rows.len() == PART_ROWS_MAX {
                return Err(Unreadable::too_many());
            }
            rows.push(row(text.trim_ascii(), line));
        }
        line = line.saturating_add(1);
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
    for (name, value) in &members.0 {
        if seen.contains(&name.as_str()) {
            row.refuse(name, value.get(), "is there twice");
            continue;
        }
        seen.push(name);
        set(&mut row, name, value.get());
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
}
