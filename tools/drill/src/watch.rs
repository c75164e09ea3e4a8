//! Looks at the stock while the sale goes on: through the API, as a shopper's page does, and in the
//! database, when its URL is given. It measures, too, how late this process is woken up.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch::{Receiver, Sender, channel};
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use crate::answers::{Answer, Availability};
use crate::api::Api;
use crate::database::Database;
use crate::history::{StockSample, When};

const SAMPLE_EVERY: Duration = Duration::from_millis(100);
const PAGE_EVERY: Duration = Duration::from_millis(500);
const LOOK_AT_CLOCK_EVERY: Duration = Duration::from_millis(20);

pub(crate) struct Watchers {
    stop: Sender<bool>,
    page: JoinHandle<Vec<(When, Availability)>>,
    lag: JoinHandle<Duration>,
    database: JoinHandle<(Option<Database>, Vec<StockSample>)>,
}

/// The results of all watchers.
pub(crate) struct Watched {
    pub(crate) page: Vec<(When, Availability)>,
    pub(crate) lag: Duration,
    pub(crate) database: Option<Database>,
    pub(crate) samples: Vec<StockSample>,
}

impl Watchers {
    pub(crate) fn start(api: &Arc<Api>, skus: &[String], database: Option<Database>) -> Self {
        let (stop, stopped) = channel(false);
        let page = page(Arc::clone(api), skus.to_vec(), stopped.clone());
        let samples = samples(database, Arc::clone(api), skus.to_vec(), stopped.clone());
        Self {
            stop,
            page: tokio::spawn(page),
            lag: tokio::spawn(lag(stopped)),
            database: tokio::spawn(samples),
        }
    }

    pub(crate) async fn stop(self) -> Result<Watched, String> {
        self.stop.send_replace(true);
        let failed = |error| format!("a watcher failed: {error}");
        let (database, samples) = self.database.await.map_err(failed)?;
        Ok(Watched {
            page: self.page.await.map_err(failed)?,
            lag: self.lag.await.map_err(failed)?,
            database,
            samples,
        })
    }
}

/// Waits for the next tick; at once, when it is time to stop.
async fn next(ticks: &mut tokio::time::Interval, stop: &mut Receiver<bool>) {
    tokio::select! {
        _ = ticks.tick() => {}
        _ = stop.changed() => {}
    }
}

/// Samples the counters until told to stop.
async fn samples(
    mut database: Option<Database>,
    api: Arc<Api>,
    skus: Vec<String>,
    mut stop: Receiver<bool>,
) -> (Option<Database>, Vec<StockSample>) {
    let mut samples = vec![];
    let mut ticks = tokio::time::interval(SAMPLE_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    while let Some(database) = database.as_mut().filter(|_| !*stop.borrow()) {
        next(&mut ticks, &mut stop).await;
        // A failed sample is only a gap in a plot.
        if let Ok(levels) = database.levels(&skus).await {
            let at = api.now();
            samples.push(StockSample { at, levels });
        }
    }
    (database, samples)
}

/// Reloads the shop's page until told to stop.
async fn page(
    api: Arc<Api>,
    skus: Vec<String>,
    mut stop: Receiver<bool>,
) -> Vec<(When, Availability)> {
    let mut seen = vec![];
    let mut ticks = tokio::time::interval(PAGE_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !*stop.borrow() {
        next(&mut ticks, &mut stop).await;
        if let (when, Answer::Done(page)) = api.availability(&skus).await {
            seen.push((when, page));
        }
    }
    seen
}

/// The latest wake-up of this process until told to stop. On a busy machine it explains latencies.
async fn lag(stop: Receiver<bool>) -> Duration {
    let mut most = Duration::ZERO;
    while !*stop.borrow() {
        let due = tokio::time::Instant::now() + LOOK_AT_CLOCK_EVERY;
        tokio::time::sleep_until(due).await;
        most = most.max(due.elapsed());
    }
    most
}
