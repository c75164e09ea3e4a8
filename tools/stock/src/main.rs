//! A stock clerk's command line: imports a file into a shop, exports a shop into a file. However
//! long the file is, one part of it is in memory.

mod api;
mod args;
mod cut;
mod export;
mod identity;
mod import;
mod report;

use std::process::ExitCode;

use anstream::eprintln;
use clap::Parser as _;

use crate::args::{Cli, Command};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let done = match &Cli::parse().command {
        Command::Import(args) => import::run(args).await,
        Command::Export(args) => export::run(args).await.map(|()| true),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("holdfast-stock: {error}");
            ExitCode::from(2)
        }
    }
}
