//! `holdfast bench --growth`: what each statement of each routine reads in a database of years.
//!
//! It makes a database of a million orders by SQL, calls every routine that a function may call, as
//! that function's role, and has PostgreSQL explain every statement inside. A statement that reads
//! more buffers than its bound fails the run. Buffers, and not milliseconds: they are the same on a
//! busy machine.

mod cases;
mod session;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use local::postgres::{Cluster, ClusterOptions, SUPERUSER};
use local::roles::{ADMIN, CHECKOUT, CONSOLE, PAYMENTS, SWEEPER};
use tokio_postgres::{Client, NoTls};

use crate::figures::progress;
use crate::server::Failed;
use cases::Case;
pub(crate) use cases::Examples;
use session::{Explained, Session};

/// Buffers of 8 kB that a statement may read. Looking up one row by an index takes 4; a page of 500
/// rows takes hundreds. What grows with a shop's history goes far beyond.
pub const BUFFERS_MAX: u64 = 1_000;
/// Orders of the database, unless the caller says otherwise.
pub const ORDERS: u32 = 1_000_000;

const DATABASE: &str = "postgres";
/// The largest statements of a call that are kept.
const KEPT_MAX: usize = 20;
/// The roles of functions, in the order in which a case prefers them.
const ROLES: [&str; 5] = [CHECKOUT, PAYMENTS, SWEEPER, ADMIN, CONSOLE];

/// How the planner knows the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// Fresh statistics; a plan for each call's values.
    Custom,
    /// Fresh statistics; one plan for all values, as in a session that lives long.
    Generic,
    /// No statistics, as in the first minute of a shop's first sale.
    Blind,
}

impl Pass {
    const ALL: [Self; 3] = [Self::Custom, Self::Generic, Self::Blind];

    fn name(self) -> &'static str {
        match self {
            Self::Custom => "custom",
            Self::Generic => "generic",
            Self::Blind => "blind",
        }
    }

    fn options(self) -> &'static str {
        match self {
            Self::Custom | Self::Blind => "",
            Self::Generic => "set plan_cache_mode = force_generic_plan",
        }
    }
}

/// One call of one case.
#[derive(Debug)]
pub struct Measured {
    pub case: String,
    pub pass: Pass,
    /// Statements inside the routine, and inside the routines that it calls.
    pub statements: usize,
    /// Buffers that the largest of them read.
    pub buffers: u64,
    /// The bound of this case.
    pub bound: u64,
    /// The slowest of them. Explaining makes it slower.
    pub milliseconds: f64,
    /// The largest statement, shortened.
    pub statement: String,
}

impl Measured {
    /// Whether a statement read too much.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.buffers > self.bound
    }
}

/// Runs it with so many orders, keeps the plans in `folder`, and prints a table. Returns whether
/// every statement stayed within its bound.
pub(crate) async fn run(orders: u32, folder: &Path) -> Result<bool, Failed> {
    progress("making the database");
    let all = measure(orders, Some(folder)).await?;
    progress("");
    println!("Buffers that the largest statement of each call read, at {orders} orders\n");
    println!(
        "  {:<58}{:>10}{:>10}{:>10}{:>10}{:>10}",
        "", "custom", "generic", "blind", "bound", "ms"
    );
    for passes in all.chunk_by(|one, next| one.case == next.case) {
        let buffers = |pass: Pass| {
            let of = passes.iter().find(|one| one.pass == pass);
            of.map_or(0, |one| one.buffers)
        };
        let slowest = passes.iter().map(|one| one.milliseconds);
        println!(
            "  {:<58}{:>10}{:>10}{:>10}{:>10}{:>10.1}",
            passes[0].case,
            buffers(Pass::Custom),
            buffers(Pass::Generic),
            buffers(Pass::Blind),
            passes[0].bound,
            slowest.fold(0.0, f64::max)
        );
    }
    let over: Vec<&Measured> = all.iter().filter(|one| one.is_over()).collect();
    for one in &over {
        println!(
            "\n{}, {}: {} buffers, at most {}\n  {}",
            one.case,
            one.pass.name(),
            one.buffers,
            one.bound,
            one.statement
        );
    }
    println!("\nThe plans are in {}", folder.display());
    Ok(over.is_empty())
}

/// Makes a database of so many orders, and measures every case in every pass.
///
/// # Errors
/// When a case fails, or a routine that a function may call has none.
pub async fn measure(orders: u32, folder: Option<&Path>) -> Result<Vec<Measured>, Failed> {
    let cases = cases::all()?;
    let (cluster, owner) = start(&EXPLAIN).await?;
    let rights = rights(&owner).await?;
    if let Some(routine) = rights
        .iter()
        .map(|(routine, _)| routine)
        .find(|routine| !cases.iter().any(|case| case.routine == **routine))
    {
        return Err(format!("tools/bench/growth/cases has no case of {routine}").into());
    }
    let mut examples = fill(&owner, orders).await?;
    for role in ROLES {
        let explain = format!("alter role {role} set auto_explain.log_min_duration = 0");
        owner.batch_execute(&explain).await?;
    }
    let mut all = Vec::new();
    for pass in Pass::ALL {
        if pass == Pass::Blind {
            owner.batch_execute(FORGET_STATISTICS).await?;
        }
        let mut sessions = Vec::new();
        for role in ROLES {
            let session = Session::open(&cluster.url(role, DATABASE), pass.options()).await?;
            sessions.push((role, session));
        }
        for case in &cases {
            if pass == Pass::Blind && case.needs_statistics {
                continue;
            }
            progress(&format!("{}: {}", pass.name(), case.name));
            let (_, session) = sessions
                .iter_mut()
                .find(|(role, _)| rights.contains(&(case.routine.clone(), (*role).to_owned())))
                .ok_or_else(|| format!("no function may call {}", case.routine))?;
            // The first call fills the session's caches, as all earlier calls of a function do.
            call(&owner, session, case, &mut examples).await?;
            let explained = call(&owner, session, case, &mut examples).await?;
            if let Some(folder) = folder {
                keep(folder, pass, case, &explained)?;
            }
            all.push(measured(case, pass, &explained));
        }
    }
    all.sort_by_key(|one| cases.iter().position(|case| case.name == one.case));
    Ok(all)
}

/// As on a table that autovacuum has not seen yet.
const FORGET_STATISTICS: &str = "
    set allow_system_table_mods = on;
    delete from pg_statistic where starelid in (
        select oid from pg_class where relnamespace = 'holdfast'::regnamespace);
    update pg_class set reltuples = -1, relpages = 0, relallvisible = 0
    where relnamespace = 'holdfast'::regnamespace;
    reset allow_system_table_mods";

/// What explains every statement, to the client, who knows which call it was.
const EXPLAIN: [(&str, &str); 7] = [
    ("shared_preload_libraries", "auto_explain"),
    ("auto_explain.log_nested_statements", "on"),
    ("auto_explain.log_analyze", "on"),
    ("auto_explain.log_buffers", "on"),
    ("auto_explain.log_timing", "off"),
    ("auto_explain.log_format", "json"),
    ("auto_explain.log_level", "notice"),
];

/// Starts a server with these settings and with Holdfast's schema.
pub(crate) async fn start(more: &[(&str, &str)]) -> Result<(Cluster, Client), Failed> {
    let usual = [
        // it would bring the statistics back
        ("autovacuum", "off"),
        ("fsync", "off"),
        ("shared_buffers", "1GB"),
        ("work_mem", "64MB"),
        ("maintenance_work_mem", "256MB"),
        ("max_wal_size", "8GB"),
        ("checkpoint_timeout", "30min"),
    ];
    let all = usual.iter().chain(more);
    let cluster = Cluster::start(ClusterOptions {
        settings: all
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect(),
        ..ClusterOptions::default()
    })?;
    let mut owner = connect(&cluster).await?;
    holdfast_migrate::run(&mut owner).await?;
    Ok((cluster, owner))
}

/// Makes so many orders and everything that belongs to them. Returns examples of them.
pub(crate) async fn fill(owner: &Client, orders: u32) -> Result<Examples, Failed> {
    let data = include_str!("../../growth/data.sql");
    owner
        .batch_execute(&format!("set growth.orders = {orders}; {data}"))
        .await?;
    owner.batch_execute("vacuum analyze").await?;
    owner
        .batch_execute(include_str!("../../growth/examples.sql"))
        .await?;
    Examples::read(owner).await
}

async fn connect(cluster: &Cluster) -> Result<Client, Failed> {
    let url = cluster.url(SUPERUSER, DATABASE);
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// (routine, role): the role of a function may call the routine.
async fn rights(owner: &Client) -> Result<BTreeSet<(String, String)>, Failed> {
    let query = "
        select p.proname::text, a.grantee::regrole::text
        from pg_proc p, aclexplode(p.proacl) a
        where p.pronamespace = 'holdfast'::regnamespace and a.grantee::regrole::text = any ($1)";
    let rows = owner.query(query, &[&ROLES.as_slice()]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

async fn call(
    owner: &Client,
    session: &mut Session,
    case: &Case,
    examples: &mut Examples,
) -> Result<Vec<Explained>, Failed> {
    let filled = examples.fill(case)?;
    for first in &filled.first {
        owner
            .batch_execute(first)
            .await
            .map_err(|error| format!("{}: {}", case.name, operations::cause::causes(&error)))?;
    }
    let explained = session.call(&filled.sql, case.rolled_back).await;
    explained.map_err(|error| format!("{}: {error}\n{}", case.name, filled.sql).into())
}

fn measured(case: &Case, pass: Pass, explained: &[Explained]) -> Measured {
    let largest = explained.iter().max_by_key(|one| one.buffers);
    let statement = largest.map_or("", |one| one.statement.as_str());
    Measured {
        case: case.name.clone(),
        pass,
        statements: explained.len(),
        buffers: largest.map_or(0, |one| one.buffers),
        bound: case.bound.unwrap_or(BUFFERS_MAX),
        milliseconds: explained
            .iter()
            .map(|one| one.milliseconds)
            .fold(0.0, f64::max),
        statement: statement.split_whitespace().collect::<Vec<_>>().join(" "),
    }
}

/// Writes the plans of a call's largest statements.
fn keep(folder: &Path, pass: Pass, case: &Case, explained: &[Explained]) -> Result<(), Failed> {
    let mut largest: Vec<&Explained> = explained.iter().collect();
    largest.sort_by_key(|one| std::cmp::Reverse(one.buffers));
    largest.truncate(KEPT_MAX);
    let plans: Vec<_> = largest.iter().map(|one| &one.plan).collect();
    let folder = folder.join(pass.name());
    fs::create_dir_all(&folder)?;
    let name: String = case
        .name
        .chars()
        .map(|c| if c.is_alphanumeric() { c } else { '_' })
        .collect();
    let file: PathBuf = folder.join(format!("{name}.json"));
    fs::write(file, serde_json::to_vec_pretty(&plans)?)?;
    Ok(())
}
