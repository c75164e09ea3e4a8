//! The departures to offer instead of a full one.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Departure;
use crate::db::{Database, Failure, from_json};
use crate::ids::{Shop, Sku};
use crate::quantity::Quantity;

/// Departures in one answer at most.
const NEAR_MAX: i32 = 10;
/// Departures that are looked at in each direction: of the line, and of the shop.
const SCAN_MAX: i32 = 100;

/// What a dispatcher can offer instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DeparturesNear)]
pub struct Near {
    /// Those of the same line first; of each, the nearest in time first.
    #[schema(max_items = 10)]
    pub departures: Vec<Neighbour>,
}

/// A departure that has enough free seats.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = DepartureNeighbour)]
pub struct Neighbour {
    #[serde(flatten)]
    pub departure: Departure,
    /// Whether it has the same title.
    pub same_line: bool,
}

/// Lists other departures that are on sale, have not left and have so many free seats. `None`:
/// there is no such departure. Locks nothing.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn near(
    db: &Database,
    shop: &Shop,
    sku: &Sku,
    seats: Quantity,
) -> Result<Option<Near>, Failure> {
    let row = db
        .call_one(
            "select holdfast.departure_near($1, $2, $3, $4, $5)",
            &[&shop, &sku, &seats, &NEAR_MAX, &SCAN_MAX],
        )
        .await?;
    let json: Option<serde_json::Value> = row.get(0);
    let departures = json.map(from_json).transpose()?;
    Ok(departures.map(|departures| Near { departures }))
}
