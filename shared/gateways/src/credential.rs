//! The common parts of the accounts of all gateways: credentials, and the mode that they show.

use serde::{Deserialize, Deserializer};

/// A text that fits into a header: not empty, visible ASCII.
pub(crate) struct Credential(String);

impl Credential {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Credential {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            let reason = "a credential is empty or has other characters than visible ASCII";
            return Err(serde::de::Error::custom(reason));
        }
        Ok(Self(text))
    }
}

/// An account moves real money unless it says `"live": false`.
pub(crate) fn live_by_default() -> bool {
    true
}

/// The field by which an account shows its mode, and how its value begins in each mode.
pub(crate) struct ModeMark {
    pub(crate) field: &'static str,
    pub(crate) live: &'static [&'static str],
    pub(crate) test: &'static [&'static str],
}

impl ModeMark {
    /// Refuses a value of the other mode: a test card must not pay for goods, and a trial must not
    /// charge a person.
    pub(crate) fn check(&self, value: &str, live: bool) -> Result<(), String> {
        let value = value.to_ascii_lowercase();
        let begins = |marks: &[&str]| marks.iter().any(|mark| value.starts_with(mark));
        let field = self.field;
        match live {
            true if begins(self.test) => Err(format!(
                "{field} is of the test mode, which needs \"live\": false"
            )),
            false if begins(self.live) => Err(format!(
                "{field} is of the live mode, and \"live\" is false"
            )),
            _ => Ok(()),
        }
    }
}
