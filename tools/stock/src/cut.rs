//! Cuts a file into parts at the ends of rows, while it reads the file. Parts are the file's own
//! bytes: the server decides what a row means. Only one part is in memory.

use std::io::BufRead;

use crate::args::Format;
use crate::encoding::utf8;

/// The API accepts at most this many rows in a part.
const PART_ROWS: usize = 5_000;
/// A part ends with the row that exceeds this.
const PART_BYTES: usize = 2_000_000;
/// Real rows are shorter. An unclosed quotation mark makes one row of the rest of the file.
const ROW_BYTES_MAX: usize = 1_000_000;
/// What may separate cells, as the API takes it: no column's name contains one of these.
const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];

/// A part to send.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// With the file's header in front, if it has one.
    pub(crate) body: Vec<u8>,
    /// The file's line of the first byte after the header.
    pub(crate) first_line: u64,
    pub(crate) rows: usize,
}

/// Cuts a file.
pub(crate) struct Cutter<'a> {
    input: Box<dyn BufRead + 'a>,
    rows: Rows,
    header: Vec<u8>,
    line: u64,
}

enum Rows {
    Csv {
        reader: Box<csv_core::Reader>,
        separator: u8,
    },
    Jsonl,
}

impl Rows {
    fn csv(separator: u8) -> Self {
        let reader = csv_core::ReaderBuilder::new().delimiter(separator).build();
        Self::Csv {
            reader: Box::new(reader),
            separator,
        }
    }
}

impl<'a> Cutter<'a> {
    /// Reads the header, if the format has one.
    pub(crate) fn new(input: impl BufRead + 'a, format: Format) -> Result<Self, String> {
        let mut cutter = Self {
            input: utf8(input).map_err(|error| error.to_string())?,
            rows: match format {
                Format::Csv => Rows::csv(SEPARATORS[0]),
                Format::Jsonl => Rows::Jsonl,
            },
            header: Vec::new(),
            line: 1,
        };
        if format == Format::Csv {
            let mut header = Vec::new();
            cutter.row(&mut header)?;
            cutter.line += line_ends(&header);
            cutter.rows = Rows::csv(separator(&header));
            cutter.header = header;
        }
        Ok(cutter)
    }

    /// The next part; none at the end of the file.
    pub(crate) fn next_part(&mut self) -> Result<Option<Part>, String> {
        let mut part = Part {
            body: self.header.clone(),
            first_line: self.line,
            rows: 0,
        };
        while part.rows < PART_ROWS && part.body.len() < PART_BYTES {
            let before = part.body.len();
            let is_row = self.row(&mut part.body)?;
            self.line += line_ends(&part.body[before..]);
            if part.body.len() == before {
                break;
            }
            part.rows += usize::from(is_row);
        }
        Ok((part.rows > 0).then_some(part))
    }

    /// Takes the LF of a CR LF: it would be an empty line of the next part.
    fn whole_line_end(&mut self, into: &mut Vec<u8>) -> Result<(), String> {
        let next = self.input.fill_buf().map_err(|error| error.to_string())?;
        if into.last() == Some(&b'\r') && next.first() == Some(&b'\n') {
            into.push(b'\n');
            self.input.consume(1);
        }
        Ok(())
    }

    /// The error of a row that is too long: where it begins, or where its quotes open.
    fn too_long(&self, row: &[u8]) -> String {
        let opened = match self.rows {
            Rows::Csv { separator, .. } => open_quote(row, separator),
            Rows::Jsonl => None,
        };
        let is_blank = |byte: &u8| matches!(byte, b'\n' | b'\r');
        let begins = row.iter().take_while(|byte| is_blank(byte)).count();
        let line = self.line + line_ends(&row[..opened.unwrap_or(begins)]);
        let hint = match opened {
            Some(_) => "; a quotation mark opens there, and is not closed",
            None => "",
        };
        format!("line {line}: a row of more than {ROW_BYTES_MAX} bytes{hint}")
    }

    /// Copies one row, and the empty lines before it. Returns whether there was a row.
    fn row(&mut self, into: &mut Vec<u8>) -> Result<bool, String> {
        let start = into.len();
        let mut scratch = [0; 4096];
        let mut ends = [0; 64];
        loop {
            let input = self.input.fill_buf().map_err(|error| error.to_string())?;
            let (taken, is_row, is_over) = match &mut self.rows {
                Rows::Csv { reader, .. } => {
                    let (result, taken, _, _) = reader.read_record(input, &mut scratch, &mut ends);
                    let is_row = matches!(result, csv_core::ReadRecordResult::Record);
                    let is_end = matches!(result, csv_core::ReadRecordResult::End);
                    (taken, is_row, is_row || is_end)
                }
                Rows::Jsonl => match input.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
                    Some(end) => (end + 1, false, true),
                    None => (input.len(), false, input.is_empty()),
                },
            };
            into.extend_from_slice(&input[..taken]);
            self.input.consume(taken);
            if into.len() - start > ROW_BYTES_MAX {
                return Err(self.too_long(&into[start..]));
            }
            if is_over {
                self.whole_line_end(into)?;
                let has_text = !into[start..].trim_ascii().is_empty();
                return Ok(is_row || (matches!(self.rows, Rows::Jsonl) && has_text));
            }
        }
    }
}

/// Lines end with LF, CR LF or CR, as the API counts them.
fn line_ends(text: &[u8]) -> u64 {
    let ends = |(at, byte): (usize, &u8)| match byte {
        b'\n' => true,
        b'\r' => text.get(at + 1) != Some(&b'\n'),
        _ => false,
    };
    text.iter().enumerate().map(|it| u64::from(ends(it))).sum()
}

/// The separator that the header has a sku with. A comma if none has: the API says what is wrong.
fn separator(header: &[u8]) -> u8 {
    let has_sku = |separator: &u8| {
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(*separator)
            .from_reader(header);
        reader.byte_headers().is_ok_and(|names| {
            let mut names = names.iter();
            names.any(|name| name.trim_ascii().eq_ignore_ascii_case(b"sku"))
        })
    };
    SEPARATORS
        .into_iter()
        .find(has_sku)
        .unwrap_or(SEPARATORS[0])
}

/// Where a quotation mark opens that these rows never close.
fn open_quote(rows: &[u8], separator: u8) -> Option<usize> {
    enum Cell {
        Begins,
        Plain,
        Quoted(usize),
        /// After a quotation mark in quotes: its end, or the first half of a doubled one.
        Closes(usize),
    }
    let ends = |byte: u8| byte == separator || matches!(byte, b'\n' | b'\r');
    let mut cell = Cell::Begins;
    for (at, byte) in rows.iter().copied().enumerate() {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(file: &[u8], format: Format) -> Vec<Part> {
        // A small buffer: every row comes in pieces.
        let input = std::io::BufReader::with_capacity(7, file);
        let mut cutter = Cutter::new(input, format).unwrap();
        std::iter::from_fn(|| cutter.next_part().unwrap()).collect()
    }

    #[test]
    fn a_file_is_cut_at_rows_and_nothing_of_it_is_lost() {
        let mut file = b"sku,title\n".to_vec();
        for n in 0..PART_ROWS + 1 {
            file.extend_from_slice(format!("S{n},\"two\nlines\"\n\n").as_bytes());
        }
        let parts = parts(&file, Format::Csv);
        assert_eq!(
            parts.iter().map(|part| part.rows).collect::<Vec<_>>(),
            [PART_ROWS, 1]
        );
        assert_eq!(parts[0].first_line, 2);
        assert_eq!(parts[1].first_line, 2 + 3 * PART_ROWS as u64 - 1);
        let mut joined = b"sku,title\n".to_vec();
        for part in &parts {
            joined.extend_from_slice(part.body.strip_prefix(b"sku,title\n").unwrap());
        }
        assert!(joined == file, "{} of {} bytes", joined.len(), file.len());
    }

    #[test]
    fn line_ends_of_windows_and_a_byte_order_mark_are_no_rows() {
        let parts = parts("\u{feff}sku\r\nA\r\nB\r\n".as_bytes(), Format::Csv);
        assert_eq!(parts.len(), 1);
        assert_eq!(parts[0].rows, 2);
        assert!(parts[0].body.starts_with(b"sku\r"), "{:?}", parts[0]);
    }

    #[test]
    fn a_file_without_rows_has_no_parts() {
        for file in ["", "sku\n", "\n\n"] {
            assert_eq!(parts(file.as_bytes(), Format::Csv), [], "{file:?}");
        }
        assert_eq!(parts(b"\n \n", Format::Jsonl), []);
    }

    #[test]
    fn json_lines_are_cut_at_lines() {
        let file = b"{\"sku\":\"A\"}\n\n{\"sku\":\"B\"}";
        let parts = parts(file, Format::Jsonl);
        assert_eq!((parts.len(), parts[0].rows, parts[0].first_line), (1, 2, 1));
        assert_eq!(parts[0].body, file);
    }

    #[test]
    fn a_quotation_mark_that_is_never_closed_is_named_by_its_line_in_bounded_memory() {
        for (text, line) in [
            ("sku,title\nA,a\nB,\"b\n", 3),
            ("sku,title\nA,a\n\n\nB,\"b\"\"\n", 5),
            ("sku,title,attr.x\nA,a,1\nB,\"two\nlines\",\"b\n", 4),
            ("\u{feff}sku;title\nA;a\nB;\"b\n", 3),
        ] {
            for end in ["\n", "\r\n", "\r"] {
                let mut file = text.replace('\n', end).into_bytes();
                file.resize(ROW_BYTES_MAX * 3, b'x');
                let mut cutter = Cutter::new(&file[..], Format::Csv).unwrap();
                let error = cutter.next_part().unwrap_err();
                assert!(
                    error.starts_with(&format!("line {line}: ")),
                    "{text:?}: {error}"
                );
                assert!(error.contains("quotation mark"), "{error}");
            }
        }
        let mut long = b"sku,title\n\nA,a\"".to_vec();
        long.resize(ROW_BYTES_MAX * 3, b'x');
        let error = Cutter::new(&long[..], Format::Csv).unwrap().next_part();
        let error = error.unwrap_err();
        assert!(
            error.starts_with("line 3: a row") && !error.contains("quot"),
            "{error}"
        );
    }

    #[test]
    fn every_part_begins_with_the_line_that_it_says() {
        for end in ["\n", "\r\n", "\r"] {
            let rows: String = (0..=PART_ROWS)
                .map(|n| format!("S{n};\"a\nb\"\n\n"))
                .collect();
            let file = format!("sku;title\n{rows}").replace('\n', end);
            let cut = parts(file.as_bytes(), Format::Csv);
            let lines: Vec<u64> = cut.iter().map(|part| part.first_line).collect();
            assert_eq!(lines, [2, 1 + 3 * PART_ROWS as u64], "{end:?}");
            let objects = "{\"sku\":\"A\"}\n\n".repeat(PART_ROWS + 1);
            let cut = parts(objects.replace('\n', end).as_bytes(), Format::Jsonl);
            let lines: Vec<u64> = cut.iter().map(|part| part.first_line).collect();
            assert_eq!(lines, [1, 2 * PART_ROWS as u64], "{end:?}");
        }
    }
}
