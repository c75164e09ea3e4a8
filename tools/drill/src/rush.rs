//! `holdfast rush`: many shoppers ask for one of a few pieces at the same moment, over HTTP.

use std::sync::Arc;
use std::time::Duration;

use clap::builder::RangedU64ValueParser;
use nix::sys::resource::{Resource, getrlimit};
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::answers::{Answer, Checkout, Line};
use crate::api::{Api, Target};
use crate::database::Database;
use crate::history::When;
use crate::meters::{Call, Meters};

/// The longest that the rush may take.
const RUSH_MAX: Duration = Duration::from_secs(120);
/// How long a shopper repeats a request that is not answered, or with 429 or 5xx: as long as people
/// wait.
const REPEAT_MAX: Duration = Duration::from_secs(30);
/// Files that this program has open besides the shoppers' sockets.
const OTHER_FILES: u64 = 100;
/// Wrong answers that are shown.
const SHOWN_MAX: usize = 5;

/// The options of `holdfast rush`.
///
/// Exit code: 0 exactly the pieces are held, everybody was answered and every promise holds; 1 it
/// is otherwise; 2 the rush could not run.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Example:
  holdfast up --concurrency 4 --requests-per-process 250 --hot-units 100 --run 'holdfast rush'")]
pub struct Args {
    /// URL of the checkout API, without /v1
    #[arg(long, env = "HOLDFAST_API", value_name = "URL")]
    api: String,
    /// The deployment's database (as its owner), to read the counters and run its own check
    #[arg(
        long,
        env = "HOLDFAST_DATABASE",
        hide_env_values = true,
        value_name = "URL"
    )]
    database: String,
    /// The shop that sells
    #[arg(long, default_value = "dress")]
    shop: String,
    /// The sku that every shopper wants
    #[arg(long, value_name = "SKU", default_value = "LEHENGA-RED-M")]
    sku: String,
    /// Shoppers at once; each is a socket, so the limit of open files must be higher
    #[arg(long, value_name = "N", default_value_t = 10_000,
          value_parser = RangedU64ValueParser::<u32>::new().range(1..=50_000))]
    shoppers: u32,
}

/// A shopper's answer, and when it came.
type Ended = (When, Answer<Checkout>);

/// Sends the shoppers, prints when they were answered, and checks the end. Returns whether it is
/// exact.
///
/// # Errors
/// When the rush could not run.
pub async fn run(args: &Args) -> Result<bool, String> {
    enough_files(args.shoppers)?;
    let target = Target {
        api: &args.api,
        webhooks: &args.api,
        shop: &args.shop,
        admin_token: None,
        aws_region: None,
        timeout: RUSH_MAX,
        repeat_max: REPEAT_MAX,
    };
    let api = Api::to(&target).map_err(|error| format!("no HTTP client: {error}"))?;
    let mut database = Database::connect(&args.database, &args.shop).await?;
    let before = level(&mut database, &args.sku).await?;
    let pieces = before.0 - before.1;
    if pieces < 1 || pieces > i64::from(args.shoppers) {
        return Err(format!("{pieces} pieces of {} are no rush", args.sku));
    }
    let api = Arc::new(api);
    let ended = all(Arc::clone(&api), args).await;
    println!("{}", summary(pieces, &ended));
    println!("{}", repeated(&api.meters));
    let after = level(&mut database, &args.sku).await?;
    let mut wrong = wrong(pieces, &ended);
    if after != (before.0, before.1 + pieces) {
        wrong.push(format!(
            "the database has {after:?} on hand and held, before {before:?}"
        ));
    }
    let check = database.check(&args.sku).await?;
    wrong.extend(check.violations.iter().map(|it| format!("{it:?}")));
    if wrong.is_empty() {
        println!("  ✓ exactly {pieces} are held, everybody is answered, every promise holds");
    }
    for line in &wrong {
        println!("  ✗ {line}");
    }
    Ok(wrong.is_empty())
}

/// `holdfast` has raised its limit of open files to what it may.
fn enough_files(shoppers: u32) -> Result<(), String> {
    let needed = u64::from(shoppers) + OTHER_FILES;
    match getrlimit(Resource::RLIMIT_NOFILE) {
        Ok((limit, _)) if limit < needed => Err(format!(
            "{shoppers} shoppers need {needed} open files, and the limit is {limit}: raise the \
             hard limit (`ulimit -Hn`), or send fewer"
        )),
        _ => Ok(()),
    }
}

/// The units on hand and held.
async fn level(database: &mut Database, sku: &str) -> Result<(i64, i64), String> {
    let levels = database.levels(&[sku.to_owned()]).await?;
    let level = levels.get(sku).copied();
    level.ok_or_else(|| format!("the shop has no sku {sku}"))
}

/// Each shopper is a customer of its own, and waits for all others before it asks.
async fn all(api: Arc<Api>, args: &Args) -> Vec<Ended> {
    let start = Arc::new(Barrier::new(args.shoppers as usize));
    let run = Uuid::new_v4().simple();
    let mut shoppers = JoinSet::new();
    for number in 0..args.shoppers {
        let (api, start) = (Arc::clone(&api), Arc::clone(&start));
        let customer = format!("rush-{run}-{number}");
        let cart = [Line::new(&args.sku, 1)];
        shoppers.spawn(async move {
            start.wait().await;
            api.begin(Uuid::new_v4(), &customer, 1, None, &cart).await
        });
    }
    shoppers.join_all().await
}

fn held(ended: &[Ended]) -> usize {
    let held = |(_, answer): &&Ended| matches!(answer, Answer::Done(_));
    ended.iter().filter(held).count()
}

fn summary(pieces: i64, ended: &[Ended]) -> String {
    let (shoppers, held) = (ended.len(), held(ended));
    let short = |(_, answer): &&Ended| matches!(answer, Answer::Short(_));
    let short = ended.iter().filter(short).count();
    let again = ended.iter().filter(|(when, _)| when.attempts > 1).count();
    let began = ended.iter().map(|(when, _)| when.first_sent).min();
    let began = began.unwrap_or_default();
    let after = |(when, _): &Ended| when.got.saturating_sub(began);
    let mut after: Vec<Duration> = ended.iter().map(after).collect();
    after.sort_unstable();
    let after = |percent: usize| {
        let at = shoppers.saturating_sub(1) * percent / 100;
        after.get(at).map_or(0.0, Duration::as_secs_f64)
    };
    format!(
        "{shoppers} shoppers at once, {pieces} pieces: {held} held, {short} got none, {again} had \
         to ask again\n  half are answered after {:.2} s, 99 % after {:.2} s, all after {:.2} s",
        after(50),
        after(99),
        after(100),
    )
}

/// Why requests were repeated.
fn repeated(meters: &Meters) -> String {
    let begins = meters.all().remove(&Call::Begin).unwrap_or_default();
    format!(
        "  repeated after 429: {}, after 5xx: {}, after no answer: {}",
        begins.unavailable - begins.server_errors,
        begins.server_errors,
        begins.unanswered,
    )
}

/// What the answers have wrong.
fn wrong(pieces: i64, ended: &[Ended]) -> Vec<String> {
    let mut wrong = Vec::new();
    let held = held(ended);
    if i64::try_from(held) != Ok(pieces) {
        wrong.push(format!("{held} shoppers hold one of {pieces} pieces"));
    }
    let others: Vec<&Answer<Checkout>> = ended
        .iter()
        .map(|(_, answer)| answer)
        .filter(|answer| !matches!(answer, Answer::Done(_) | Answer::Short(_)))
        .collect();
    if !others.is_empty() {
        wrong.push(format!("{} shoppers got another answer", others.len()));
    }
    wrong.extend(others.iter().take(SHOWN_MAX).map(|it| format!("{it:?}")));
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(short: usize, others: &[Answer<Checkout>]) -> Vec<Ended> {
        let short = std::iter::repeat_n(Answer::Short(Vec::new()), short);
        let all = short.chain(others.iter().cloned());
        all.map(|answer| (When::default(), answer)).collect()
    }

    #[test]
    fn a_piece_that_nobody_holds_and_an_answer_that_is_missing_are_wrong() {
        assert_eq!(wrong(0, &answers(3, &[])), [] as [String; 0]);
        assert_eq!(wrong(1, &answers(3, &[])).len(), 1);
        let missing = [Answer::Missing("503".into())];
        assert_eq!(wrong(0, &answers(3, &missing)).len(), 2);
    }
}
