//! `holdfast drill`: a flash sale, rehearsed against any deployment by its URLs. See README.md.

mod answers;
mod api;
mod args;
mod books;
mod checks;
mod claims;
mod control;
mod history;
mod ledger;
mod meters;
#[cfg(test)]
mod mock;
mod plan;
mod progress;
mod promises;
mod random;
mod report;
mod run;
mod shopper;
mod staff;
mod stage;
mod storm;
#[cfg(test)]
mod testing;
mod watch;

use simulator::cashfree::webhook as cashfree;

pub use crate::args::Args;
use crate::promises::State;

/// Runs the rehearsal, prints its report and writes it. Returns whether every promise passed.
///
/// # Errors
/// When the rehearsal could not run.
pub async fn run(args: &Args) -> Result<bool, String> {
    let run = run::run(args).await?;
    let report = report::Report::new(args, &run);
    print!("{}", report::terminal(&report));
    let written = report::write(&report, &args.out);
    let files = written.map_err(|error| format!("{}: {error}", args.out.display()))?;
    println!("\n{files}");
    Ok(report
        .promises
        .iter()
        .all(|verdict| verdict.state != State::Broken))
}
