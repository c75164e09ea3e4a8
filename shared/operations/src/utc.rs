//! Times: RFC 3339 with any offset in, UTC out.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

use crate::db::sent_as;
use crate::ids::read_text;

/// A time in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Utc(OffsetDateTime);

impl utoipa::PartialSchema for Utc {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        crate::schema::time()
    }
}

impl utoipa::ToSchema for Utc {}

sent_as!(Utc, OffsetDateTime, |time| time.0);

impl Utc {
    /// The time, for calculations.
    #[must_use]
    pub fn get(self) -> OffsetDateTime {
        self.0
    }
}

impl From<OffsetDateTime> for Utc {
    fn from(time: OffsetDateTime) -> Self {
        Self(time.to_offset(UtcOffset::UTC))
    }
}

const RULE: &str = "a time as in RFC 3339 with its offset, such as 2027-01-31T23:59:00+05:30, and \
                    in UTC of the years 1 to 9999";

/// Why a text is no time. The sentence follows the field's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be {RULE}")]
pub struct InvalidTime;

impl TryFrom<String> for Utc {
    type Error = InvalidTime;

    fn try_from(text: String) -> Result<Self, InvalidTime> {
        text.parse()
    }
}

impl std::str::FromStr for Utc {
    type Err = InvalidTime;

    fn from_str(text: &str) -> Result<Self, InvalidTime> {
        // The parser takes any character between date and time.
        if !matches!(text.as_bytes().get(10), Some(b'T' | b't')) {
            return Err(InvalidTime);
        }
        let time = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| InvalidTime)?;
        // RFC 3339 writes no other years. The offset may lead out of them.
        let in_utc = time.checked_to_offset(UtcOffset::UTC);
        let shown = in_utc.filter(|time| (1..=9999).contains(&time.year()));
        // The database keeps microseconds.
        let kept = shown.and_then(|time| {
            let nanosecond = time.nanosecond() / 1_000 * 1_000;
            time.replace_nanosecond(nanosecond).ok()
        });
        kept.map(Self).ok_or(InvalidTime)
    }
}

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.format(&Rfc3339).map_err(|_| fmt::Error)?;
        f.write_str(&text)
    }
}

impl Serialize for Utc {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        time::serde::rfc3339::serialize(&self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for Utc {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_text(deserializer, RULE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_goes_in_with_any_offset_and_out_in_utc() {
        let time: Utc = serde_json::from_str("\"2027-01-31T23:59:00+05:30\"").unwrap();
        assert_eq!(
            serde_json::to_string(&time).unwrap(),
            "\"2027-01-31T18:29:00Z\""
        );
        for bad in [
            "",
            "2027-01-31",
            "2027-01-31 23:59:00",
            "2027-01-31 23:59:00Z",
            "2027-01-31_23:59:00Z",
            "2027-02-30T00:00:00Z",
            "9999-12-31T23:59:59-23:59",
            "9999-12-31T23:59:59-00:01",
            "0001-01-01T00:00:00+00:01",
            "0001-01-01T00:00:00+05:30",
            "0000-12-31T23:59:59Z",
            "-0001-01-01T00:00:00Z",
            "+10000-01-01T00:00:00Z",
            "10000-01-01T00:00:00Z",
            "2027-01-31T24:00:00Z",
            "2027-01-31T23:59:61Z",
            "2027-01-31T23:59:00+24:00",
            "infinity",
            "-infinity",
            "now",
        ] {
            assert!(bad.parse::<Utc>().is_err(), "{bad}");
        }
        for (good, shown) in [
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
            ("0001-01-01T00:00:00-05:30", "0001-01-01T05:30:00Z"),
            (
                "9999-12-31T23:59:59.9999999Z",
                "9999-12-31T23:59:59.999999Z",
            ),
            ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59.999999Z"),
        ] {
            assert_eq!(good.parse::<Utc>().unwrap().to_string(), shown);
        }
    }
}
