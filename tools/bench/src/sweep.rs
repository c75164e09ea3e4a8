//! The sweep: how fast due holds of one sku expire, and how long begins of that sku take beside it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use holdfast_migrate::Release;
use local::roles::SWEEPER;
use operations::db::{Database, DatabaseConfig};
use operations::sweep;

use crate::contestant::begin_script;
use crate::figures::{median, progress};
use crate::server::{Failed, Server};

/// Due checkouts of one line of the sku, one unit each.
const DUE: u32 = 100_000;
/// Shoppers at once, and the begins that they ask for in a second: a busy sale, and far less than
/// the most that the sku can sell. So the time of a begin is not that of a queue.
pub(crate) const SHOPPERS: u32 = 16;
const BEGINS_A_SECOND: u32 = 200;
/// Seconds of begins, without a sweep and from the start of one.
const BEGINS_S: u32 = 10;

/// Due checkouts as checkout_begin writes them.
const MAKE_DUE: &str = "
    truncate holdfast.checkouts, holdfast.holds cascade;
    set session_replication_role = replica;
    insert into holdfast.checkouts (shop, checkout_id, customer, revision, request_hash,
        expires_at, created_at)
    select 'main', gen_random_uuid(), 'c' || n, 1, '\\x00',
        now() - interval '1 hour' + n * interval '1 ms', now() - interval '2 hours'
    from generate_series(1, $due) n;
    insert into holdfast.holds (shop, checkout_id, generation, sku, quantity, price_minor,
        expires_at, created_at)
    select c.shop, c.checkout_id, 1, 'HOT', 1, 1000, c.expires_at, c.created_at
    from holdfast.checkouts c;
    update holdfast.stock_levels set held = case sku when 'HOT' then $due else 0 end,
        version = version + 1;
    reset session_replication_role";

/// One round of one version.
struct Round {
    due_a_second: f64,
    quiet_p99_ms: f64,
    swept_p99_ms: f64,
}

/// Measures this version, and `against` in turns with it: the folder of another version's routines.
pub(crate) async fn run(against: Option<&Path>, rounds: u32) -> Result<(), Failed> {
    let server = Server::start(false, None).await?;
    let this = Release::this().routines.into_iter().map(|file| file.text);
    let mut versions = vec![("this version", this.collect::<Vec<_>>())];
    if let Some(folder) = against {
        versions.push(("against", expiry_of(folder)?));
    }
    let mut measured: Vec<Vec<Round>> = versions.iter().map(|_| Vec::new()).collect();
    for number in 1..=rounds {
        for ((name, routines), of) in versions.iter().zip(&mut measured) {
            progress(&format!("round {number} of {rounds}: {name}"));
            // the other version's files replace some of this version's
            for text in versions[0].1.iter().chain(routines) {
                let as_owner = format!("set role holdfast_owner; {text}");
                server.cluster.execute("postgres", &as_owner)?;
            }
            of.push(round(&server).await?);
        }
    }
    progress("");
    println!(
        "{DUE} due holds of one sku, and {BEGINS_A_SECOND} begins a second of it; medians of \
         {rounds} rounds\n  {:<16}{:>16}{:>22}{:>22}",
        "", "due a second", "begins' p99, quiet", "begins' p99, swept"
    );
    for ((name, _), rounds) in versions.iter().zip(&measured) {
        let of = |value: fn(&Round) -> f64| median(&rounds.iter().map(value).collect::<Vec<_>>());
        println!(
            "  {name:<16}{:>16.0}{:>19.1} ms{:>19.1} ms",
            of(|round| round.due_a_second),
            of(|round| round.quiet_p99_ms),
            of(|round| round.swept_p99_ms)
        );
    }
    Ok(())
}

/// The routines of a version that expire checkouts.
fn expiry_of(folder: &Path) -> Result<Vec<String>, Failed> {
    let checkout = folder.join("checkout/internal");
    let files = ["end.sql", "give_back.sql", "expire.sql"].map(|name| checkout.join(name));
    let files = files.into_iter().chain([folder.join("sweep/expire.sql")]);
    let read = |file: PathBuf| {
        fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()).into())
    };
    files.map(read).collect()
}

async fn round(server: &Server) -> Result<Round, Failed> {
    let make_due = MAKE_DUE.replace("$due", &DUE.to_string());
    server.cluster.execute("postgres", &make_due)?;
    server.cluster.execute("postgres", "checkpoint")?;
    let quiet = begins(server, "postgres", BEGINS_S)?;
    let db = sweeper(server, "postgres")?;
    let sweeping = tokio::spawn(async move {
        let began = Instant::now();
        let mut expired = 0_u32;
        loop {
            let batch = sweep::expire(&db, "main", &[]).await?;
            expired += u32::try_from(batch.expired).unwrap_or(0);
            if batch.expired == 0 {
                let ended_at = SystemTime::now();
                return Ok::<_, operations::db::Failure>((expired, began.elapsed(), ended_at));
            }
        }
    });
    let mut swept = tokio::task::block_in_place(|| begins(server, "postgres", BEGINS_S))?;
    let (expired, took, ended_at) = sweeping.await??;
    let ended_us = ended_at.duration_since(UNIX_EPOCH)?.as_micros();
    swept.retain(|begin| begin.answered_us < ended_us);
    if expired != DUE {
        return Err(format!("{expired} of {DUE} due checkouts expired").into());
    }
    server.assert_promises_kept().await?;
    Ok(Round {
        due_a_second: f64::from(DUE) / took.as_secs_f64(),
        quiet_p99_ms: p99_ms(quiet)?,
        swept_p99_ms: p99_ms(swept)?,
    })
}

/// The pool of a sweeper.
pub(crate) fn sweeper(server: &Server, database: &str) -> Result<Database, Failed> {
    let url = server.cluster.url(SWEEPER, database);
    let config = DatabaseConfig::parse("bench", |name| match name {
        "DATABASE_URL" => Some(url.clone()),
        "DATABASE_TLS" => Some("off".to_owned()),
        _ => None,
    })?;
    Ok(Database::new(&config)?)
}

/// A begin, from pgbench's log.
pub(crate) struct Begin {
    waited_us: u32,
    answered_us: u128,
}

impl Begin {
    /// `client transaction microseconds script seconds microseconds`. The last two are the time of
    /// the answer. A failed call has a word as its third field.
    fn parse(line: &str) -> Option<Self> {
        let mut fields = line.split(' ').skip(2);
        let waited_us = fields.next()?.parse().ok()?;
        let mut answered_at = fields.skip(1);
        let seconds: u128 = answered_at.next()?.parse().ok()?;
        let micros: u128 = answered_at.next()?.parse().ok()?;
        Some(Self {
            waited_us,
            answered_us: seconds * 1_000_000 + micros,
        })
    }
}

/// Begins of the hot sku in a database, at a steady rate.
pub(crate) fn begins(server: &Server, database: &str, seconds: u32) -> Result<Vec<Begin>, Failed> {
    let log = server.folder().join("begins");
    server.run(
        server
            .pgbench_in(
                database,
                &begin_script(),
                &server.cluster.socket(),
                SHOPPERS,
            )?
            .arg(format!("--time={seconds}"))
            .arg(format!("--rate={BEGINS_A_SECOND}"))
            .arg("--log")
            .arg(format!("--log-prefix={}", log.display())),
    )?;
    let mut begins = Vec::new();
    for entry in fs::read_dir(server.folder())? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with("begins.") {
            for line in fs::read_to_string(entry.path())?.lines() {
                begins.push(Begin::parse(line).ok_or("pgbench's log has a call that failed")?);
            }
            fs::remove_file(entry.path())?;
        }
    }
    Ok(begins)
}

pub(crate) fn p99_ms(begins: Vec<Begin>) -> Result<f64, Failed> {
    let mut waited_us: Vec<u32> = begins.into_iter().map(|begin| begin.waited_us).collect();
    waited_us.sort_unstable();
    let at = waited_us.len().saturating_sub(1) * 99 / 100;
    let p99 = waited_us.get(at).ok_or("no begin was measured")?;
    Ok(f64::from(*p99) / 1_000.0)
}
