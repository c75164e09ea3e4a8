//! Keeps one process of a function running: a process that ends is replaced.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::environment::Environment;
use super::function::{Function, lock};
use super::process::Process;
use super::runtime_api;
use crate::listener::{bind, serve};
use crate::reaper::Ending;

/// A process that never became ready is started again after this, doubled each time.
const BACKOFF_MIN: Duration = Duration::from_millis(100);
const BACKOFF_MAX: Duration = Duration::from_secs(5);

pub(super) async fn keep(function: Arc<Function>, stopping: CancellationToken) {
    let mut backoff = BACKOFF_MIN;
    loop {
        let environment = Arc::new(Environment::new(Arc::clone(&function)));
        let ended = run_once(&environment, &stopping).await;
        environment.close();
        let ended = match ended {
            Ok(Some(ended)) => ended,
            Ok(None) => return,
            Err(error) => format!("it could not be started: {error}"),
        };
        let name = &function.options.name;
        if environment.is_ready() {
            backoff = BACKOFF_MIN;
            tracing::warn!("{name} ended ({ended}); a new process takes its place");
            continue;
        }
        // Until one process has started, `Host::add` reports the failure.
        if function.starts.borrow().ready > 0 {
            tracing::error!("{name} ended at its start ({ended}); next try in {backoff:?}");
        }
        function
            .starts
            .send_modify(|starts| starts.failed = Some(ended));
        let pause = tokio::time::sleep(backoff);
        if stopping.run_until_cancelled(pause).await.is_none() {
            return;
        }
        backoff = (backoff * 2).min(BACKOFF_MAX);
    }
}

/// Runs one process. Returns how it ended, or `None` if the host ended it.
async fn run_once(
    environment: &Arc<Environment>,
    stopping: &CancellationToken,
) -> io::Result<Option<String>> {
    let function = &environment.function;
    let router = runtime_api::router(Arc::clone(environment));
    let api = serve(bind(0).await?, router, stopping.clone())?;
    let mut process = Process::spawn(function, api.address)?;
    function.reaper.watch(process.pid, Ending::Kill);
    lock(&function.pids).push(process.pid);
    let ended = tokio::select! {
        ended = process.wait() => Some(ended),
        () = environment.overdue.notified() => {
            Some(format!("it missed its deadline and was killed: {}", process.kill().await))
        }
        () = stopping.cancelled() => {
            process.kill().await;
            None
        }
    };
    lock(&function.pids).retain(|pid| *pid != process.pid);
    function.reaper.forget(process.pid);
    api.abort();
    Ok(ended)
}
