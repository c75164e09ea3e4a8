//! `holdfast stock`: imports a file into a shop, exports a shop into a file, checks a shop. However
//! long the file is, only one part of it is in memory.

pub mod api;
mod args;
mod check;
mod cut;
mod encoding;
mod export;
mod identity;
mod import;
mod report;
mod state;

pub use crate::args::Command;

/// Runs an import, an export or a check. Returns whether every row was accepted, or is right.
///
/// # Errors
/// When it could not finish; running it again goes on where it stopped.
pub async fn run(command: &Command) -> Result<bool, String> {
    match command {
        Command::Import(args) => import::run(args).await,
        Command::Export(args) => export::run(args).await.map(|()| true),
        Command::Check(args) => check::run(args).await,
    }
}
