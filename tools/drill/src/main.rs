//! `holdfast-drill`: a flash sale, rehearsed against any deployment by its URLs. See README.md.

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

use std::process::ExitCode;

use clap::Parser;
use simulator::cashfree::webhook as cashfree;

use crate::args::Args;
use crate::promises::State;

const BROKEN: u8 = 1;
const COULD_NOT_RUN: u8 = 2;

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    match rehearse(&args).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(BROKEN),
        Err(reason) => {
            eprintln!("holdfast-drill: {reason}");
            ExitCode::from(COULD_NOT_RUN)
        }
    }
}

/// Runs, prints and writes the reports. Ok: whether every promise was kept.
async fn rehearse(args: &Args) -> Result<bool, String> {
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
