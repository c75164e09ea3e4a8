//! `holdfast replay`: processes payment events once more, from the dead-letter queue or from the
//! database. Repeating an event is harmless: an effect that has happened does not happen again.

mod args;
mod dead_letters;
mod event;

pub use crate::args::Command;

/// Moves dead letters back, or has one stored event read again.
///
/// # Errors
/// When it could not finish. Moved messages stay moved; run it again for the rest.
pub async fn run(command: &Command) -> Result<(), String> {
    match command {
        Command::DeadLetters(args) => dead_letters::run(args).await,
        Command::Event(args) => event::run(args).await,
    }
}
