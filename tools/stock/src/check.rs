//! The check of all promises: page after page, for a limited time.

use std::time::{Duration, Instant};

use anstream::{eprintln, println};
use serde::Deserialize;
use serde_json::Value;

use crate::api::Api;
use crate::args;

/// Violations of one page at most. Without any, a page checks 2,000 subjects.
const PAGE_VIOLATIONS: u32 = 500;
/// Pages between two lines of progress.
const PROGRESS_PAGES: u32 = 20;

/// An answer of the API.
#[derive(Deserialize)]
struct Page {
    violations: Vec<Value>,
    next: Option<String>,
}

/// The page that begins after this cursor.
async fn page(api: &Api, from: Option<&str>) -> Result<Page, String> {
    let cursor = from.map_or_else(String::new, |from| format!("&cursor={from}"));
    let path = format!("promises?limit={PAGE_VIOLATIONS}{cursor}");
    api.get(&path).await?.json()
}

/// Prints every broken promise. Returns whether there is none; also when its time is up after it
/// has found one.
pub(crate) async fn run(args: &args::Check) -> Result<bool, String> {
    let api = Api::new(&args.target)?;
    let stop_at = Instant::now() + Duration::from_secs(args.minutes * 60);
    let mut from = args.from.clone();
    let (mut pages, mut broken) = (0_u32, 0);
    loop {
        let page = page(&api, from.as_deref()).await;
        let page = page.map_err(|error| match &from {
            Some(from) => format!("{error}; {broken} violations found; go on with --from {from}"),
            None => error,
        })?;
        pages += 1;
        broken += page.violations.len();
        for violation in &page.violations {
            println!("{violation}");
        }
        let Some(next) = page.next else { break };
        if Instant::now() >= stop_at {
            let unfinished = format!(
                "not finished: {pages} pages checked, {broken} violations found; \
                 go on with --from {next}"
            );
            if broken == 0 {
                return Err(unfinished);
            }
            eprintln!("{unfinished}");
            return Ok(false);
        }
        if pages.is_multiple_of(PROGRESS_PAGES) {
            eprintln!("checking: {pages} pages checked, {broken} violations found");
        }
        from = Some(next);
    }
    let all = if args.from.is_some() {
        "everything from there on"
    } else {
        "everything"
    };
    println!("{all} is checked: {broken} violations found");
    Ok(broken == 0)
}
