//! A run, from the first look at the shop to the last: the rush, second calls for units that come
//! back, a wait until nothing moves any more, and a reading of everything that was acknowledged.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use tokio::task::JoinSet;

use crate::answers::{Answer, Sku};
use crate::api::Api;
use crate::args::Args;
use crate::control::Control;
use crate::database::Database;
use crate::history::{self, DatabaseCheck, History, StockSample, When};
use crate::plan::{self, Ending};
use crate::progress;
use crate::sale::{Counts, Sale};
use crate::shopper::Shopper;
use crate::staff::Staff;
use crate::storm::Storm;
use crate::taken::{self, Taken};
use crate::watch::Watchers;

/// For the first request of the run: a wrong URL should be reported soon.
const OPENING_MAX: Duration = Duration::from_secs(15);
/// Second calls, at most: each gives away what the one before gave back.
const CALLS_MAX: u32 = 6;
/// Tries of the database's own check: a backend may just have been killed.
const CHECKS_MAX: u32 = 5;
/// How many shoppers are read again at once at the end. More would only measure themselves.
const AUDITS_AT_ONCE: usize = 16;
/// A hold that ends later than this will not come back during the run.
const SOON: Duration = Duration::from_secs(600);

/// The record of a run, with its measurements.
pub(crate) struct Run {
    pub(crate) history: History,
    pub(crate) api: Arc<Api>,
    pub(crate) run_id: String,
    pub(crate) second_calls: u32,
    /// The latest wake-up of this process.
    pub(crate) lag: Duration,
}

/// Plays the sale. An error is one line that says why it could not begin, or not end.
pub(crate) async fn run(args: &Args) -> Result<Run, String> {
    let api = Api::new(args).map_err(|error| format!("no HTTP client: {error}"))?;
    let api = Arc::new(api);
    let mut database = match &args.database {
        Some(url) => Some(Database::connect(url, &args.shop).await?),
        None => None,
    };
    let before = open_shop(args, &api, database.as_mut()).await?;
    let skus: Vec<String> = before.keys().cloned().collect();
    let sale = sale(args, &api, database.as_mut()).await?;
    let mut history = History {
        hot_sku: args.hot_sku.clone(),
        before,
        ..History::default()
    };
    // Units that leave the shelf are counted from here on, so before anybody moves any.
    let mut deadlocks = None;
    if let Some(database) = &mut database {
        let levels = database.levels(&skus).await?;
        let at = api.now();
        history.samples.push(StockSample { at, levels });
        deadlocks = Some(database.deadlocks().await?);
    }
    let watchers = Watchers::start(&api, &skus, database);
    let second_calls = tokio::select! {
        second_calls = play(args, &sale, &skus, &mut history) => second_calls?,
        () = progress::show(&sale, args.shoppers), if !args.quiet => 0,
    };
    let watched = watchers.stop().await?;
    history.availability = watched.page;
    history.samples.extend(watched.samples);
    if let Some(database) = watched.database {
        let (checked, deadlocks_after) = check(database, &skus, &args.hot_sku).await;
        history.database = Some(checked);
        if let Some(staff) = &mut history.staff {
            staff.deadlocks = deadlocks.zip(deadlocks_after);
        }
    }
    Ok(Run {
        history,
        api,
        run_id: sale.run_id.clone(),
        second_calls,
        lag: watched.lag,
    })
}

async fn sale(
    args: &Args,
    api: &Arc<Api>,
    database: Option<&mut Database>,
) -> Result<Arc<Sale>, String> {
    let other_shop = match (&args.other_shop, database) {
        (None, Some(database)) => database.other_shop().await?,
        (other_shop, _) => other_shop.clone(),
    };
    let control = args.gateways.as_deref();
    let control = control.map(|url| Control::new(url, args.local.as_deref()));
    Ok(Arc::new(Sale {
        api: Arc::clone(api),
        control: control.transpose()?.map(Arc::new),
        run_id: args.run_id(),
        seed: args.seed,
        webhook_secret: args.webhook_secret.clone(),
        other_shop,
        hot_sku: args.hot_sku.clone(),
        hold_s: args.hold_s,
        settle: args.settle_s,
        counts: Counts::default(),
        paid: Mutex::default(),
    }))
}

/// The skus of the run as they are offered, or why the run is impossible.
async fn open_shop(
    args: &Args,
    api: &Api,
    database: Option<&mut Database>,
) -> Result<BTreeMap<String, Sku>, String> {
    let (url, shop, hot_sku) = (&args.api, &args.shop, &args.hot_sku);
    let mut skus = args.skus.clone();
    if let (true, Some(database)) = (skus.is_empty(), database) {
        skus = database.other_skus(hot_sku).await?;
    }
    skus.push(hot_sku.clone());
    skus.sort();
    skus.dedup();
    let opening = tokio::time::timeout(OPENING_MAX, api.availability(&skus));
    let page = match opening.await {
        Ok((_, Answer::Done(page))) => page,
        Ok((_, answer)) => return Err(format!("{url} does not show shop {shop}: {answer:?}")),
        Err(_) => return Err(format!("{url} does not answer")),
    };
    if !page.unknown.is_empty() {
        let unknown = page.unknown.join(", ");
        return Err(format!("shop {shop} does not know {unknown}"));
    }
    let offered = page.skus.into_iter().filter(|sku| sku.on_sale);
    let offered: BTreeMap<String, Sku> = offered.map(|sku| (sku.sku.clone(), sku)).collect();
    let hot = offered.get(hot_sku);
    let hot = hot.ok_or_else(|| format!("{hot_sku} is not on sale in {shop}"))?;
    if hot.available != i64::from(args.units) {
        let (available, units) = (hot.available, args.units);
        return Err(format!(
            "{hot_sku} has {available} units available, not {units}: start from fresh stock, or \
             give --units {available}"
        ));
    }
    Ok(offered)
}

/// Everything from the first shopper to the last reading. Returns the number of second calls.
async fn play(
    args: &Args,
    sale: &Arc<Sale>,
    skus: &[String],
    history: &mut History,
) -> Result<u32, String> {
    let storm = Storm::start(args, sale).await?;
    let (second_calls, shoppers) = sell(args, sale, history).await;
    if let Some(storm) = storm {
        history.records = Some(storm.end(args, sale).await?);
    }
    history.visits = audit(shoppers).await;
    (history.ended, history.after) = settle(sale, skus, history, args.settle_s).await;
    Ok(second_calls)
}

/// Everything that shoppers and staff do. Returns the number of second calls, and the shoppers.
async fn sell(args: &Args, sale: &Arc<Sale>, history: &mut History) -> (u32, Vec<Shopper>) {
    let others = history.before.keys().filter(|sku| **sku != args.hot_sku);
    let plans = plan::plan(&plan::Settings {
        seed: args.seed,
        shoppers: args.shoppers,
        rush: args.rush_s,
        hot_sku: &args.hot_sku,
        other_skus: &others.cloned().collect::<Vec<_>>(),
    });
    let shoppers = plans.into_iter();
    let shoppers = shoppers.map(|plan| Shopper::new(Arc::clone(sale), plan));
    let skus = history.before.values().cloned().collect();
    let staff = args.mixed.then(|| Staff::start(sale, skus));
    let rush = shoppers.map(|mut shopper| async move {
        let comes_back = shopper.visit().await;
        (shopper, comes_back)
    });
    let (mut shoppers, mut waiting) = part(rush.collect()).await;
    let stock = history.stock_before(&args.hot_sku);
    let of_staff = || staff.as_ref().map(Staff::taken).unwrap_or_default();
    let mut calls = second_calls(sale, &mut shoppers, &mut waiting, stock, of_staff).await;
    if let Some(staff) = staff {
        let actions = staff.go_home().await;
        // The units that staff brought last are for those who still wait.
        let taken: Vec<Taken> = actions.iter().flat_map(taken::by_staff).collect();
        let of_staff = || taken.clone();
        calls += second_calls(sale, &mut shoppers, &mut waiting, stock, of_staff).await;
        history.staff = Some(history::Staff {
            actions,
            deadlocks: None,
        });
    }
    history.still_wanted = waiting.len();
    shoppers.extend(waiting);
    // Nobody else buys now, so the units that they cancel are still there when they pay.
    join_all(shoppers.iter_mut().map(Shopper::pay_last)).await;
    forge(&mut shoppers).await;
    (calls, shoppers)
}

/// Plays all of them at once. Returns the shoppers who are done, and those who would come back.
async fn part(mut playing: JoinSet<(Shopper, bool)>) -> (Vec<Shopper>, Vec<Shopper>) {
    let (mut done, mut waiting) = (vec![], vec![]);
    while let Some(played) = playing.join_next().await {
        // An error is a panic. It was printed, and the missing visit shows in the report.
        if let Ok((shopper, comes_back)) = played {
            if comes_back { &mut waiting } else { &mut done }.push(shopper);
        }
    }
    (done, waiting)
}

/// Waits until abandoned units are due, and lets the waiting shoppers have them; again while units
/// are free and somebody wants them. Returns how often.
async fn second_calls(
    sale: &Arc<Sale>,
    done: &mut Vec<Shopper>,
    waiting: &mut Vec<Shopper>,
    stock: i64,
    of_staff: impl Fn() -> Vec<Taken>,
) -> u32 {
    for calls in 0..CALLS_MAX {
        let visits = done.iter().map(Shopper::visit_so_far);
        let mut taken: Vec<Taken> = visits.flat_map(|visit| taken::by_shopper(&visit)).collect();
        taken.extend(of_staff());
        taken.retain(|one| one.sku == sale.hot_sku);
        let now = sale.api.now();
        let ends = taken.iter().map(|one| one.possible.1);
        if let Some(last) = ends.filter(|end| (now..now + SOON).contains(end)).max() {
            let wait = last + Duration::from_millis(200) - now;
            sale.api.pause(wait).await;
        }
        let now = sale.api.now();
        let taken = taken.iter().filter(|one| one.possibly_within(now, now));
        let taken: i64 = taken.map(|one| one.units).sum();
        if taken >= stock || waiting.is_empty() || sale.api.out_of_time() {
            return calls;
        }
        let again = waiting.drain(..).map(|mut shopper| async move {
            let refused = shopper.try_to_buy().await;
            (shopper, refused)
        });
        let (served, still_waiting) = part(again.collect()).await;
        done.extend(served);
        *waiting = still_waiting;
    }
    CALLS_MAX
}

/// Forged webhooks for an order that must stay as it is; for an unpaid one if there is any.
async fn forge(shoppers: &mut [Shopper]) {
    let ordered = shoppers.iter_mut().filter(|s| s.last_order().is_some());
    if let Some(shopper) = ordered.max_by_key(|s| s.plan.ending == Ending::DropOut) {
        shopper.forge().await;
    }
}

/// Lets all shoppers read again what they were promised.
async fn audit(shoppers: Vec<Shopper>) -> Vec<history::Visit> {
    let read = futures_util::stream::iter(shoppers.into_iter().map(|mut shopper| async move {
        shopper.audit().await;
        shopper.visit_so_far()
    }));
    let mut visits: Vec<_> = read.buffer_unordered(AUDITS_AT_ONCE).collect().await;
    visits.sort_by_key(|visit| visit.number);
    visits
}

/// Waits, within the bound, until every unit that nobody holds any more is available again.
/// Returns the available units then; none when the deployment does not answer any more, which the
/// requests before have shown too.
async fn settle(
    sale: &Sale,
    skus: &[String],
    history: &History,
    bound: Duration,
) -> (When, BTreeMap<String, i64>) {
    let taken = taken::in_run(history);
    let until = sale.api.now() + bound;
    loop {
        let (when, answer) = sale.api.availability(skus).await;
        let Answer::Done(page) = answer else {
            return (when, BTreeMap::new());
        };
        let after = page.skus.into_iter().map(|sku| (sku.sku, sku.available));
        let after: BTreeMap<String, i64> = after.collect();
        let settled = after.iter().all(|(sku, after)| {
            let of_sku = taken.iter().filter(|one| one.sku == *sku);
            let live = of_sku.filter(|one| one.possibly_within(when.sent, when.got));
            let taken: i64 = live.map(|one| one.units).sum();
            *after >= history.stock_before(sku) - taken
        });
        let soon = when.sent..when.sent + SOON;
        let coming = taken.iter().any(|one| soon.contains(&one.possible.1));
        if (settled && !coming) || sale.api.now() >= until || sale.api.out_of_time() {
            return (when, after);
        }
        sale.api.pause(Duration::from_millis(500)).await;
    }
}

/// The database's own check. If it can't be made, after a few tries, that is a violation.
async fn check(
    mut database: Database,
    skus: &[String],
    hot_sku: &str,
) -> (DatabaseCheck, Option<i64>) {
    // The edit by hand locks a row for a moment: not the hot one, if there is another.
    let sku = skus.iter().find(|sku| *sku != hot_sku);
    let sku = sku.map_or(hot_sku, String::as_str);
    let mut reason = String::new();
    for _ in 0..CHECKS_MAX {
        match database.check(sku).await {
            Ok(check) => return (check, database.deadlocks().await.ok()),
            Err(error) => reason = error.into(),
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let violation = ("the check could not be made".to_owned(), reason);
    let check = DatabaseCheck {
        violations: vec![violation],
        stale_edit_refused: None,
    };
    (check, None)
}
