//! The encodings of a file, and its lines.

use std::borrow::Cow;
use std::ops::Range;

use super::Unreadable;

/// A byte that is in no text of UTF-8. It stands for half of a pair in UTF-16.
const NO_TEXT: u8 = 0xff;

/// A file in UTF-8, without its byte order mark. A file in UTF-16 has one: spreadsheets write it.
///
/// # Errors
/// When it looks like UTF-16 without the mark, or like UTF-32.
pub(super) fn utf8(body: &[u8]) -> Result<Cow<'_, [u8]>, Unreadable> {
    match body {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => {
            Err(Unreadable::new("body", "is UTF-32: save the file as UTF-8"))
        }
        [0xff, 0xfe, rest @ ..] => Ok(Cow::Owned(of_utf16(rest, u16::from_le_bytes))),
        [0xfe, 0xff, rest @ ..] => Ok(Cow::Owned(of_utf16(rest, u16::from_be_bytes))),
        [0xef, 0xbb, 0xbf, rest @ ..] => Ok(Cow::Borrowed(rest)),
        [0, _, ..] | [_, 0, ..] => Err(Unreadable::new(
            "body",
            "has NUL characters, as UTF-16 without a byte order mark has: save the file as UTF-8",
        )),
        _ => Ok(Cow::Borrowed(body)),
    }
}

fn of_utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Vec<u8> {
    let pairs = bytes.chunks_exact(2);
    let is_cut = !pairs.remainder().is_empty();
    let units = pairs.map(|pair| unit([pair[0], pair[1]]));
    let mut text = Vec::with_capacity(bytes.len());
    for character in char::decode_utf16(units) {
        match character {
            Ok(character) => {
                text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
            Err(_) => text.push(NO_TEXT),
        }
    }
    if is_cut {
        text.push(NO_TEXT);
    }
    text
}

/// The number of line ends at these places: LF, CR LF or CR, as a reader of CSV takes them. If a CR
/// alone did not count, all rows of such a file would have the same line.
pub(super) fn line_ends(text: &[u8], places: Range<usize>) -> i32 {
    let ends = |at: &usize| match text[*at] {
        b'\n' => true,
        b'\r' => text.get(at + 1) != Some(&b'\n'),
        _ => false,
    };
    i32::try_from(places.filter(ends).count()).unwrap_or(i32::MAX)
}
