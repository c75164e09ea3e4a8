//! `holdfast drill`: a flash sale, rehearsed against any deployment by its URLs. See README.md.
//! `holdfast rush`: its first second, with thousands of shoppers.

mod answers;
mod api;
mod args;
mod checks;
mod control;
mod database;
#[cfg(test)]
mod examples;
mod history;
mod meters;
mod plan;
mod progress;
mod promises;
mod random;
mod records;
mod report;
pub mod rush;
mod sale;
mod shopper;
mod staff;
mod storm;
mod taken;
mod timetable;
mod watch;

pub use args::Args;

/// Runs the rehearsal, prints its summary and writes its report. Returns whether no promise failed.
///
/// # Errors
/// When the rehearsal could not run.
pub async fn run(args: &Args) -> Result<bool, String> {
    let run = timetable::run(args).await?;
    let (summary, passed) = report::write(args, &run)?;
    println!("{summary}");
    Ok(passed)
}
