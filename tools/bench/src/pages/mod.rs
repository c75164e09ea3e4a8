//! `holdfast bench --pages`: the time in which the console answers each page.
//!
//! It makes the database of `--growth`, and asks the console's router in this process for every
//! page and live part of the shop that has nearly everything. The time is that of the function:
//! from the request to the last byte, with every round trip to the database, and without Lambda
//! and network.

mod console;
mod list;
mod watchers;

use crate::figures::{median, percentile, progress};
use crate::server::Failed;
use crate::visitor::Visitor;
use console::Console;

pub use list::{PAGES, Page, WITHOUT_DATABASE};

/// Rounds that are not counted. In the first five calls of a session PostgreSQL plans each
/// statement of a routine anew.
const UNCOUNTED: usize = 6;

/// What was measured of a page.
#[derive(Debug)]
pub struct Measured {
    pub page: &'static Page,
    /// The path that was asked for.
    pub path: String,
    pub status: u16,
    /// Bytes of the answer.
    pub bytes: usize,
    /// Milliseconds of each request.
    pub times: Vec<f64>,
}

impl Measured {
    /// Whether it answered as its page answers.
    #[must_use]
    pub fn is_right(&self) -> bool {
        self.status == self.page.status
    }
}

/// What to measure.
pub(crate) struct Options {
    pub(crate) orders: u32,
    /// Requests of each page, in turns.
    pub(crate) times: u32,
    /// Milliseconds that the slower ones of a page may take.
    pub(crate) within_ms: Option<u32>,
    /// Browsers that watch the sale afterwards.
    pub(crate) watchers: Option<u32>,
}

/// Measures, and prints a table. Returns whether every page stayed within the bar.
pub(crate) async fn run(options: &Options) -> Result<bool, Failed> {
    progress("making the database");
    let console = Console::start(options.orders).await?;
    let all = measure(&console, options.times).await?;
    progress("");
    println!(
        "Server time of each page at {} orders, in ms, of {} requests in turns\n",
        options.orders, options.times
    );
    println!(
        "  {:<66}{:>9}{:>9}{:>9}{:>9}{:>6}",
        "", "fastest", "median", "p95", "slowest", "kB"
    );
    for one in &all {
        let [fastest, p95, slowest] = [0, 95, 100].map(|part| percentile(&one.times, part));
        println!(
            "  {:<66}{fastest:>9.1}{:>9.1}{p95:>9.1}{slowest:>9.1}{:>6}",
            name(one.page),
            median(&one.times),
            kilobytes(one.bytes)
        );
    }
    let wrong: Vec<&Measured> = all.iter().filter(|one| !one.is_right()).collect();
    for one in &wrong {
        println!("\n{} answered {}", one.path, one.status);
    }
    let bar = options.within_ms.map(f64::from);
    let is_over = |one: &&Measured| bar.is_some_and(|bar| percentile(&one.times, 95) > bar);
    let over: Vec<&Measured> = all.iter().filter(is_over).collect();
    for one in &over {
        println!("\nThe p95 of {} is over the bar", name(one.page));
    }
    if let Some(watchers) = options.watchers {
        watchers::run(&console, watchers).await?;
    }
    Ok(wrong.is_empty() && over.is_empty())
}

/// Reads every page once, in a database of so many orders.
///
/// # Errors
/// When the database can't be made, or the console can't be asked.
pub async fn read(orders: u32) -> Result<Vec<Measured>, Failed> {
    let console = Console::start(orders).await?;
    measure(&console, 1).await
}

/// The route below the shop, and what is special.
fn name(page: &Page) -> String {
    let route = page.route.trim_start_matches("/console/{shop}");
    match page.about {
        "" => route.to_owned(),
        about => format!("{route}: {about}"),
    }
}

fn kilobytes(bytes: usize) -> usize {
    bytes.div_ceil(1024)
}

/// Asks for every page so often. The pages take turns.
async fn measure(console: &Console, times: u32) -> Result<Vec<Measured>, Failed> {
    let visitor = console.visitor()?;
    let mut all = Vec::new();
    for (page, path) in PAGES.iter().zip(&console.paths) {
        progress(&format!("looking for {path}"));
        all.push(Measured {
            page,
            path: older(&visitor, path, page.older).await?,
            status: 0,
            bytes: 0,
            times: Vec::new(),
        });
    }
    for round in 0..UNCOUNTED + usize::try_from(times)? {
        progress(&format!("round {round}"));
        for one in &mut all {
            let seen = visitor.get(&one.path, &[]).await?;
            one.status = seen.status;
            one.bytes = seen.text.len();
            if round >= UNCOUNTED {
                one.times.push(seen.took.as_secs_f64() * 1000.0);
            }
        }
    }
    Ok(all)
}

/// The path of a page so many pages back, or of the last one.
async fn older(visitor: &Visitor, path: &str, pages: usize) -> Result<String, Failed> {
    let mut place = path.to_owned();
    for _ in 0..pages {
        let seen = visitor.get(&place, &[]).await?;
        let Some((_, link)) = seen.text.split_once("cursor=") else {
            break;
        };
        let is_base64 = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let cursor = link.split(|c| !is_base64(c)).next().unwrap_or_default();
        let mark = if path.contains('?') { '&' } else { '?' };
        place = format!("{path}{mark}cursor={cursor}");
    }
    Ok(place)
}
