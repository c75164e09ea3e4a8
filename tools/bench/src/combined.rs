//! Many requests in one process, through the operations crate as it is deployed. Those that wait
//! for a connection go together.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use local::roles::CHECKOUT;
use operations::checkout::{self, Begin, Begun, Cart, Line};
use operations::db::{Database, DatabaseConfig};
use operations::ids::Shop;
use operations::order::{self, Create, Created, PaymentMethod, ShipTo};
use operations::payment::{self, Event, EventKind, Gateway, Outcome};
use operations::quantity::{Quantity, Revision};

use crate::cpu::Meter;
use crate::report::Round;
use crate::server::{Failed, Server};

/// Connections of a process that combines.
const CONNECTIONS: usize = 8;
/// Skus beside the hot one, for carts.
const OTHERS: u64 = 200;

/// The skus beside the hot one.
pub(crate) const CATALOGUE: &str = "
    select holdfast.sku_put('main', 'S' || n, 'Another dress', '{}', 100)
    from generate_series(0, 199) n;
    select holdfast.stock_adjust('main', 'S' || n, 900000000, null, 'received', 'bench', null)
    from generate_series(0, 199) n";

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Cartful {
    Hot,
    HotAndTwoMore,
}

/// How a request reaches the database.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Way {
    /// `checkout::begin`, as the function calls it.
    Begin,
    /// The statement alone, without the combiner: as before there was one.
    Statement,
    /// A whole sale: `checkout::begin`, `order::create`, `payment::record_event` of the payment.
    Sale,
}

/// One way to load a process.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    pub(crate) in_flight: usize,
    pub(crate) connections: usize,
    pub(crate) cart: Cartful,
    pub(crate) limited: bool,
    pub(crate) way: Way,
}

/// The load of a process that combines.
pub(crate) const fn combined(in_flight: usize) -> Load {
    Load {
        in_flight,
        connections: CONNECTIONS,
        cart: Cartful::Hot,
        limited: false,
        way: Way::Begin,
    }
}

/// A pool of a function of this role.
pub(crate) fn pool(server: &Server, role: &str, connections: usize) -> Result<Database, Failed> {
    pool_at(&server.cluster.url(role, "postgres"), connections)
}

/// The same at a URL.
pub(crate) fn pool_at(url: &str, connections: usize) -> Result<Database, Failed> {
    let config = DatabaseConfig::parse("bench", |name| match name {
        "DATABASE_URL" => Some(url.to_owned()),
        "DATABASE_TLS" => Some("off".to_owned()),
        "DATABASE_POOL_SIZE" => Some(connections.to_string()),
        _ => None,
    })?;
    Ok(Database::new(&config)?)
}

/// One round, from the same start as every round. Fails unless exactly what was answered is held.
pub(crate) async fn round(server: &Server, load: Load, seconds: u32) -> Result<Round, Failed> {
    server.begin_round()?;
    let limit = if load.limited { "2" } else { "null" };
    let set = format!("update holdfast.skus set limit_per_customer = {limit} where sku = 'HOT'");
    server.cluster.execute("postgres", &set)?;
    let meter = Meter::start(&[server.pid()?])?;
    let db = pool(server, CHECKOUT, load.connections)?;
    let waits = shop([&db, &db], "main", load, seconds).await?;
    let used = meter.stop()?;
    drop(db);
    if server.held_of("HOT").await? as usize != waits.len() {
        return Err("the stock level does not agree with the answers".into());
    }
    Ok(Round::of_waits(waits, &used))
}

/// Loads the hot sku of a shop for so many seconds, by the pools of the checkout and the payments
/// function. Returns how long each hold, or each sale, took.
pub(crate) async fn shop(
    [db, payments]: [&Database; 2],
    shop: &str,
    load: Load,
    seconds: u32,
) -> Result<Vec<Duration>, Failed> {
    let shoppers = Shoppers {
        db: db.clone(),
        payments: payments.clone(),
        shop: shop.parse()?,
        next: Arc::new(AtomicU64::new(first_id())),
        cart: load.cart,
        way: load.way,
        until: Instant::now() + Duration::from_secs(u64::from(seconds)),
    };
    let running: Vec<_> = (0..load.in_flight)
        .map(|_| tokio::spawn(shoppers.clone().shop()))
        .collect();
    let mut waits = Vec::new();
    for one in running {
        waits.extend(one.await?.map_err(|why| why.to_string())?);
    }
    Ok(waits)
}

/// Every round has its own ids, and they rise, as those of UUID version 7 do.
fn first_id() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |now| (now.as_secs() % 0xff_ffff) << 24)
}

/// Shoppers of one process.
#[derive(Clone)]
struct Shoppers {
    db: Database,
    payments: Database,
    shop: Shop,
    next: Arc<AtomicU64>,
    cart: Cartful,
    way: Way,
    until: Instant,
}

type Broken = Box<dyn std::error::Error + Send + Sync>;

impl Shoppers {
    /// One shopper after the other. Returns how long each waited.
    async fn shop(self) -> Result<Vec<Duration>, Broken> {
        let mut waits = Vec::new();
        while Instant::now() < self.until {
            let request = self.request()?;
            let asked = Instant::now();
            match self.way {
                Way::Begin => self.begin(&request).await?,
                Way::Statement => self.state(&request).await?,
                Way::Sale => {
                    self.begin(&request).await?;
                    self.pay(&request).await?;
                }
            }
            waits.push(asked.elapsed());
        }
        Ok(waits)
    }

    async fn begin(&self, request: &Begin) -> Result<(), Broken> {
        match checkout::begin(&self.db, request).await? {
            Begun::Placed(_) => Ok(()),
            other => Err(format!("not placed: {other:?}").into()),
        }
    }

    /// Orders what the checkout holds, and records its payment.
    async fn pay(&self, request: &Begin) -> Result<(), Broken> {
        let create = Create {
            shop: request.shop.clone(),
            checkout_id: request.checkout_id,
            customer: Some(request.customer.clone()),
            method: PaymentMethod::Online,
            coupon: None,
            ship_to: ShipTo::Nowhere,
            pay_by: None,
        };
        let Created::New(order) = order::create(&self.db, &create).await? else {
            return Err("the order was there already".into());
        };
        let key = format!("paid:{}", order.payment.reference);
        let paid = Event {
            amount_minor: Some(order.total_minor),
            currency: Some(order.currency),
            gateway_payment_id: Some(key.clone()),
            reference: Some(order.payment.reference),
            // as large as a gateway's
            ..Event::new(key, EventKind::Paid, "x".repeat(1_500))
        };
        let gateway = Gateway::Cashfree;
        let recorded = payment::record_event(&self.payments, &request.shop, gateway, &paid).await?;
        match recorded.outcome {
            Outcome::Completed => Ok(()),
            other => Err(format!("not completed: {other:?}").into()),
        }
    }

    async fn state(&self, request: &Begin) -> Result<(), Broken> {
        let row = self
            .db
            .call_one(
                "call holdfast.checkout_begin($1, $2, $3, 1, $4, null, $5, $6)",
                &[
                    &request.shop,
                    &request.checkout_id,
                    &request.customer,
                    &[0_u8; 32].as_slice(),
                    &vec!["HOT"],
                    &vec![1_i32],
                ],
            )
            .await?;
        match row.get("o_outcome") {
            "placed" => Ok(()),
            other => Err(format!("not placed: {other}").into()),
        }
    }

    fn request(&self) -> Result<Begin, Broken> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let line = |sku: &str| {
            Ok::<Line, Broken>(Line {
                sku: sku.parse()?,
                quantity: Quantity::try_from(1)?,
            })
        };
        let mut lines = vec![line("HOT")?];
        if self.cart == Cartful::HotAndTwoMore {
            for other in [number * 7, number * 7 + 13] {
                lines.push(line(&format!("S{}", other % OTHERS))?);
            }
        }
        Ok(Begin {
            shop: self.shop.clone(),
            checkout_id: format!("00000000-0000-7000-8000-{number:012x}").parse()?,
            customer: format!("shopper-{number}").parse()?,
            revision: Revision::default(),
            hold: None,
            cart: Cart::new(lines)?,
        })
    }
}
