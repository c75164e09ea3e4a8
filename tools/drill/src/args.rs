//! The command line.

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::builder::RangedU64ValueParser;
use clap::{ArgGroup, Parser};

/// Rehearses a flash sale against a running deployment, and says of each promise whether it held.
///
/// Exit code: 0 no promise failed, 1 a promise or an expectation failed, 2 the rehearsal could not
/// run.
#[derive(Clone, Debug, Parser)]
#[command(group = ArgGroup::new("clerk").multiple(true))]
pub struct Args {
    /// URL of the checkout API, without /v1
    #[arg(long, env = "HOLDFAST_API", value_name = "URL", value_parser = parse_url)]
    pub(crate) api: String,
    /// URL of the webhook function, without /v1
    #[arg(long, env = "HOLDFAST_WEBHOOK", value_name = "URL", value_parser = parse_url)]
    pub(crate) webhook: String,
    /// The shop's Cashfree client secret
    #[arg(
        long,
        env = "HOLDFAST_WEBHOOK_SECRET",
        hide_env_values = true,
        value_name = "S"
    )]
    pub(crate) webhook_secret: String,
    /// The shop that sells
    #[arg(long, default_value = "dress")]
    pub(crate) shop: String,
    /// Another shop of the deployment, for requests on the wrong path [default: the first other one
    /// in --database, or none]
    #[arg(long, value_name = "SHOP")]
    pub(crate) other_shop: Option<String>,
    /// The sku that every shopper wants
    #[arg(long, value_name = "SKU")]
    pub(crate) hot_sku: String,
    /// Other skus for carts [default: the best stocked ones in --database, or none]
    #[arg(
        long,
        visible_alias = "other-skus",
        value_name = "A,B,C",
        value_delimiter = ','
    )]
    pub(crate) skus: Vec<String>,
    /// How many shoppers come
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) shoppers: u32,
    /// Available units of the hot sku; the drill refuses a deployment with another number
    #[arg(long, default_value_t = 100)]
    pub(crate) units: u32,
    /// Every random decision derives from it: the same seed plays the same plan
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Part of every id, so that two runs on one deployment don't collide [default: from the time]
    #[arg(long, value_name = "ID", value_parser = parse_run_id)]
    pub(crate) run_id: Option<String>,
    /// The shoppers arrive within this many seconds
    #[arg(long, default_value = "2", value_name = "SECONDS", value_parser = parse_seconds)]
    pub(crate) rush_s: Duration,
    /// How long an abandoned cart is held, in seconds
    #[arg(long, default_value_t = 5, value_name = "SECONDS",
        value_parser = RangedU64ValueParser::<u32>::new().range(1..=600))]
    pub(crate) hold_s: u32,
    /// How long to wait for payments to end, and then for abandoned stock to come back, in seconds
    #[arg(long, default_value = "90", value_name = "SECONDS", value_parser = parse_seconds)]
    pub(crate) settle_s: Duration,
    /// The longest the whole run may take, in seconds
    #[arg(long, default_value = "600", value_name = "SECONDS", value_parser = parse_seconds)]
    pub(crate) timeout: Duration,
    /// The deployment's database (as its owner), to read the counters and run its own check
    #[arg(
        long,
        env = "HOLDFAST_DATABASE",
        hide_env_values = true,
        value_name = "URL"
    )]
    pub(crate) database: Option<String>,
    /// Staff work beside the shoppers: edits of stock, imports, bookings, returns, shrinkage
    #[arg(long, requires = "clerk")]
    pub(crate) mixed: bool,
    /// A clerk's token for the stock office's API, for --mixed
    #[arg(
        long,
        env = "HOLDFAST_ADMIN_TOKEN",
        hide_env_values = true,
        value_name = "TOKEN",
        group = "clerk"
    )]
    pub(crate) admin_token: Option<String>,
    /// Sign as the AWS identity of the environment, for this region: shoppers' calls, and a clerk's
    /// without a token [default: on API Gateway's URL, if there is such an identity]
    #[arg(
        long,
        env = "HOLDFAST_AWS_REGION",
        value_name = "REGION",
        group = "clerk"
    )]
    pub(crate) aws_region: Option<String>,
    /// URL of the simulated gateways (HOLDFAST_GATEWAYS of `holdfast up --run`), where shoppers pay
    #[arg(long, value_name = "URL", value_parser = parse_url, requires = "database")]
    pub(crate) gateways: Option<String>,
    /// How many in a hundred webhooks of the gateways never arrive
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(0..=100))]
    pub(crate) lost_percent: u32,
    /// How many copies the gateways send of each other webhook
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(0..=9))]
    pub(crate) duplicates: u32,
    /// How long each gateway in turn fails, in seconds
    #[arg(long, default_value = "0", value_name = "SECONDS", value_parser = parse_seconds)]
    pub(crate) gateway_down_s: Duration,
    /// URL of the local stack's control API (HOLDFAST_LOCAL of `holdfast up --run`)
    #[arg(long, value_name = "URL", value_parser = parse_url)]
    pub(crate) local: Option<String>,
    /// How long the database is stopped in the middle of the rush, in seconds
    #[arg(long, default_value = "0", value_name = "SECONDS", value_parser = parse_seconds,
        requires = "local", requires = "gateways")]
    pub(crate) database_down_s: Duration,
    /// Print no progress
    #[arg(long)]
    pub(crate) quiet: bool,
    /// The folder for report.json and report.html
    #[arg(long, default_value = "report", value_name = "DIR")]
    pub(crate) out: PathBuf,
}

/// How long a client repeats one request.
const REPEAT_MAX: Duration = Duration::from_secs(60);

impl Args {
    /// How long a client repeats one request: longer than a planned outage.
    pub(crate) fn repeat_max(&self) -> Duration {
        REPEAT_MAX + self.database_down_s
    }

    /// The id of this run; by default the seconds since 1970, in hexadecimal digits.
    pub(crate) fn run_id(&self) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.unwrap_or_default().as_secs();
        self.run_id.clone().unwrap_or_else(|| format!("{now:x}"))
    }
}

fn parse_url(text: &str) -> Result<String, String> {
    if text.starts_with("http://") || text.starts_with("https://") {
        Ok(text.to_owned())
    } else {
        Err("must start with http:// or https://".to_owned())
    }
}

fn parse_seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text
        .parse()
        .map_err(|_| "not a number of seconds".to_owned())?;
    if !(0.0..=86_400.0).contains(&seconds) {
        return Err("must be between 0 and 86400".to_owned());
    }
    Ok(Duration::from_secs_f64(seconds))
}

/// It becomes part of customer names, so it is plain and short.
fn parse_run_id(text: &str) -> Result<String, String> {
    let plain = text
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    if plain && (1..=20).contains(&text.len()) {
        Ok(text.to_owned())
    } else {
        Err("must be 1 to 20 of a-z and 0-9".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn a_mixed_run_without_a_token_says_which_flag_is_missing() {
        let args = "drill --api http://a --webhook http://w --webhook-secret s --hot-sku H --mixed";
        let mixed = args.split(' ');
        let error = Args::try_parse_from(mixed.clone()).unwrap_err().to_string();
        assert!(error.contains("--admin-token <TOKEN>"), "{error}");
        for clerk in [["--admin-token", "t"], ["--aws-region", "eu-west-1"]] {
            let called = mixed.clone().chain(clerk);
            assert!(Args::try_parse_from(called).unwrap().mixed);
        }
    }
}
