//! The departures of some days.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Departure;
use crate::day::Day;
use crate::db::{Database, Failure};
use crate::ids::{Shop, Sku};
use crate::page::{self, After, Cursor, SCAN_MAX};
use crate::quantity::{Days, PageLimit};
use crate::text::TimeZone;
use crate::utc::Utc;

/// The days whose departures are listed.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DepartureFilter)]
pub struct Filter {
    /// The first day, in the shop's time zone.
    pub day: Day,
    /// How many days.
    #[serde(default)]
    #[schema(default = 1)]
    pub days: Days,
}

/// One page of departures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DepartureList)]
pub struct Departures {
    #[schema(value_type = TimeZone)]
    pub time_zone: String,
    /// In the order in which they leave.
    #[schema(max_items = 500)]
    pub departures: Vec<Departure>,
    /// Missing on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<Cursor>,
}

/// The departure that a page begins after.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Position {
    departs_at: Utc,
    sku: Sku,
}

impl page::Position for Position {
    const LIST: &'static str = "departure_list";
}

/// Lists the departures of these days of the shop's time zone, retired ones left out. `None`: there
/// is no such shop. Locks nothing.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn list(
    db: &Database,
    shop: &Shop,
    filter: Filter,
    after: Option<&After<Position>>,
    limit: PageLimit,
) -> Result<Option<Departures>, Failure> {
    let row = db
        .call_one(
            "select * from holdfast.departure_list($1, $2, $3, $4, $5, $6, $7)",
            &[
                &shop,
                &filter.day,
                &filter.days,
                &after.map(|After(place)| place.departs_at),
                &after.map(|After(place)| &place.sku),
                &limit,
                &SCAN_MAX,
            ],
        )
        .await?;
    let time_zone: Option<String> = row.get("o_time_zone");
    let Some(time_zone) = time_zone else {
        return Ok(None);
    };
    let page = page::from_row::<Departure, Position>(&row, "o_departures")?;
    Ok(Some(Departures {
        time_zone,
        departures: page.rows,
        next: page.next,
    }))
}
