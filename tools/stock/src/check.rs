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

/// Prints every broken promise. Returns whether there is none.
pub(crate) async fn run(args: &args::Check) -> Result<bool, String> {
    let api = Api::new(&args.target)?;
    let stop_at = Instant::now() + Duration::from_secs(args.minutes * 60);
    let mut from = args.from.clone();
    let (mut pages, mut broken) = (0_u32, 0);
    loop {
        let cursor = from.map_or_else(String::new, |from| format!("&cursor={from}"));
        let path = format!("promises?limit={PAGE_VIOLATIONS}{cursor}");
        let page: Page = api.get(&path).await?.json()?;
        pages += 1;
        broken += page.violations.len();
        for violation in &page.violations {
            println!("{violation}");
        }
        let Some(next) = page.next else { break };
        if Instant::now() >= stop_at {
            return Err(format!(
                "not finished: {pages} pages checked, {broken} violations found; \
                 go on with --from {next}"
            ));
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
