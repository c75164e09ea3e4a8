//! Days of a calendar, without a time and a zone.

use serde::{Deserialize, Deserializer};
use time::Date;
use time::macros::format_description;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};

use crate::db::sent_as;
use crate::ids::read_text;

/// A day of the years 1 to 9998: a span of days that begins there ends in a year that can be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day(Date);

const RULE: &str = "a day as YYYY-MM-DD, of the years 1 to 9998";

/// Why a text is no day. The sentence follows the field's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be {RULE}")]
pub struct InvalidDay;

sent_as!(Day, Date, |day| day.0);

impl Day {
    /// The date, for calculations.
    #[must_use]
    pub fn get(self) -> Date {
        self.0
    }
}

impl std::str::FromStr for Day {
    type Err = InvalidDay;

    fn from_str(text: &str) -> Result<Self, InvalidDay> {
        let form = format_description!("[year]-[month]-[day]");
        let date = Date::parse(text, form).map_err(|_| InvalidDay)?;
        let shown = text.len() == "2026-12-24".len() && (1..=9998).contains(&date.year());
        shown.then_some(Self(date)).ok_or(InvalidDay)
    }
}

impl TryFrom<String> for Day {
    type Error = InvalidDay;

    fn try_from(text: String) -> Result<Self, InvalidDay> {
        text.parse()
    }
}

impl std::fmt::Display for Day {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // as the standard writes a date: YYYY-MM-DD
        self.0.fmt(f)
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_text(deserializer, RULE)
    }
}

impl utoipa::PartialSchema for Day {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Date)))
            .examples(["2026-12-24"])
            .into()
    }
}

impl utoipa::ToSchema for Day {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_a_date_and_nothing_else() {
        assert_eq!(
            "2028-02-29".parse::<Day>().unwrap().to_string(),
            "2028-02-29"
        );
        assert_eq!(
            "0001-01-01".parse::<Day>().unwrap().to_string(),
            "0001-01-01"
        );
        for bad in [
            "",
            "2027-02-29",
            "2027-2-1",
            "27-02-01",
            "0000-12-31",
            "9999-01-01",
            "-2027-02-01",
            "+2027-02-01",
            "2027-02-01T00:00:00Z",
            "today",
        ] {
            assert!(bad.parse::<Day>().is_err(), "{bad}");
        }
    }
}
