//! SQS on this machine: MiniStack.
//!
//! The functions' AWS SDK speaks the real protocol to it, including the move to a dead-letter
//! queue.

use std::path::Path;
use std::sync::Arc;

use crate::Error;
use crate::python::{Package, Server};
use crate::reaper::Reaper;

const PACKAGE: Package = Package {
    module: "ministack",
    what: "MiniStack (SQS on this machine)",
    log: "sqs.log",
};

/// Starts it.
pub(crate) async fn start(
    folder: &Path,
    logs: &Path,
    reaper: Arc<Reaper>,
) -> Result<Server, Error> {
    let set = |command: &mut std::process::Command, port: u16| {
        command
            // By default it listens on every address of the machine.
            .env("BIND_HOST", "127.0.0.1")
            .env("GATEWAY_PORT", port.to_string())
            // For queue URLs; `localhost` may mean ::1, where it does not listen.
            .env("MINISTACK_HOST", "127.0.0.1")
            .env("LOG_LEVEL", "WARNING");
    };
    Server::start(&PACKAGE, folder, logs, reaper, set).await
}
