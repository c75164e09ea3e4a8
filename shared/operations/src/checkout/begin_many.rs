//! Holds the carts of many new checkouts of one shop in one call.

use std::collections::BTreeMap;

use time::OffsetDateTime;
use tokio::time::Instant;
use tokio_postgres::Row;

use super::request::Held;
use super::{Begin, BeginError, Begun};
use crate::db::{Connected, Database, Failure};
use crate::ids::Sku;
use crate::quantity::Quantity;

/// Requests in one call. More would save little and make each of them wait longer. If the call
/// fails, each of them goes alone.
pub(super) const BEGINS_MAX: usize = 100;
/// Lines in one call, unless its first cart has more. Carts of many lines take longer.
pub(super) const LINES_MAX: usize = 400;

/// Decides each request as [`begin`](super::begin()) does, in one call and in this order. All of
/// them are of one shop. `None`: nothing is decided, and the request must go alone. One try: an
/// error says nothing about any request, as when [`begin`](super::begin()) loses its connection.
///
/// Locks: the new checkouts by id, the counts of limited customers, then stock levels by sku.
///
/// # Errors
/// [`Failure`].
pub async fn begin_many(
    db: &Database,
    requests: &[&Begin],
) -> Result<Vec<Option<Result<Begun, BeginError>>>, Failure> {
    let Some(first) = requests.first() else {
        return Ok(Vec::new());
    };
    let deadline = db.tries().deadline();
    let node = db.of(first.shop.as_str(), deadline).await;
    on(node.connected(deadline).await?, requests, deadline).await
}

pub(super) async fn on(
    connected: Connected,
    requests: &[&Begin],
    deadline: Instant,
) -> Result<Vec<Option<Result<Begun, BeginError>>>, Failure> {
    let Some(first) = requests.first() else {
        return Ok(Vec::new());
    };
    let lines = Lines::of(requests);
    let hashes: Vec<[u8; 32]> = requests.iter().map(|one| one.hash()).collect();
    let row = connected
        .call_one(
            "call holdfast.checkout_begin_many($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            &[
                &first.shop,
                &requests
                    .iter()
                    .map(|one| one.checkout_id)
                    .collect::<Vec<_>>(),
                &requests.iter().map(|one| &one.customer).collect::<Vec<_>>(),
                &requests.iter().map(|one| one.revision).collect::<Vec<_>>(),
                &hashes.iter().map(<[u8; 32]>::as_slice).collect::<Vec<_>>(),
                &requests.iter().map(|one| one.hold).collect::<Vec<_>>(),
                &lines.skus,
                &lines.checkouts,
                &lines.of_skus,
                &lines.quantities,
            ],
            deadline,
        )
        .await?;
    lines.answers(requests, &row)
}

/// The lines of all carts. They name checkouts and skus by their numbers, from 1.
struct Lines<'a> {
    skus: Vec<&'a Sku>,
    checkouts: Vec<i32>,
    of_skus: Vec<i32>,
    quantities: Vec<Quantity>,
}

impl<'a> Lines<'a> {
    fn of(requests: &[&'a Begin]) -> Self {
        let all = requests.iter().flat_map(|one| one.cart.lines());
        let mut numbers: BTreeMap<&Sku, i32> = all.map(|(sku, _)| (sku, 0)).collect();
        for (number, own) in (1..).zip(numbers.values_mut()) {
            *own = number;
        }
        let mut lines = Self {
            skus: numbers.keys().copied().collect(),
            checkouts: Vec::new(),
            of_skus: Vec::new(),
            quantities: Vec::new(),
        };
        for (checkout, one) in (1..).zip(requests) {
            for (sku, quantity) in one.cart.lines() {
                lines.checkouts.push(checkout);
                lines.of_skus.push(numbers[sku]);
                lines.quantities.push(quantity);
            }
        }
        lines
    }

    /// The answer to each request.
    fn answers(
        &self,
        requests: &[&Begin],
        row: &Row,
    ) -> Result<Vec<Option<Result<Begun, BeginError>>>, Failure> {
        let outcomes: Vec<&str> = row.get("o_outcomes");
        // null for a shop that does not exist
        let expires_at: Option<Vec<Option<OffsetDateTime>>> = row.get("o_expires_at");
        let expires_at = expires_at.unwrap_or_default();
        let prices: Option<Vec<Option<i64>>> = row.get("o_prices");
        let prices = prices.unwrap_or_default();
        let available: Option<Vec<Option<i32>>> = row.get("o_available");
        let mut first = 0;
        let mut answers = Vec::with_capacity(requests.len());
        for (nth, (request, outcome)) in requests.iter().zip(outcomes).enumerate() {
            let lines = first..first + request.cart.lines().len();
            first = lines.end;
            let expires_at = expires_at.get(nth).copied().flatten();
            answers.push(match (outcome, expires_at) {
                ("apart", _) => None,
                ("placed", Some(expires_at)) => {
                    let price = |number: &i32| {
                        let before = usize::try_from(number - 1).ok()?;
                        prices.get(before).copied().flatten()
                    };
                    let prices = self.of_skus[lines].iter().filter_map(price).collect();
                    let held = Held {
                        status: "open".to_owned(),
                        prices,
                        currency: row.get("o_currency"),
                        expires_at,
                        server_time: row.get("o_server_time"),
                    };
                    Some(Ok(Begun::Placed(held.of(request))))
                }
                ("shortage", _) => {
                    let short = available.as_ref().map_or(&[][..], |all| &all[lines]);
                    let short = request.cart.lines().zip(short);
                    let (skus, available) = short
                        .filter_map(|((sku, _), available)| Some((sku.to_string(), (*available)?)))
                        .unzip();
                    let shortages = request.cart.shortages(skus, available);
                    Some(Err(BeginError::Shortage(shortages)))
                }
                (other, _) => {
                    return Err(Failure::unknown_outcome("checkout_begin_many", other));
                }
            });
        }
        Ok(answers)
    }
}
