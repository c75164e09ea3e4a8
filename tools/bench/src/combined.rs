//! Many requests in one process, through the operations crate as it is deployed. Those that wait
//! for a connection go together.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use local::roles::CHECKOUT;
use operations::checkout::{self, Begin, Begun, Cart, Line};
use operations::db::{Database, DatabaseConfig};
use operations::ids::Shop;
use operations::quantity::{Quantity, Revision};

use crate::contestant::Contestant;
use crate::figures::{median, progress};
use crate::server::{Failed, Server};

/// Connections of a process that combines.
const CONNECTIONS: usize = 8;
/// Connections, and requests at once, of the load that is not combined.
const CONNECTIONS_ALONE: usize = 50;
/// Skus beside the hot one, for carts.
const OTHERS: u64 = 200;

/// The skus beside the hot one.
const CATALOGUE: &str = "
    select holdfast.sku_put('main', 'S' || n, 'Another dress', '{}', 100)
    from generate_series(0, 199) n;
    select holdfast.stock_adjust('main', 'S' || n, 900000000, null, 'received', 'bench', null)
    from generate_series(0, 199) n";

#[derive(Clone, Copy, PartialEq)]
enum Cartful {
    Hot,
    HotAndTwoMore,
}

/// One way to load a process.
#[derive(Clone, Copy)]
struct Load {
    name: &'static str,
    in_flight: usize,
    connections: usize,
    cart: Cartful,
    limited: bool,
}

const fn combined(name: &'static str, in_flight: usize) -> Load {
    Load {
        name,
        in_flight,
        connections: CONNECTIONS,
        cart: Cartful::Hot,
        limited: false,
    }
}

/// The load that the others are compared with: every request has a connection, so each goes alone.
const ALONE: Load = Load {
    connections: CONNECTIONS_ALONE,
    ..combined("one request a call, 50 at once", CONNECTIONS_ALONE)
};

const LOADS: [Load; 7] = [
    ALONE,
    combined("combined, 1 in flight", 1),
    combined("combined, 8 in flight", 8),
    combined("combined, 64 in flight", 64),
    combined("combined, 500 in flight", 500),
    Load {
        limited: true,
        ..combined("  the same, limit per customer", 500)
    },
    Load {
        cart: Cartful::HotAndTwoMore,
        ..combined("  the same, carts of three skus", 500)
    },
];

/// What the rounds of one load measured.
#[derive(Default)]
struct Measured {
    per_second: Vec<f64>,
    p50_ms: Vec<f64>,
    p99_ms: Vec<f64>,
}

/// Measures every load in turns, with the one-row insert, and prints medians.
pub(crate) async fn run(seconds: u32, rounds: u32) -> Result<(), Failed> {
    for slow in [false, true] {
        if slow && !cfg!(target_os = "linux") {
            continue;
        }
        let server = Server::start(slow, None).await?;
        for statement in CATALOGUE.split_inclusive(';') {
            server.cluster.execute("postgres", statement)?;
        }
        server.cluster.execute("postgres", "analyze")?;
        let mut measured: Vec<Measured> = LOADS.iter().map(|_| Measured::default()).collect();
        let mut inserts = Vec::new();
        for round in 1..=rounds {
            for (load, into) in LOADS.iter().zip(&mut measured) {
                progress(&format!("round {round} of {rounds}: {}", load.name));
                one_round(&server, load, seconds, into).await?;
            }
            let insert = server.round(Contestant::InsertOnly, 50, seconds).await?;
            inserts.push(insert.per_second);
        }
        progress("");
        print(slow, &measured, median(&inserts));
    }
    Ok(())
}

fn print(slow: bool, measured: &[Measured], insert: f64) {
    let commits = if slow {
        "2 ms slower"
    } else {
        "as fast as this disk"
    };
    let alone = measured
        .first()
        .map_or(f64::NAN, |one| median(&one.per_second));
    println!("One hot sku, one process, commits {commits}:");
    println!(
        "  {:<34}{:>14}{:>12}{:>12}{:>10}{:>10}",
        "", "holds a second", "times alone", "of inserts", "p50 ms", "p99 ms"
    );
    for (load, one) in LOADS.iter().zip(measured) {
        let rate = median(&one.per_second);
        println!(
            "  {:<34}{:>14.0}{:>12.2}{:>12.2}{:>10.2}{:>10.2}",
            load.name,
            rate,
            rate / alone,
            rate / insert,
            median(&one.p50_ms),
            median(&one.p99_ms),
        );
    }
    println!("  {:<34}{insert:>14.0}\n", "one-row insert, 50 connections");
}

async fn one_round(
    server: &Server,
    load: &Load,
    seconds: u32,
    measured: &mut Measured,
) -> Result<(), Failed> {
    server.begin_round()?;
    let limit = if load.limited { "2" } else { "null" };
    let set = format!("update holdfast.skus set limit_per_customer = {limit} where sku = 'HOT'");
    server.cluster.execute("postgres", &set)?;
    let url = server.cluster.url(CHECKOUT, "postgres");
    let config = DatabaseConfig::parse("bench", |name| match name {
        "DATABASE_URL" => Some(url.clone()),
        "DATABASE_TLS" => Some("off".to_owned()),
        "DATABASE_POOL_SIZE" => Some(load.connections.to_string()),
        _ => None,
    })?;
    let shoppers = Shoppers {
        db: Database::new(&config)?,
        shop: "main".parse()?,
        next: Arc::new(AtomicU64::new(first_id())),
        cart: load.cart,
        until: Instant::now() + Duration::from_secs(u64::from(seconds)),
    };
    let began = Instant::now();
    let running: Vec<_> = (0..load.in_flight)
        .map(|_| tokio::spawn(shoppers.clone().shop()))
        .collect();
    let mut waits = Vec::new();
    for one in running {
        waits.extend(one.await?.map_err(|why| why.to_string())?);
    }
    let took = began.elapsed().as_secs_f64();
    server.assert_promises_kept().await?;
    waits.sort_unstable();
    let at = |percent: usize| {
        let nth = waits.len().saturating_sub(1) * percent / 100;
        waits
            .get(nth)
            .map_or(f64::NAN, |wait| wait.as_secs_f64() * 1000.0)
    };
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52 holds")]
    measured.per_second.push(waits.len() as f64 / took);
    measured.p50_ms.push(at(50));
    measured.p99_ms.push(at(99));
    Ok(())
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
    shop: Shop,
    next: Arc<AtomicU64>,
    cart: Cartful,
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
            match checkout::begin(&self.db, &request).await? {
                Begun::Placed(_) => waits.push(asked.elapsed()),
                other => return Err(format!("not placed: {other:?}").into()),
            }
        }
        Ok(waits)
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
