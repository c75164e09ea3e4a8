//! The two demo shops: their secrets, and their catalogue.

use crate::Error;
use crate::postgres::Cluster;

/// The demo's shops: wedding wear, and seats of departures.
pub const SHOPS: [&str; 2] = ["dress", "tour"];

const CATALOGUES: [&str; 2] = [
    include_str!("../catalogue/dress.json"),
    include_str!("../catalogue/tour.json"),
];
const LOAD: &str = include_str!("../catalogue/load.sql");

/// A shop's secret at its gateways. Fixed, so that example calls can be repeated; it protects only
/// this machine's demo.
#[must_use]
pub fn demo_secret(shop: &str) -> String {
    format!("local-demo-secret-{shop}")
}

/// Loads both catalogues. `hot_units` replaces the stock of the sku that everybody wants.
pub(crate) fn load_catalogues(
    cluster: &Cluster,
    database: &str,
    hot_units: Option<u32>,
) -> Result<(), Error> {
    let hot_units = hot_units.map_or("null".to_owned(), |units| units.to_string());
    let load = LOAD.replace("{hot_units}", &hot_units);
    for catalogue in CATALOGUES {
        cluster.execute(database, &load.replace("{catalogue}", catalogue))?;
    }
    Ok(())
}
