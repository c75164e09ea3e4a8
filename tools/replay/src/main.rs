//! Drives payment events once more: those that lie in the dead-letter queue, and any that is
//! stored. Applying an event again is harmless: what has had its effect has no second one.

mod args;
mod dead_letters;
mod event;

use std::process::ExitCode;

use clap::Parser as _;

use crate::args::{Cli, Command};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let done = match &Cli::parse().command {
        Command::DeadLetters(args) => dead_letters::run(args).await,
        Command::Event(args) => event::run(args).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("holdfast-replay: {error}");
            ExitCode::from(2)
        }
    }
}
