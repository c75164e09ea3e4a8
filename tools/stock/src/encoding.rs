//! Files in UTF-16, as spreadsheets write them. A file of UTF-16 begins with its byte order mark.

use std::io::{self, BufRead, BufReader, Read};

/// A byte that is in no text of UTF-8: the API refuses its row. It stands for half of a pair.
const NO_TEXT: u8 = 0xff;

/// Makes a unit of UTF-16 from its two bytes.
type Unit = fn([u8; 2]) -> u16;

/// The file in UTF-8, without its byte order mark.
pub(crate) fn utf8<'a>(mut input: impl BufRead + 'a) -> io::Result<Box<dyn BufRead + 'a>> {
    let (mark, unit): (usize, Option<Unit>) = match input.fill_buf()? {
        [0xef, 0xbb, 0xbf, ..] => (3, None),
        [0xff, 0xfe, ..] => (2, Some(u16::from_le_bytes)),
        [0xfe, 0xff, ..] => (2, Some(u16::from_be_bytes)),
        _ => (0, None),
    };
    input.consume(mark);
    Ok(match unit {
        None => Box::new(input),
        Some(unit) => Box::new(BufReader::new(Utf16 {
            input,
            unit,
            first_half: None,
            text: Vec::new(),
        })),
    })
}

struct Utf16<R> {
    input: R,
    unit: Unit,
    /// The first unit of a pair, whose second one has not come.
    first_half: Option<u16>,
    /// Decoded text that was not read yet.
    text: Vec<u8>,
}

impl<R: BufRead> Utf16<R> {
    /// Decodes one unit. Returns whether there was one.
    fn decode(&mut self) -> io::Result<bool> {
        let mut bytes = Vec::with_capacity(2);
        self.input.by_ref().take(2).read_to_end(&mut bytes)?;
        let (first, second) = (self.first_half.take(), bytes.as_slice());
        let units: Vec<u16> = match *second {
            [a, b] => first.into_iter().chain([(self.unit)([a, b])]).collect(),
            _ => first.into_iter().collect(),
        };
        if let ([half @ 0xd800..=0xdbff], 2) = (units.as_slice(), bytes.len()) {
            self.first_half = Some(*half);
            return Ok(true);
        }
        for character in char::decode_utf16(units) {
            match character {
                Ok(character) => {
                    let mut utf8 = [0; 4];
                    self.text
                        .extend_from_slice(character.encode_utf8(&mut utf8).as_bytes());
                }
                Err(_) => self.text.push(NO_TEXT),
            }
        }
        if bytes.len() == 1 {
            self.text.push(NO_TEXT);
        }
        Ok(bytes.len() == 2)
    }
}

impl<R: BufRead> Read for Utf16<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.text.len() < into.len() && self.decode()? {}
        let taken = self.text.len().min(into.len());
        into[..taken].copy_from_slice(&self.text[..taken]);
        self.text.drain(..taken);
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(file: &[u8]) -> Vec<u8> {
        let mut text = Vec::new();
        let input = BufReader::with_capacity(5, file);
        utf8(input).unwrap().read_to_end(&mut text).unwrap();
        text
    }

    #[test]
    fn a_file_of_utf16_becomes_utf8() {
        let text = "sku,title\r\nA,Kleid ä \u{1f457}\u{1f457}\r\n".repeat(1_000);
        let units = || {
            format!("\u{feff}{text}")
                .encode_utf16()
                .collect::<Vec<u16>>()
        };
        let little: Vec<u8> = units().into_iter().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = units().into_iter().flat_map(u16::to_be_bytes).collect();
        for file in [
            little,
            big,
            format!("\u{feff}{text}").into(),
            text.clone().into(),
        ] {
            assert!(read(&file) == text.as_bytes());
        }
        assert_eq!(read(b""), b"");
    }

    #[test]
    fn half_of_a_pair_is_no_text() {
        let half = [0xff, 0xfe, b'A', 0, 0x3d, 0xd8, b'B', 0, 0x3d, 0xd8];
        assert_eq!(read(&half), [b'A', NO_TEXT, b'B', NO_TEXT]);
        assert_eq!(read(&[0xff, 0xfe, b'A', 0, b'B']), [b'A', NO_TEXT]);
    }
}
