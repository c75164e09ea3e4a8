//! One execution environment: a process, its Runtime API, and their replacement when it dies.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::sync::Notify;

use super::process::{Ended, Process};
use super::{Function, Invocation, lock, runtime_api};
use crate::stopping::Stopping;

/// A process that never became ready is started again after this, doubled each time.
const BACKOFF_MIN: Duration = Duration::from_millis(100);
const BACKOFF_MAX: Duration = Duration::from_secs(5);

/// What a process's Runtime API and its callers share.
#[derive(Debug)]
pub(super) struct Environment {
    pub(super) function: Arc<Function>,
    current: Mutex<Current>,
    ready: Mutex<bool>,
    overdue: Notify,
}

/// What the process works on.
#[derive(Debug, Default)]
struct Current {
    invocation: Option<Invocation>,
    /// The process is gone: an invocation handed to it at this moment would wait for ever.
    closed: bool,
}

impl Environment {
    fn new(function: Arc<Function>) -> Self {
        let (current, ready) = (Mutex::default(), Mutex::default());
        Self {
            function,
            current,
            ready,
            overdue: Notify::new(),
        }
    }

    pub(super) fn begin(&self, invocation: Invocation) {
        let mut current = lock(&self.current);
        if !current.closed {
            current.invocation = Some(invocation);
        }
    }

    /// The running invocation, if it is the one with this id.
    pub(super) fn finish(&self, request_id: &str) -> Option<Invocation> {
        lock(&self.current)
            .invocation
            .take_if(|running| running.request_id == request_id)
    }

    /// Gives the running invocation up: dropping it is how its caller learns.
    pub(super) fn give_up(&self) {
        drop(lock(&self.current).invocation.take());
    }

    fn close(&self) {
        lock(&self.current).closed = true;
        self.give_up();
    }

    /// Kills the process, because it missed a deadline.
    pub(super) fn end(&self) {
        self.overdue.notify_one();
    }

    /// The process asked for work: for the first time, or again.
    pub(super) fn mark_ready(&self) {
        let was_ready = std::mem::replace(&mut *lock(&self.ready), true);
        if !was_ready {
            self.function.starts.send_modify(|starts| starts.ready += 1);
        }
    }
}

/// Keeps one environment of the function alive until the host stops.
pub(super) async fn keep(function: Arc<Function>, mut stopping: Stopping) {
    let mut backoff = BACKOFF_MIN;
    while !stopping.is_set() {
        let environment = Arc::new(Environment::new(Arc::clone(&function)));
        let ended = run_once(&environment, &mut stopping).await;
        environment.close();
        let Some(ended) = ended else { return };
        let name = &function.options.name;
        if *lock(&environment.ready) {
            backoff = BACKOFF_MIN;
            tracing::warn!("{name} ended ({ended}); a new process takes its place");
            continue;
        }
        // As long as none has ever started, `Host::add` is what reports it.
        if function.starts.borrow().ready > 0 {
            tracing::error!("{name} ended at its start ({ended}); next try in {backoff:?}");
        }
        function
            .starts
            .send_modify(|starts| starts.failed = Some(ended.to_string()));
        tokio::select! {
            () = tokio::time::sleep(backoff) => {}
            () = stopping.wait() => return,
        }
        backoff = (backoff * 2).min(BACKOFF_MAX);
    }
}

/// Runs one process to its end; `None` when it was the host that ended it.
async fn run_once(environment: &Arc<Environment>, stopping: &mut Stopping) -> Option<Ended> {
    let function = &environment.function;
    let listener = match TcpListener::bind(("127.0.0.1", 0)).await {
        Ok(listener) => listener,
        Err(error) => return Some(Ended::not_started(&error)),
    };
    let address = match listener.local_addr() {
        Ok(address) => address,
        Err(error) => return Some(Ended::not_started(&error)),
    };
    let mut process = match Process::spawn(function, address) {
        Ok(process) => process,
        Err(error) => return Some(Ended::not_started(&error)),
    };
    // Without TCP_NODELAY every answer would wait 40 ms for an acknowledgement.
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    let api = axum::serve(listener, runtime_api::router(Arc::clone(environment)));
    let serving = tokio::spawn(async move { api.await });
    function
        .guardian
        .watch(process.pid(), crate::guardian::Farewell::Kill);
    lock(&function.pids).push(process.pid());
    let ended = tokio::select! {
        ended = process.wait() => Some(ended),
        () = environment.overdue.notified() => Some(process.kill().await.overdue()),
        () = stopping.wait() => {
            process.kill().await;
            None
        }
    };
    lock(&function.pids).retain(|pid| *pid != process.pid());
    function.guardian.forget(process.pid());
    serving.abort();
    ended
}
