//! Places or replaces the hold of a cart: all of it or nothing.
//!
//! A request goes alone, at once, while few others are under way. The requests that come meanwhile
//! wait for one of those calls to end, and go together (docs/decisions/0010).

use tokio::runtime::Handle;
use tokio::time::{Instant, timeout_at};
use tokio_postgres::Row;

use super::begin_many::{self, BEGINS_MAX, LINES_MAX};
use super::request::Held;
use super::{Begin, BeginError, Begun, TooManyUnits, limits};
use crate::cause::causes;
use crate::combine::{Combiner, Entered, Lane, Waiting};
use crate::db::{Connected, Database, Failure};
use crate::telemetry::{self, Metric};

/// What a batch tells the caller of one of its requests.
enum Told {
    Decided(Result<Begun, BeginError>),
    /// The request must go alone.
    Apart,
    /// No connection could be had: try again.
    NotConnected(Failure),
    /// The statement failed: try again, alone, if another try may help.
    Failed(Failure),
}

/// Holds the whole cart or refuses it. A retry gets the same answer and has no second effect.
///
/// Locks: the checkout, the customer's counts if the shop limits them, then stock levels by sku.
/// The hot row is free before the flush. The answer comes after the flush.
///
/// # Errors
/// [`BeginError`]; a refusal changes nothing.
pub async fn begin(db: &Database, request: &Begin) -> Result<Begun, BeginError> {
    let begun = ask(db, request).await;
    match &begun {
        Ok(Begun::Placed(_) | Begun::Replaced(_)) => telemetry::count(Metric::HoldsGranted, 1),
        Ok(Begun::Same(_)) | Err(BeginError::Failure(_)) => {}
        Err(refusal) => {
            telemetry::count(Metric::HoldsRefused, 1);
            if let BeginError::Shortage(shortages) = refusal {
                telemetry::count(Metric::Shortages, shortages.len());
            }
        }
    }
    begun
}

async fn ask(db: &Database, request: &Begin) -> Result<Begun, BeginError> {
    let mut tries = db.tries();
    let deadline = tries.deadline();
    let failed = |failure| {
        db.failed(request.shop.as_str(), &failure);
        failure
    };
    loop {
        let node = db.of(request.shop.as_str(), deadline).await;
        match in_its_turn(&node, request, deadline).await {
            Told::Decided(begun) => return begun,
            Told::Apart => break,
            // As many wait after an outage as before it: they go together again.
            Told::NotConnected(failure) => tries.again_after(failed(failure)).await?,
            Told::Failed(failure) => {
                tries.again_after(failed(failure)).await?;
                break;
            }
        }
    }
    loop {
        let node = db.of(request.shop.as_str(), deadline).await;
        match alone(&node, request, deadline).await {
            Ok(begun) => return begun,
            Err(failure) => tries.again_after(failed(failure)).await?,
        }
    }
}

/// Goes alone if a lane is free, and otherwise with those who wait, too. One try: the pauses
/// between tries keep nobody else waiting.
async fn in_its_turn(db: &Database, request: &Begin, deadline: Instant) -> Told {
    let begins = db.kept::<Combiner<Begin, Told>>();
    let weight = request.cart.lines().len();
    let entered = begins.enter(db.begin_calls_max(), || {
        (request.shop.clone(), request.clone(), weight, deadline)
    });
    match entered {
        Entered::Alone(lane) => {
            let _lane = Alone {
                db,
                lane: Some(lane),
            };
            let connected = match db.connected(deadline).await {
                Ok(connected) => connected,
                Err(failure) => return Told::NotConnected(failure),
            };
            match alone_on(connected, request, deadline).await {
                Ok(begun) => Told::Decided(begun),
                Err(failure) => Told::Failed(failure),
            }
        }
        Entered::Full => {
            telemetry::count(Metric::ConnectionFailures, 1);
            let why = "too many requests wait for a connection";
            Told::NotConnected(Failure::Unavailable(why.into()))
        }
        Entered::Waits(told) => {
            tracing::debug!("waits for a connection");
            match timeout_at(deadline, told).await {
                Ok(Ok(told)) => told,
                // Nobody told: the task that carried the request has ended.
                Ok(Err(_)) => Told::Apart,
                Err(elapsed) => Told::NotConnected(Failure::Unavailable(elapsed.into())),
            }
        }
    }
}

/// The lane of a request that goes alone. If others wait when it ends, a task takes it over: the
/// caller of this request must not work for them, and may go away at any time.
struct Alone<'a> {
    db: &'a Database,
    lane: Option<Lane<Begin, Told>>,
}

impl Drop for Alone<'_> {
    fn drop(&mut self) {
        let Some(lane) = self.lane.take().and_then(Lane::leave) else {
            return;
        };
        // Without a runtime, the lane is dropped, and those who wait go alone.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(carry(self.db.clone(), lane));
        }
    }
}

/// Takes all that wait whenever a connection is free, until nobody waits.
async fn carry(db: Database, mut lane: Lane<Begin, Told>) {
    loop {
        // First the connection, then the batch: whoever comes meanwhile goes along.
        let connected = db.connected(db.tries().deadline()).await;
        let Some(batch) = lane.next(BEGINS_MAX, LINES_MAX) else {
            return;
        };
        match connected {
            Ok(connected) => together(connected, batch).await,
            Err(failure) => tell_all(batch, &failure, Told::NotConnected),
        }
    }
}

async fn together(connected: Connected, batch: Vec<Waiting<Begin, Told>>) {
    let latest = batch.iter().map(|waiting| waiting.deadline).max();
    let deadline = latest.unwrap_or_else(Instant::now);
    let told = if let [only] = batch.as_slice() {
        let begun = alone_on(connected, &only.request, deadline).await;
        begun.map(|begun| vec![Some(begun)])
    } else {
        let requests: Vec<&Begin> = batch.iter().map(|waiting| &waiting.request).collect();
        begin_many::on(connected, &requests, deadline).await
    };
    match told {
        Ok(told) => {
            for (waiting, told) in batch.into_iter().zip(told) {
                waiting.tell(told.map_or(Told::Apart, Told::Decided));
            }
        }
        // Each of its requests goes alone. So one that the database refuses stops no other, and
        // each one that was held is found by its id.
        Err(failure) => tell_all(batch, &failure, Told::Failed),
    }
}

/// A batch failed. What no other try mends may be the fault of one request: each goes alone.
fn tell_all(batch: Vec<Waiting<Begin, Told>>, failure: &Failure, how: fn(Failure) -> Told) {
    for waiting in batch {
        waiting.tell(match failure {
            Failure::Unavailable(_) => how(Failure::Unavailable(causes(failure).into())),
            Failure::Refused(_) | Failure::Internal(_) => Told::Apart,
        });
    }
}

async fn alone(
    db: &Database,
    request: &Begin,
    deadline: Instant,
) -> Result<Result<Begun, BeginError>, Failure> {
    alone_on(db.connected(deadline).await?, request, deadline).await
}

async fn alone_on(
    connected: Connected,
    request: &Begin,
    deadline: Instant,
) -> Result<Result<Begun, BeginError>, Failure> {
    let (skus, quantities) = request.cart.columns();
    let row = connected
        .call_one(
            "call holdfast.checkout_begin($1, $2, $3, $4, $5, $6, $7, $8)",
            &[
                &request.shop,
                &request.checkout_id,
                &request.customer,
                &request.revision,
                &request.hash().as_slice(),
                &request.hold,
                &skus,
                &quantities,
            ],
            deadline,
        )
        .await?;
    Ok(answer(request, &row))
}

fn answer(request: &Begin, row: &Row) -> Result<Begun, BeginError> {
    let refused = || {
        row.get::<_, Option<Vec<String>>>("o_refused_skus")
            .unwrap_or_default()
    };
    match row.get("o_outcome") {
        "placed" => Ok(Begun::Placed(held(row).of(request))),
        "replaced" => Ok(Begun::Replaced(held(row).of(request))),
        "same" => Ok(Begun::Same(held(row).of(request))),
        "unknown_shop" => Err(BeginError::UnknownShop),
        "checkout_conflict" => Err(BeginError::Conflict),
        "stale_revision" => Err(BeginError::StaleRevision),
        "checkout_ended" => Err(BeginError::Ended),
        "checkout_ordered" => Err(BeginError::Ordered),
        "hold_too_long" => Err(BeginError::HoldTooLong),
        "too_many_replacements" => Err(BeginError::TooManyReplacements),
        "unknown_sku" => Err(BeginError::UnknownSku(refused())),
        "not_on_sale" => Err(BeginError::NotOnSale(refused())),
        "too_many_units" => Err(BeginError::TooManyUnits(too_many(request, row, refused()))),
        "shortage" => Err(BeginError::Shortage(
            request
                .cart
                .shortages(refused(), row.get("o_refused_available")),
        )),
        "too_many_checkouts" => Err(BeginError::TooManyCheckouts),
        "limit_reached" => Err(BeginError::LimitReached(limits(row))),
        other => Err(Failure::unknown_outcome("checkout_begin", other).into()),
    }
}

fn held(row: &Row) -> Held {
    Held {
        status: row.get("o_status"),
        prices: row.get("o_prices"),
        currency: row.get("o_currency"),
        expires_at: row.get("o_expires_at"),
        server_time: row.get("o_server_time"),
    }
}

fn too_many(request: &Begin, row: &Row, skus: Vec<String>) -> TooManyUnits {
    let bounds: Vec<i32> = row.get("o_units_max");
    let bound = |nth: usize| bounds.get(nth).copied().unwrap_or_default();
    let units = request.cart.lines();
    TooManyUnits {
        units: units.map(|(_, quantity)| i64::from(quantity.get())).sum(),
        units_per_cart_max: bound(0),
        units_per_line_max: bound(1),
        skus,
    }
}
