//! Many browsers watch a sale. Each asks for the live part every two seconds, as its script does.
//!
//! As on Lambda, a process answers one request at a time, and a new one starts when all are busy.

use std::sync::Arc;
use std::time::{Duration, Instant};

use local::roles::CONSOLE;
use tokio::sync::{Mutex, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, interval_at};

use super::console::{Console, DATABASE, SHOP};
use crate::combined::pool_at;
use crate::figures::{median, percentile, progress};
use crate::server::Failed;
use crate::visitor::Visitor;

/// As in live.js.
const EVERY: Duration = Duration::from_secs(2);
/// Polls of each browser.
const POLLS: usize = 10;
/// Time between two changes of the sale.
const SOLD_EVERY: Duration = Duration::from_millis(100);
/// Processes at most.
const PROCESSES_MAX: usize = 50;
/// The calls of a routine, and the milliseconds inside it.
const READS: &str = "select coalesce(sum(calls), 0)::bigint, coalesce(sum(total_time), 0)
    from pg_stat_user_functions where funcname = 'sale_read'";

/// The processes of the console.
struct Processes {
    url: String,
    free: Semaphore,
    /// Those that have started and answer nothing.
    idle: Mutex<Vec<Visitor>>,
}

/// One answer.
struct Poll {
    milliseconds: f64,
    is_same: bool,
}

impl Processes {
    async fn poll(&self, tag: &mut Option<String>) -> Result<Poll, Failed> {
        let path = format!("/console/{SHOP}/sale/now");
        let began = Instant::now();
        let _turn = self.free.acquire().await?;
        let idle = self.idle.lock().await.pop();
        let visitor = match idle {
            Some(visitor) => visitor,
            None => Visitor::owner(pool_at(&self.url, 1)?, SHOP)?,
        };
        let shown = tag.as_deref().map(|tag| ("if-none-match", tag));
        let mut headers = vec![("x-console-poll", "1")];
        headers.extend(shown);
        let seen = visitor.get(&path, &headers).await?;
        self.idle.lock().await.push(visitor);
        if ![200, 304].contains(&seen.status) {
            return Err(format!("a poll was answered {}", seen.status).into());
        }
        *tag = seen.etag;
        Ok(Poll {
            milliseconds: began.elapsed().as_secs_f64() * 1000.0,
            is_same: seen.status == 304,
        })
    }

    /// The polls of one browser, which begins so late.
    async fn watch(self: Arc<Self>, late: Duration) -> Result<Vec<Poll>, String> {
        let mut ticks = interval_at(tokio::time::Instant::now() + late, EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut tag = None;
        let mut polls = Vec::new();
        for _ in 0..POLLS {
            ticks.tick().await;
            let poll = self.poll(&mut tag).await;
            polls.push(poll.map_err(|error| error.to_string())?);
        }
        Ok(polls)
    }
}

/// Lets so many browsers watch the shop's sale, while it changes, and prints how it went.
pub(super) async fn run(console: &Console, browsers: u32) -> Result<(), Failed> {
    progress("watching the sale");
    let processes = Arc::new(Processes {
        url: console.cluster.url(CONSOLE, DATABASE),
        free: Semaphore::new(PROCESSES_MAX),
        idle: Mutex::default(),
    });
    let before = reads(console).await?;
    let began = Instant::now();
    let mut watching = JoinSet::new();
    for nth in 0..browsers {
        watching.spawn(Arc::clone(&processes).watch(EVERY * nth / browsers));
    }
    let mut sold = interval(SOLD_EVERY);
    let mut polls = Vec::new();
    loop {
        tokio::select! {
            watched = watching.join_next() => match watched {
                Some(watched) => polls.extend(watched??),
                None => break,
            },
            _ = sold.tick() => {
                let sale = format!("select holdfast.stock_adjust('{SHOP}', 'H-7', 1, null,
                    'received', 'bench', null)");
                console.owner.batch_execute(&sale).await?;
            }
        }
    }
    let took = began.elapsed().as_secs_f64();
    // A session tells its figures when it ends, or a second after its last call.
    let started = processes.idle.lock().await.drain(..).count();
    tokio::time::sleep(EVERY).await;
    let after = reads(console).await?;
    let times: Vec<f64> = polls.iter().map(|poll| poll.milliseconds).collect();
    let same = polls.iter().filter(|poll| poll.is_same).count();
    println!(
        "\n{browsers} browsers watch a sale, each asks every {} s",
        EVERY.as_secs()
    );
    println!(
        "  answers a second{:>32.0}",
        f64::from(u32::try_from(times.len())?) / took
    );
    println!(
        "  of them without a body{:>26}",
        format!("{} %", 100 * same / times.len().max(1))
    );
    println!(
        "  ms: median, p95, slowest{:>24}",
        format!(
            "{:.1}, {:.1}, {:.1}",
            median(&times),
            percentile(&times, 95),
            percentile(&times, 100)
        )
    );
    println!("  processes{started:>39}");
    println!(
        "  reads of the sale a second{:>22.0}",
        (after.0 - before.0) / took
    );
    println!(
        "  the database's time, of one processor{:>11}",
        format!("{:.0} %", (after.1 - before.1) / took / 10.0)
    );
    Ok(())
}

async fn reads(console: &Console) -> Result<(f64, f64), Failed> {
    let row = console.owner.query_one(READS, &[]).await?;
    let calls: i64 = row.get(0);
    Ok((f64::from(u32::try_from(calls)?), row.get(1)))
}
