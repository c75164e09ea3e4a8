//! Reads single members of a gateway's JSON and ignores the rest. Numbers stay text until they
//! become integers: a float would not be exact.
//!
//! No message quotes a value: bodies contain names and addresses, and messages go to the log.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::quantity::Amount;

/// Bytes of an id. Gateways' ids are ASCII and shorter than 100. A key joins several of them, and
/// must fit an index.
const ID_BYTES_MAX: usize = 255;

/// The members of one object.
pub(super) struct Fields<'a> {
    path: String,
    members: BTreeMap<String, &'a RawValue>,
}

impl<'a> Fields<'a> {
    /// A whole body.
    pub(super) fn parse(body: &'a str) -> Result<Self, String> {
        let members = serde_json::from_str(body).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            format!("the body is not a JSON object (line {line}, column {column})")
        })?;
        Ok(Self {
            path: String::new(),
            members,
        })
    }

    fn path(&self, name: &str) -> String {
        if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.path)
        }
    }

    fn read<T: Deserialize<'a>>(&self, name: &str) -> Option<T> {
        serde_json::from_str(self.members.get(name)?.get()).ok()
    }

    /// A required object.
    pub(super) fn object(&self, name: &str) -> Result<Self, String> {
        self.object_if_any(name)
            .ok_or_else(|| format!("{} is missing, or no object", self.path(name)))
    }

    /// An optional object. `None` if it is null, missing, or `[]`: PHP writes an empty object like
    /// that.
    pub(super) fn object_if_any(&self, name: &str) -> Option<Self> {
        Some(Self {
            path: self.path(name),
            members: self.read(name)?,
        })
    }

    /// A required text.
    pub(super) fn text(&self, name: &str) -> Result<String, String> {
        self.read(name)
            .ok_or_else(|| format!("{} is missing, or no text", self.path(name)))
    }

    /// An optional text.
    pub(super) fn text_if_any(&self, name: &str) -> Option<String> {
        self.read(name)
    }

    /// A required id.
    pub(super) fn id(&self, name: &str) -> Result<String, String> {
        self.id_if_any(name)
            .ok_or_else(|| format!("{} is missing, or no id", self.path(name)))
    }

    /// An optional id: a text, an integer of any length, or an object with an `id`. The text "null"
    /// is no id.
    pub(super) fn id_if_any(&self, name: &str) -> Option<String> {
        let raw = self.members.get(name)?.get();
        let id = match raw.as_bytes().first()? {
            b'"' => self.read(name)?,
            b'{' => self.object_if_any(name)?.read("id")?,
            _ if raw.bytes().all(|byte| byte.is_ascii_digit()) => raw.to_owned(),
            _ => return None,
        };
        let fits = (1..=ID_BYTES_MAX).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_graphic())
            && id != "null";
        fits.then_some(id)
    }

    /// The text of a number. The number may be written as a text.
    pub(super) fn number(&self, name: &str) -> Option<String> {
        let raw = self.members.get(name)?.get();
        match raw.as_bytes().first()? {
            b'"' => self.read(name),
            b'-' | b'0'..=b'9' => Some(raw.to_owned()),
            _ => None,
        }
    }

    /// A whole number within the bounds of an amount.
    pub(super) fn count(&self, name: &str) -> Option<i64> {
        let bounds = Amount::MIN..=Amount::MAX;
        self.read(name).filter(|count| bounds.contains(count))
    }

    /// An optional true or false.
    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        self.read(name)
    }

    /// An optional currency code, in upper case.
    pub(super) fn currency(&self, name: &str) -> Option<String> {
        let code: String = self.read(name)?;
        (code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_alphabetic()))
            .then(|| code.to_ascii_uppercase())
    }
}
