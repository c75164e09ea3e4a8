//! Values with a header, separated by commas (RFC 4180), or by semicolons or tabs, as spreadsheets
//! of some languages write them. Attributes are a column of JSON, or a column each, `attr.colour`.

use std::collections::BTreeSet;

use csv::{ByteRecord, ReaderBuilder};
use serde_json::Value;

use super::encoding::{line_ends, utf8};
use super::row::{Cell, Row};
use super::{FILE_ROWS_MAX, PART_ROWS_MAX, Unreadable};
use crate::sku::columns::{FIELDS, unescaped};

/// The prefix of a column or member that holds one attribute.
pub(super) const ATTRIBUTE_PREFIX: &str = "attr.";
/// No column's name contains one of these.
const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];

/// Parses a part. `first_line`: the line number in the file of the first line after the header.
/// `None` if the part is the whole file.
///
/// # Errors
/// [`Unreadable`] when the header is wrong or there are too many rows. A bad row is no error: its
/// refusals are kept with it.
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
    let body = &*utf8(body)?;
    let separator = separator(body);
    let mut reader = ReaderBuilder::new()
        .delimiter(separator)
        .flexible(true)
        .from_reader(body);
    let unreadable = |error: csv::Error| Unreadable::new("body", error.to_string());
    let header = reader.byte_headers().map_err(unreadable)?.clone();
    let columns = columns(&header)?;
    let mut lines = Lines::new(body);
    let header_lines = lines.before(lines.after_end(place(&reader))) - 1;
    let offset = first_line.map_or(0, |line| line - 1 - header_lines);
    let mut rows = Vec::new();
    let mut record = ByteRecord::new();
    loop {
        // The reader skips empty lines.
        let blank = |at: &usize| matches!(body.get(*at), Some(b'\n' | b'\r'));
        let start = (place(&reader)..).find(|at| !blank(at)).unwrap_or(0);
        if !reader.read_byte_record(&mut record).map_err(unreadable)? {
            return Ok(rows);
        }
        // a spreadsheet's empty row: separators alone
        if record.iter().all(|cell| cell.trim_ascii().is_empty()) {
            continue;
        }
        if rows.len() == most {
            return Err(Unreadable::too_many(most));
        }
        let end = place(&reader);
        let opened = (end == body.len())
            .then(|| open_quote(&body[start..], separator))
            .flatten();
        rows.push(match opened {
            Some(opened) => {
                let at = start + opened;
                let mut row = Row::at(lines.before(at).saturating_add(offset));
                let text = String::from_utf8_lossy(&body[at..]);
                row.refuse(
                    "row",
                    &text,
                    "begins with a quotation mark that is never closed",
                );
                row
            }
            None => row(
                &columns,
                &record,
                lines.before(start).saturating_add(offset),
            ),
        });
    }
}

/// The separator of a file: the one that its header has a sku with. A comma if none has.
fn separator(body: &[u8]) -> u8 {
    let has_sku = |separator: &u8| {
        let mut reader = ReaderBuilder::new().delimiter(*separator).from_reader(body);
        let header = reader.byte_headers();
        header.is_ok_and(|header| {
            let mut names = header.iter();
            names.any(|name| name.trim_ascii().eq_ignore_ascii_case(b"sku"))
        })
    };
    SEPARATORS
        .into_iter()
        .find(has_sku)
        .unwrap_or(SEPARATORS[0])
}

/// The place where the reader's next record begins, or an empty line before it.
fn place(reader: &csv::Reader<&[u8]>) -> usize {
    usize::try_from(reader.position().byte()).unwrap_or(usize::MAX)
}

/// Where a quotation mark opens that these records never close.
fn open_quote(records: &[u8], separator: u8) -> Option<usize> {
    enum Cell {
        Begins,
        Plain,
        Quoted(usize),
        /// After a quotation mark in quotes: its end, or the first half of a doubled one.
        Closes(usize),
    }
    let ends = |byte: u8| byte == separator || matches!(byte, b'\n' | b'\r');
    let mut cell = Cell::Begins;
    for (at, byte) in records.iter().copied().enumerate() {
        cell = match cell {
            Cell::Quoted(opened) if byte == b'"' => Cell::Closes(opened),
            Cell::Quoted(opened) => Cell::Quoted(opened),
            Cell::Closes(opened) if byte == b'"' => Cell::Quoted(opened),
            Cell::Begins if byte == b'"' => Cell::Quoted(at),
            _ if ends(byte) => Cell::Begins,
            _ => Cell::Plain,
        };
    }
    match cell {
        Cell::Quoted(opened) => Some(opened),
        _ => None,
    }
}

/// Counts the lines of a file, from its beginning to its end.
struct Lines<'a> {
    body: &'a [u8],
    at: usize,
    line: i32,
}

impl<'a> Lines<'a> {
    fn new(body: &'a [u8]) -> Self {
        Self {
            body,
            at: 0,
            line: 1,
        }
    }

    /// The line in which this place is.
    fn before(&mut self, place: usize) -> i32 {
        let place = place.min(self.body.len());
        let ends = line_ends(self.body, self.at..place);
        self.line = self.line.saturating_add(ends);
        self.at = place;
        self.line
    }

    /// The place after a line's end. The reader stops between CR and LF.
    fn after_end(&self, place: usize) -> usize {
        let is_cut =
            self.body[..place].last() == Some(&b'\r') && self.body.get(place) == Some(&b'\n');
        place + usize::from(is_cut)
    }
}

/// A column of the file.
enum Column {
    Field(&'static str),
    Attribute(String),
    /// A spreadsheet's empty column.
    Nameless,
}

impl Column {
    fn name(&self) -> String {
        match self {
            Self::Field(name) => (*name).to_owned(),
            Self::Attribute(name) => format!("{ATTRIBUTE_PREFIX}{name}"),
            Self::Nameless => "row".to_owned(),
        }
    }

    fn of(name: &str) -> Result<Self, Unreadable> {
        if name.is_empty() {
            return Ok(Self::Nameless);
        }
        if let Some(field) = FIELDS.into_iter().find(|it| it.eq_ignore_ascii_case(name)) {
            return Ok(Self::Field(field));
        }
        let (prefix, attribute) = name
            .split_at_checked(ATTRIBUTE_PREFIX.len())
            .unwrap_or_default();
        if prefix.eq_ignore_ascii_case(ATTRIBUTE_PREFIX) && !attribute.is_empty() {
            return Ok(Self::Attribute(attribute.to_owned()));
        }
        let message = format!(
            "is not a column of an import: {}, {ATTRIBUTE_PREFIX}NAME",
            FIELDS.join(", ")
        );
        Err(Unreadable::new(name, message))
    }
}

fn columns(header: &ByteRecord) -> Result<Vec<Column>, Unreadable> {
    let mut columns = Vec::with_capacity(header.len());
    let mut seen = BTreeSet::new();
    for name in header {
        let column = Column::of(String::from_utf8_lossy(name).trim())?;
        let name = column.name();
        if !matches!(column, Column::Nameless) && !seen.insert(name.clone()) {
            return Err(Unreadable::new(&name, "is a column twice"));
        }
        columns.push(column);
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

fn row(columns: &[Column], record: &ByteRecord, line: i32) -> Row {
    let mut row = Row::at(line);
    let beyond = record.iter().skip(columns.len());
    if record.len() < columns.len() || beyond.into_iter().any(|cell| !cell.is_empty()) {
        let why = format!("must have {} fields, as the header has", columns.len());
        row.refuse("row", &format!("{} fields", record.len()), why);
    }
    let mut changes = Vec::new();
    for (column, cell) in columns.iter().zip(record) {
        let Ok(text) = std::str::from_utf8(cell) else {
            row.refuse(
                &column.name(),
                &String::from_utf8_lossy(cell),
                "is not UTF-8",
            );
            continue;
        };
        match column {
            Column::Nameless if text.is_empty() => {}
            Column::Nameless => row.refuse("row", text, "has a value in a column without a name"),
            // an empty cell removes the attribute
            Column::Attribute(name) if text.is_empty() => {
                changes.push((name.clone(), Value::Null.to_string()));
            }
            Column::Attribute(name) => {
                changes.push((name.clone(), Value::from(unescaped(text)).to_string()));
            }
            Column::Field(_) if text.is_empty() => row.set(&column.name(), Cell::Empty),
            Column::Field("title") => row.set("title", Cell::Csv(unescaped(text))),
            Column::Field(name) => row.set(name, Cell::Csv(text)),
        }
    }
    row.change_attributes(&changes);
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
            ("sku", "."),
            ("sku", ".."),
            ("title", ""),
            ("title", long.as_str()),
            ("title", "a\tb"),
            ("attributes", "[1]"),
            ("attributes", "{"),
            ("attributes", "{\"a\":\"\\u0000\"}"),
            ("attributes", "{\"n\":1e999}"),
            ("attributes", "{\"n\":12345678901234567890123}"),
            ("attributes", "{\"n\":1,\"n\":2}"),
            ("price_minor", "-1"),
            ("price_minor", "1.50"),
            ("price_minor", "1,000"),
            ("price_minor", " 1"),
            ("price_minor", "1_000"),
            ("price_minor", "1e3"),
            ("price_minor", "1.0"),
            ("price_minor", "١"),
            ("price_minor", "100000000001"),
            ("currency", "inr"),
            ("sale_opens_at", "2027-01-01"),
            ("sale_opens_at", "0001-01-01T00:00:00+05:30"),
            ("sale_closes_at", "tomorrow"),
            ("sale_closes_at", "infinity"),
            ("sale_closes_at", "9999-12-31T23:59:59-00:30"),
            ("low_stock_threshold", "-1"),
            ("limit_per_customer", "0"),
            ("retired", "yes"),
            ("on_hand", "2000000001"),
            ("on_hand", "+5"),
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

    /// The places of refused rows, and what is said of them.
    fn refused(text: &str) -> Vec<(i32, String)> {
        let rows = rows(text.as_bytes(), None).unwrap();
        let refusals = rows.into_iter().flat_map(|row| {
            let line = row.line;
            let why = move |refusal: super::super::Refusal| (line, refusal.why);
            row.refusals.into_iter().map(why)
        });
        refusals.collect()
    }

    #[test]
    fn a_quote_that_is_never_closed_is_reported_where_it_opened() {
        let why = "begins with a quotation mark that is never closed".to_owned();
        for (text, line) in [
            ("sku,title\nA,a\nB,\"b", 3),
            ("sku,title\nA,a\nB,\"b\nC,c\nD,d\n", 3),
            ("sku,title\nA,a\n\n\nB,\"b\"\"\nC,c\n", 5),
            ("sku,title,attr.x\nA,a,1\nB,\"two\nlines\",\"b\n\n", 4),
            ("sku;title\nA;a\nB;\"b\n", 3),
            ("\u{feff}sku,title\n\"A\n", 2),
        ] {
            for end in ["\n", "\r\n", "\r"] {
                let text = text.replace('\n', end);
                assert_eq!(refused(&text), [(line, why.clone())], "{text:?}");
            }
        }
        for closed in [
            "A,\"a\"",
            "A,\"a\"\n",
            "A,a\"b",
            "A,\"a\"\"\"\n",
            "A,\"a\"b\n",
        ] {
            assert_eq!(refused(&format!("sku,title\n{closed}")), [], "{closed}");
        }
    }

    #[test]
    fn what_a_spreadsheet_adds_is_no_row_and_no_column() {
        let plain = rows(b"sku,title,on_hand\nA,a,1\nB,b,2\n", None).unwrap();
        for text in [
            "sku,title,on_hand,\nA,a,1,\nB,b,2,\n",
            "sku,title,on_hand,,\nA,a,1,,\nB,b,2,,\n,,,,\n,,,,\n",
            "sku,title,on_hand\nA,a,1,,,\nB,b,2\n , ,\n",
            "SKU,Title,On_Hand\nA,a,1\nB,b,2\n",
            " sku , title,on_hand \nA,a,1\nB,b,2\n",
            "sku;title;on_hand\nA;a;1\nB;b;2\n;;\n",
            "sku\ttitle\ton_hand\nA\ta\t1\nB\tb\t2\n",
            "title;sku;on_hand;\n\"a\";A;1;\nb;\"B\";2;\n",
            "\"sku\";\"title\";\"on_hand\"\n\"A\";\"a\";\"1\"\n\"B\";\"b\";\"2\"\n",
        ] {
            assert_eq!(rows(text.as_bytes(), None).unwrap(), plain, "{text}");
        }
        assert_eq!(
            refused("sku,\nA,\nB,5\n"),
            [(3, "has a value in a column without a name".to_owned())]
        );
        let fields = |line| (line, "must have 2 fields, as the header has".to_owned());
        assert_eq!(refused("sku,title\nA\nB,b,5\n"), [fields(2), fields(3)]);
        // commas in a title of a file with semicolons are no separators
        let one = one("sku;title", "A;red, white");
        assert_eq!(one.title.unwrap().as_str(), "red, white");
    }

    #[test]
    fn utf16_has_a_mark_or_is_named() {
        let text = "sku,title,attr.wort\nA,Kleid ä,\u{1f457}\n";
        let plain = rows(text.as_bytes(), None).unwrap();
        let units = |text: &str| -> Vec<u16> { text.encode_utf16().collect() };
        let little = |text: &str| -> Vec<u8> {
            units(text).into_iter().flat_map(u16::to_le_bytes).collect()
        };
        let big = |text: &str| -> Vec<u8> {
            units(text).into_iter().flat_map(u16::to_be_bytes).collect()
        };
        let marked = format!("\u{feff}{text}");
        assert_eq!(rows(&little(&marked), None).unwrap(), plain);
        assert_eq!(rows(&big(&marked), None).unwrap(), plain);
        for unmarked in [little(text), big(text)] {
            let error = rows(&unmarked, None).unwrap_err();
            assert_eq!(error.field, "body");
            assert!(error.message.contains("UTF-16"), "{error}");
        }
        // half of a pair, and half of a unit
        for half in [&[0x3d, 0xd8][..], &[0x41]] {
            let mut cut = little("\u{feff}sku,title\nA,a\nB,b");
            cut.extend_from_slice(half);
            let rows = rows(&cut, None).unwrap();
            assert_eq!(rows[0].refusals, []);
            assert_eq!(rows[1].refusals[0].why, "is not UTF-8");
        }
    }

    #[test]
    fn one_attribute_changes_and_an_empty_cell_removes_one() {
        let row = one("sku,attr.size,ATTR.Colour,attr.gone", "A,M,'=1,");
        assert_eq!(row.refusals, []);
        assert_eq!(row.attributes, None);
        let changes = row.attribute_changes.as_deref();
        assert_eq!(changes, Some(r#"{"size":"M","Colour":"=1","gone":null}"#));
        assert_eq!(one("sku", "A").attribute_changes, None);
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
            ("sku|title", "sku|title"),
            ("sku,SKU", "sku"),
            ("sku,title;price_minor", "title;price_minor"),
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
