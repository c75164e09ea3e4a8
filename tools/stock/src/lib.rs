//! `holdfast stock`: imports a file into a shop, exports a shop into a file. However long the file
//! is, only one part of it is in memory.

pub mod api;
mod args;
mod cut;
mod export;
mod identity;
mod import;
mod report;
mod state;

pub use crate::args::Command;

/// Runs an import or an export. Returns whether every row was accepted.
///
/// # Errors
/// When it could not finish; running it again goes on where it stopped.
pub async fn run(command: &Command) -> Result<bool, String> {
    match command {
        Command::Import(args) => import::run(args).await,
        Command::Export(args) => export::run(args).await.map(|()| true),
    }
}
