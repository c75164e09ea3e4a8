//! Cuts a file into parts at the ends of rows, while it reads the file. Parts are the file's own
//! bytes: the server decides what a row means. Only one part is in memory.

use std::io::BufRead;

use crate::args::Format;

/// The API accepts at most this many rows in a part.
const PART_ROWS: usize = 5_000;
/// A part ends with the row that exceeds this.
const PART_BYTES: usize = 2_000_000;
/// Real rows are shorter. An unclosed quotation mark makes one row of the rest of the file.
const ROW_BYTES_MAX: usize = 1_000_000;
const BOM: &[u8] = "\u{feff}".as_bytes();

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
pub(crate) struct Cutter<R> {
    input: R,
    rows: Rows,
    header: Vec<u8>,
    line: u64,
}

enum Rows {
    Csv(Box<csv_core::Reader>),
    Jsonl,
}

impl<R: BufRead> Cutter<R> {
    /// Reads the header, if the format has one.
    pub(crate) fn new(mut input: R, format: Format) -> Result<Self, String> {
        let start = input.fill_buf().map_err(|error| error.to_string())?;
        if start.starts_with(BOM) {
            input.consume(BOM.len());
        }
        let rows = match format {
            Format::Csv => Rows::Csv(Box::new(csv_core::Reader::new())),
            Format::Jsonl => Rows::Jsonl,
        };
        let mut cutter = Self {
            input,
            rows,
            header: Vec::new(),
            line: 1,
        };
        if format == Format::Csv {
            let mut header = Vec::new();
            cutter.row(&mut header)?;
            if !header.ends_with(b"\n") {
                // The first part may begin with the line feed: an empty line, which is skipped.
                header.push(b'\n');
                cutter.line = newlines(&header);
            } else {
                cutter.line = 1 + newlines(&header);
            }
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
            self.line += newlines(&part.body[before..]);
            if part.body.len() == before {
                break;
            }
            part.rows += usize::from(is_row);
        }
        Ok((part.rows > 0).then_some(part))
    }

    /// Copies one row, and the empty lines before it. Returns whether there was a row.
    fn row(&mut self, into: &mut Vec<u8>) -> Result<bool, String> {
        let start = into.len();
        let mut scratch = [0; 4096];
        let mut ends = [0; 64];
        loop {
            let input = self.input.fill_buf().map_err(|error| error.to_string())?;
            let (taken, is_row, is_over) = match &mut self.rows {
                Rows::Csv(reader) => {
                    let (result, taken, _, _) = reader.read_record(input, &mut scratch, &mut ends);
                    let is_row = matches!(result, csv_core::ReadRecordResult::Record);
                    let is_end = matches!(result, csv_core::ReadRecordResult::End);
                    (taken, is_row, is_row || is_end)
                }
                Rows::Jsonl => match input.iter().position(|byte| *byte == b'\n') {
                    Some(end) => (end + 1, false, true),
                    None => (input.len(), false, input.is_empty()),
                },
            };
            into.extend_from_slice(&input[..taken]);
            self.input.consume(taken);
            if into.len() - start > ROW_BYTES_MAX {
                return Err(format!(
                    "line {}: a row of more than {ROW_BYTES_MAX} bytes; is a quotation mark \
                     missing there?",
                    self.line
                ));
            }
            if is_over {
                let has_text = !into[start..].trim_ascii().is_empty();
                return Ok(is_row || (matches!(self.rows, Rows::Jsonl) && has_text));
            }
        }
    }
}

fn newlines(bytes: &[u8]) -> u64 {
    bytes.iter().map(|byte| u64::from(*byte == b'\n')).sum()
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
        let mut file = b"sku,title\nA,a\nB,\"b\n".to_vec();
        file.resize(ROW_BYTES_MAX * 3, b'x');
        let mut cutter = Cutter::new(&file[..], Format::Csv).unwrap();
        let error = cutter.next_part().unwrap_err();
        assert!(error.starts_with("line 3: "), "{error}");
    }
}
