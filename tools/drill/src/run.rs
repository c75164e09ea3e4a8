//! The rehearsal from its first look at the shop to its last: rush, second calls for what came
//! back, a wait until nothing moves any more, and a reading of everything that was acknowledged.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::watch::Sender;
use tokio::task::{JoinHandle, JoinSet};

use crate::answers::{Availability, Said, Sku};
use crate::api::{Api, Urls};
use crate::args::Args;
use crate::claims::{self, Claim};
use crate::control::Control;
use crate::history::{self, DatabaseCheck, History, StockSample, When};
use crate::plan::{self, Ending};
use crate::progress;
use crate::shopper::Shopper;
use crate::staff::Staff;
use crate::stage::{Counts, Stage};
use crate::storm::Storms;
use crate::watch::{self, Database, DatabaseError};

/// Second calls, at most: each gives away what the one before gave back.
const CALLS_MAX: u32 = 6;
/// Tries of the database's own check: a backend may just have been killed.
const CHECKS_MAX: u32 = 5;
/// How many shoppers are read again at once at the end; more would only measure themselves.
const AUDITS_AT_ONCE: usize = 16;
/// No hold outlives this: one that ends later will not come back during the run.
const SOON: Duration = Duration::from_secs(600);

/// What happened, and by whom it was measured.
pub(crate) struct Run {
    pub(crate) history: History,
    pub(crate) api: Arc<Api>,
    pub(crate) run_id: String,
    pub(crate) second_calls: u32,
    /// The longest that this process itself was kept waiting.
    pub(crate) lag: Duration,
}

/// Plays the rehearsal. An error is one line that says why it could not begin, or not end.
pub(crate) async fn run(args: &Args) -> Result<Run, String> {
    let urls = Urls {
        api: args.api.clone(),
        webhook: args.webhook.clone(),
        shop: args.shop.clone(),
        admin_token: args.admin_token.clone(),
    };
    let api = Api::new(urls, args.timeout, args.patience());
    let api = Arc::new(api.map_err(|error| format!("no HTTP client: {error}"))?);
    let gateways = args.gateways.as_deref();
    let control = gateways.map(|url| Control::new(url, args.local.as_deref()));
    let control = control.transpose()?.map(Arc::new);
    let mut database = None;
    let mut other_shop = args.other_shop.clone();
    if let Some(url) = &args.database {
        let mut connected = Database::connect(url, &args.shop)
            .await
            .map_err(of_database)?;
        if other_shop.is_none() {
            other_shop = connected.other_shop().await.map_err(of_database)?;
        }
        database = Some(connected);
    }
    let before = open_shop(args, &api, database.as_mut()).await?;
    let skus: Vec<String> = before.keys().cloned().collect();
    // before anybody moves anything: what left the shelf is counted from here
    let first = match &mut database {
        Some(database) => Some(first_sample(database, &api, &skus).await?),
        None => None,
    };
    let deadlocks = first.as_ref().map(|(_, deadlocks)| *deadlocks);
    let stage = stage(args, &api, other_shop, control);
    let watchers = Watchers::start(&api, &skus, database);
    let ticker = (!args.quiet).then(|| progress::start(Arc::clone(&stage), args.shoppers));
    let mut history = History {
        hot_sku: args.hot_sku.clone(),
        before,
        ..History::default()
    };
    let storm = Storms::start(args, &stage).await?;
    let (second_calls, shoppers) = play(args, &stage, &mut history).await;
    history.books = storm.weathered(args, &stage).await?;
    let audited = audit(shoppers).await.into_iter();
    history.visits = audited.map(Shopper::into_visit).collect();
    (history.ended, history.after) = settle(&stage, &skus, &history, args.settle_s).await;
    let watched = watchers.stop().await;
    if let Some(ticker) = ticker {
        ticker.stop().await;
    }
    let watched = watched?;
    history.availability = watched.page;
    history.samples = first.map(|(sample, _)| sample).into_iter().collect();
    history.samples.extend(watched.samples);
    if let Some(database) = watched.database {
        let (checked, deadlocks_after) = check(database, &skus, &args.hot_sku).await;
        history.database = Some(checked);
        if let Some(staff) = &mut history.staff {
            staff.deadlocks = deadlocks.zip(deadlocks_after);
        }
    }
    let run_id = stage.run_id.clone();
    Ok(Run {
        history,
        api,
        run_id,
        second_calls,
        lag: watched.lag,
    })
}

fn of_database(error: DatabaseError) -> String {
    format!("--database: {}", watch::reason_of(&error))
}

/// The counters of the skus, and how many deadlocks the database has counted.
async fn first_sample(
    database: &mut Database,
    api: &Api,
    skus: &[String],
) -> Result<(StockSample, i64), String> {
    let levels = database.levels(skus).await.map_err(of_database)?;
    let at = api.now();
    let deadlocks = database.deadlocks().await.map_err(of_database)?;
    Ok((StockSample { at, levels }, deadlocks))
}

/// Everything that shoppers and staff do, into the history. Returns how often those who waited were
/// called again, and the shoppers.
async fn play(args: &Args, stage: &Arc<Stage>, history: &mut History) -> (u32, Vec<Shopper>) {
    let others: Vec<String> = history
        .before
        .keys()
        .filter(|sku| **sku != args.hot_sku)
        .cloned()
        .collect();
    let plans = plan::plan(&plan::Settings {
        seed: args.seed,
        shoppers: args.shoppers,
        rush: args.rush_s,
        hot_sku: &args.hot_sku,
        other_skus: &others,
    });
    let shoppers = plans
        .into_iter()
        .map(|plan| Shopper::new(Arc::clone(stage), plan))
        .collect();
    let staff = args
        .mixed
        .then(|| Staff::start(stage, history.before.values().cloned().collect()));
    let (mut shoppers, mut waiting) = rush(shoppers).await;
    let stock = history.stock_before(&args.hot_sku);
    let mut calls = second_calls(stage, &mut shoppers, &mut waiting, stock, || {
        staff.as_ref().map(Staff::claims).unwrap_or_default()
    })
    .await;
    if let Some(staff) = staff {
        let deeds = staff.go_home().await;
        // what they brought last is for those who wait still
        let claims: Vec<Claim> = deeds.iter().flat_map(claims::of_deed).collect();
        calls += second_calls(stage, &mut shoppers, &mut waiting, stock, || claims.clone()).await;
        history.staff = Some(history::Staff {
            deeds,
            deadlocks: None,
        });
    }
    history.still_wanted = waiting.len();
    shoppers.extend(waiting);
    // nobody else buys now, so what they cancel is there when they pay for it
    join_all(shoppers.iter_mut().map(Shopper::pay_last)).await;
    forge(&mut shoppers).await;
    (calls, shoppers)
}

fn stage(
    args: &Args,
    api: &Arc<Api>,
    other_shop: Option<String>,
    control: Option<Arc<Control>>,
) -> Arc<Stage> {
    Arc::new(Stage {
        api: Arc::clone(api),
        control,
        run_id: args.run_id(),
        seed: args.seed,
        secret: args.webhook_secret.clone(),
        other_shop,
        hot_sku: args.hot_sku.clone(),
        hold_s: args.hold_s,
        settle: args.settle_s,
        counts: Counts::default(),
        paid: Mutex::default(),
    })
}

/// The skus of the run as they are offered, or why the run can't be had.
async fn open_shop(
    args: &Args,
    api: &Api,
    database: Option<&mut Database>,
) -> Result<BTreeMap<String, Sku>, String> {
    let mut skus = args.skus.clone();
    if let (true, Some(database)) = (skus.is_empty(), database) {
        let found = database.other_skus(&args.hot_sku).await;
        skus = found.map_err(of_database)?;
    }
    skus.push(args.hot_sku.clone());
    skus.sort();
    skus.dedup();
    let page = match api.opening(&skus).await {
        Said::Yes(page) => page,
        Said::Nothing(reason) => return Err(format!("{} does not answer: {reason}", args.api)),
        Said::No(status, code) => {
            let shop = &args.shop;
            return Err(format!(
                "{} has no shop {shop} to show: {status} {code}",
                args.api
            ));
        }
        Said::Short(_) => return Err(format!("{} answers nonsense", args.api)),
    };
    let Availability {
        skus: offered,
        unknown,
    } = page;
    if !unknown.is_empty() {
        return Err(format!(
            "shop {} does not know {}",
            args.shop,
            unknown.join(", ")
        ));
    }
    let shop: BTreeMap<String, Sku> = offered
        .into_iter()
        .filter(|sku| sku.on_sale)
        .map(|sku| (sku.sku.clone(), sku))
        .collect();
    let hot = shop.get(&args.hot_sku);
    let hot = hot.ok_or_else(|| format!("{} is not on sale in {}", args.hot_sku, args.shop))?;
    if hot.available != i64::from(args.units) {
        return Err(format!(
            "{} has {} units available, not {}: start from fresh stock, or give --units {}",
            args.hot_sku, hot.available, args.units, hot.available
        ));
    }
    Ok(shop)
}

/// All shoppers at once. Returns those whose visit is over, and those who would come back.
async fn rush(shoppers: Vec<Shopper>) -> (Vec<Shopper>, Vec<Shopper>) {
    let mut playing = JoinSet::new();
    for mut shopper in shoppers {
        playing.spawn(async move {
            let waits = shopper.visit().await;
            shopper.leaves();
            (shopper, waits)
        });
    }
    part(playing).await
}

async fn part(mut playing: JoinSet<(Shopper, bool)>) -> (Vec<Shopper>, Vec<Shopper>) {
    let (mut done, mut waiting) = (vec![], vec![]);
    while let Some(played) = playing.join_next().await {
        // a task only fails to join when it panicked; then the panic was printed, and the missing
        // visit shows in the report
        if let Ok((shopper, waits)) = played {
            if waits { &mut waiting } else { &mut done }.push(shopper);
        }
    }
    (done, waiting)
}

/// Waits until what was abandoned is due, and lets those who wait have it; again while units are
/// free and somebody wants them. Returns how often.
async fn second_calls(
    stage: &Arc<Stage>,
    done: &mut Vec<Shopper>,
    waiting: &mut Vec<Shopper>,
    stock: i64,
    of_staff: impl Fn() -> Vec<Claim>,
) -> u32 {
    for calls in 0..CALLS_MAX {
        let mut claims: Vec<Claim> = done.iter().flat_map(|s| claims::of(&s.so_far())).collect();
        claims.extend(of_staff());
        let of_hot = || claims.iter().filter(|claim| claim.sku == stage.hot_sku);
        let now = stage.api.now();
        let ends = of_hot()
            .map(|c| c.possible.1)
            .filter(|end| (now..now + SOON).contains(end));
        if let Some(last) = ends.max() {
            stage
                .api
                .pause(last + Duration::from_millis(200) - now)
                .await;
        }
        let now = stage.api.now();
        let taken: i64 = of_hot()
            .filter(|c| c.possibly_within(now, now))
            .map(|c| c.units)
            .sum();
        if taken >= stock || waiting.is_empty() || stage.api.out_of_time() {
            return calls;
        }
        let mut playing = JoinSet::new();
        for mut shopper in waiting.drain(..) {
            playing.spawn(async move {
                let in_vain = shopper.visit_again().await;
                (shopper, in_vain)
            });
        }
        let (served, still_waiting) = part(playing).await;
        done.extend(served);
        *waiting = still_waiting;
    }
    CALLS_MAX
}

/// Forged events for an order that must stay as it is; for an unpaid one if there is any.
async fn forge(shoppers: &mut [Shopper]) {
    let unpaid = |s: &&mut Shopper| s.plan.ending == Ending::DropOut && s.has_ordered();
    if let Some(shopper) = shoppers.iter_mut().find(unpaid) {
        shopper.forge().await;
    } else if let Some(shopper) = shoppers.iter_mut().find(|s| s.has_ordered()) {
        shopper.forge().await;
    }
}

async fn audit(shoppers: Vec<Shopper>) -> Vec<Shopper> {
    let mut waiting = shoppers.into_iter();
    let mut reading = JoinSet::new();
    let mut read = vec![];
    loop {
        while reading.len() < AUDITS_AT_ONCE
            && let Some(mut shopper) = waiting.next()
        {
            reading.spawn(async move {
                shopper.audit().await;
                shopper
            });
        }
        match reading.join_next().await {
            Some(done) => read.extend(done.ok()),
            None => break,
        }
    }
    read.sort_by_key(|shopper| shopper.plan.number);
    read
}

/// Waits until every unit that nobody holds any more is available again, within the bound, and
/// returns what is available then; nothing when the deployment does not answer any more, which
/// the requests before have shown too.
async fn settle(
    stage: &Stage,
    skus: &[String],
    history: &History,
    bound: Duration,
) -> (When, BTreeMap<String, i64>) {
    let claims = claims::of_all(history);
    let until = stage.api.now() + bound;
    loop {
        let (when, said) = stage.api.availability(skus).await;
        let Said::Yes(page) = said else {
            return (when, BTreeMap::new());
        };
        let after: BTreeMap<String, i64> = page
            .skus
            .into_iter()
            .map(|sku| (sku.sku, sku.available))
            .collect();
        let settled = after.iter().all(|(sku, after)| {
            let of_sku = claims.iter().filter(|claim| claim.sku == *sku);
            let live = of_sku.filter(|claim| claim.possibly_within(when.sent, when.got));
            let taken: i64 = live.map(|claim| claim.units).sum();
            *after >= history.stock_before(sku) - taken
        });
        let coming = claims
            .iter()
            .any(|c| (when.sent..when.sent + SOON).contains(&c.possible.1));
        if (settled && !coming) || stage.api.now() >= until || stage.api.out_of_time() {
            return (when, after);
        }
        stage.api.pause(Duration::from_millis(500)).await;
    }
}

/// The database's own check. One that can't be made, after a few tries, is a violation.
async fn check(
    mut database: Database,
    skus: &[String],
    hot_sku: &str,
) -> (DatabaseCheck, Option<i64>) {
    // the attempt to edit by hand locks a row for a moment: not the hot one, if there is another
    let sku = skus
        .iter()
        .find(|sku| *sku != hot_sku)
        .map_or(hot_sku, String::as_str);
    let mut reason = String::new();
    for _ in 0..CHECKS_MAX {
        match database.check(sku).await {
            Ok(check) => return (check, database.deadlocks().await.ok()),
            Err(error) => reason = watch::reason_of(&error),
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let violations = vec![("the check could not be made".to_owned(), reason)];
    let check = DatabaseCheck {
        violations,
        stale_edit_refused: None,
    };
    (check, None)
}

/// What runs beside the shoppers.
struct Watchers {
    stop: Sender<bool>,
    page: JoinHandle<Vec<(When, Availability)>>,
    lag: JoinHandle<Duration>,
    database: Option<JoinHandle<(Database, Vec<StockSample>)>>,
}

/// What they saw.
struct Watched {
    page: Vec<(When, Availability)>,
    lag: Duration,
    database: Option<Database>,
    samples: Vec<StockSample>,
}

impl Watchers {
    fn start(api: &Arc<Api>, skus: &[String], database: Option<Database>) -> Self {
        let (stop, stopped) = tokio::sync::watch::channel(false);
        let page = watch::page(Arc::clone(api), skus.to_vec(), stopped.clone());
        let page = tokio::spawn(page);
        let lag = tokio::spawn(watch::lag(stopped.clone()));
        let database = database.map(|database| {
            let sampling = watch::database(database, Arc::clone(api), skus.to_vec(), stopped);
            tokio::spawn(sampling)
        });
        Self {
            stop,
            page,
            lag,
            database,
        }
    }

    async fn stop(self) -> Result<Watched, String> {
        self.stop.send_replace(true);
        let failed = |error| format!("a watcher failed: {error}");
        let page = self.page.await.map_err(failed)?;
        let lag = self.lag.await.map_err(failed)?;
        let (mut database, mut samples) = (None, vec![]);
        if let Some(watcher) = self.database {
            let (connection, seen) = watcher.await.map_err(failed)?;
            (database, samples) = (Some(connection), seen);
        }
        Ok(Watched {
            page,
            lag,
            database,
            samples,
        })
    }
}
