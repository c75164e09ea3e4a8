//! One row of a file. A wrong field is kept with the row: its name, its value and the reason.

use std::fmt::Display;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::ids::Sku;
use crate::quantity::{Count, OnHand, PriceMinor, Units, Version};
use crate::sku::Attributes;
use crate::sku::columns::FIELDS;
use crate::text::{Currency, Title};
use crate::utc::Utc;

/// Characters of a value that a report repeats at most.
const QUOTED_CHARS_MAX: usize = 80;

/// Refusals of one row that a report names at most. 500 rows of so many fit into
/// `import_chunk_texts_are_bounded`.
const REFUSALS_MAX: usize = 20;

/// One thing that is wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ImportRowRefusal)]
pub struct Refusal {
    /// The column, or `row` for the whole row.
    #[schema(example = "on_hand")]
    pub field: String,
    /// The beginning of its value. Null if it is missing.
    #[schema(required = true, example = "2")]
    pub value: Option<String>,
    /// A sentence that continues the field's name.
    #[schema(example = "is below the 3 units that are held; on_hand is 5")]
    pub why: String,
}

impl Refusal {
    /// A refusal with shortened texts.
    pub(super) fn new(field: &str, value: &str, why: impl Display) -> Self {
        let why = why.to_string();
        // the report shows the value itself beside the message
        let why = why
            .split_once(", got ")
            .map_or(why.as_str(), |(rule, _)| rule);
        Self {
            field: quoted(field),
            value: Some(quoted(value)),
            why: why.to_owned(),
        }
    }
}

/// The beginning of a text, without characters that the database cannot store.
fn quoted(text: &str) -> String {
    let dots = if text.chars().nth(QUOTED_CHARS_MAX).is_some() {
        "…"
    } else {
        ""
    };
    let cut: String = text.chars().take(QUOTED_CHARS_MAX).collect();
    cut.replace('\0', "\u{fffd}") + dots
}

/// A parsed row. `None`: the file has no value, so the old value stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    /// Its first line in the file, from 1.
    pub line: i32,
    /// The sku, if it could be parsed.
    pub sku: Option<Sku>,
    /// Its title.
    pub title: Option<Title>,
    /// All attributes: a JSON object.
    pub attributes: Option<String>,
    /// Or changes of some: a JSON object, in which null removes an attribute.
    pub attribute_changes: Option<String>,
    /// The price of one unit.
    pub price_minor: Option<PriceMinor>,
    /// The currency of the price.
    pub currency: Option<Currency>,
    /// The beginning of its sale. `Some(None)`: no beginning.
    pub sale_opens_at: Option<Option<Utc>>,
    /// The end of its sale. `Some(None)`: no end.
    pub sale_closes_at: Option<Option<Utc>>,
    /// When its units leave. `Some(None)`: it is no departure.
    pub departs_at: Option<Option<Utc>>,
    /// The sku is shown as low at or below this number of available units.
    pub low_stock_threshold: Option<Count>,
    /// Units that one customer may buy. `Some(None)`: any number.
    pub limit_per_customer: Option<Option<Units>>,
    /// Whether it is retired.
    pub retired: Option<bool>,
    /// Units on hand.
    pub on_hand: Option<OnHand>,
    /// The version of the stock level that the row was written for.
    pub expected_version: Option<Version>,
    /// Errors of its form.
    pub refusals: Vec<Refusal>,
}

/// A value before parsing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cell<'a> {
    /// An empty cell, or JSON's null: none.
    Empty,
    /// A cell of a CSV file. It is text, whatever it means.
    Csv(&'a str),
    /// A JSON string.
    Text(&'a str),
    /// Any other JSON value.
    Json(&'a str),
}

impl<'a> Cell<'a> {
    fn text(self) -> &'a str {
        match self {
            Self::Empty => "",
            Self::Csv(text) | Self::Text(text) | Self::Json(text) => text,
        }
    }

    /// Words: not a JSON number or object.
    fn words<T: FromStr<Err: Display>>(self, rule: &str) -> Result<T, String> {
        match self {
            Self::Json(_) => Err(format!("must be {rule}")),
            cell => cell
                .text()
                .parse()
                .map_err(|error: T::Err| error.to_string()),
        }
    }

    /// A whole number: not a JSON string.
    fn whole<T>(self) -> Result<T, String>
    where
        T: TryFrom<i64, Error: Display>,
    {
        // A text that is no number gets the same message as a number out of bounds. Rust also
        // parses `+5`, which looks like "five more".
        let number = match self {
            Self::Text(_) => i64::MIN,
            cell if cell.text().starts_with('+') => i64::MIN,
            cell => cell.text().parse().unwrap_or(i64::MIN),
        };
        T::try_from(number).map_err(|error| error.to_string())
    }

    fn boolean(self) -> Result<bool, String> {
        match self {
            // Spreadsheets write theirs in capitals.
            Self::Csv(text) if text.eq_ignore_ascii_case("true") => Ok(true),
            Self::Csv(text) if text.eq_ignore_ascii_case("false") => Ok(false),
            Self::Json("true") => Ok(true),
            Self::Json("false") => Ok(false),
            _ => Err("must be true or false".to_owned()),
        }
    }

    fn object(self) -> Result<String, String> {
        let rule = "must be a JSON object";
        let text = match self {
            Self::Text(_) => return Err(rule.to_owned()),
            cell => cell.text(),
        };
        text.parse::<Attributes>()
            .map_err(|error| error.to_string())?;
        Ok(text.to_owned())
    }
}

impl Row {
    /// An empty row of this line.
    pub(super) fn at(line: i32) -> Self {
        Self {
            line,
            ..Self::default()
        }
    }

    /// Reads one field, one of [`FIELDS`].
    pub(super) fn set(&mut self, field: &str, cell: Cell<'_>) {
        if let Err(why) = self.try_set(field, cell) {
            self.refuse(field, cell.text(), why);
        }
    }

    /// Records an error.
    pub(super) fn refuse(&mut self, field: &str, value: &str, why: impl Display) {
        if !self.is_refused_enough() {
            self.refusals.push(Refusal::new(field, value, why));
        }
    }

    /// The rest of the row tells nothing more.
    pub(super) fn is_refused_enough(&self) -> bool {
        self.refusals.len() >= REFUSALS_MAX
    }

    /// Changes these attributes, each a name and its value as JSON. Null removes one.
    pub(super) fn change_attributes(&mut self, changes: &[(String, String)]) {
        let member = |(name, value): &(String, String)| format!("{}:{value}", Value::from(&**name));
        let members: Vec<String> = changes.iter().map(member).collect();
        let json = format!("{{{}}}", members.join(","));
        match json.parse::<Attributes>() {
            Ok(_) if changes.is_empty() => {}
            Ok(_) => self.attribute_changes = Some(json),
            Err(error) => self.refuse("attributes", &json, error),
        }
    }

    fn try_set(&mut self, field: &str, cell: Cell<'_>) -> Result<(), String> {
        if cell == Cell::Empty {
            return self.clear(field);
        }
        let time = "a time as in RFC 3339";
        match field {
            "sku" => self.sku = Some(cell.words("a code")?),
            "title" => self.title = Some(cell.words("a text")?),
            "attributes" => self.attributes = Some(cell.object()?),
            "price_minor" => self.price_minor = Some(cell.whole()?),
            "currency" => self.currency = Some(cell.words("3 characters of A-Z")?),
            "sale_opens_at" => self.sale_opens_at = Some(Some(cell.words(time)?)),
            "sale_closes_at" => self.sale_closes_at = Some(Some(cell.words(time)?)),
            "departs_at" => self.departs_at = Some(Some(cell.words(time)?)),
            "low_stock_threshold" => {
                self.low_stock_threshold = Some(cell.whole()?);
            }
            "limit_per_customer" => {
                self.limit_per_customer = Some(Some(cell.whole()?));
            }
            "retired" => self.retired = Some(cell.boolean()?),
            "on_hand" => self.on_hand = Some(cell.whole()?),
            "expected_version" => self.expected_version = Some(cell.whole()?),
            _ => return Err(format!("is not one of {}", FIELDS.join(", "))),
        }
        Ok(())
    }

    /// An empty cell: no value, where that is possible.
    fn clear(&mut self, field: &str) -> Result<(), String> {
        match field {
            "attributes" => self.attributes = Some("{}".to_owned()),
            "sale_opens_at" => self.sale_opens_at = Some(None),
            "sale_closes_at" => self.sale_closes_at = Some(None),
            "departs_at" => self.departs_at = Some(None),
            "limit_per_customer" => self.limit_per_customer = Some(None),
            "currency" | "on_hand" | "expected_version" => {}
            _ => return Err("is empty".to_owned()),
        }
        Ok(())
    }
}
