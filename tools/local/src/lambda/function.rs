//! One function: the free places in its processes, and the callers that wait for one.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::{Notify, OwnedSemaphorePermit, mpsc, oneshot, watch};
use tokio::time::{Instant, timeout, timeout_at};

use crate::reaper::Reaper;

/// The payload limit of a synchronous invocation on AWS, in and out.
pub(crate) const PAYLOAD_BYTES_MAX: usize = 6 * 1024 * 1024;
/// The region of the local stack: the one that the documentation deploys to.
pub(crate) const REGION: &str = "eu-west-1";
/// The AWS account number that MiniStack answers with.
pub(crate) const ACCOUNT: &str = "000000000000";

/// A function to run.
#[derive(Debug, Clone)]
pub struct FunctionOptions {
    pub name: String,
    pub binary: PathBuf,
    /// Its configuration. Of this process's own environment, only PATH and the like reach it.
    pub environment: Vec<(String, String)>,
    /// How many processes.
    pub concurrency: usize,
    /// How many requests each of them handles at the same time. More than 1 makes it what Lambda
    /// Managed Instances run.
    pub requests_per_process: usize,
    /// As `Timeout` in template.yaml.
    pub timeout: Duration,
}

/// Why an invocation has no answer.
#[derive(Debug, thiserror::Error)]
pub enum InvokeError {
    #[error("there is no function {0}")]
    UnknownFunction(String),
    #[error("the payload is over {PAYLOAD_BYTES_MAX} bytes")]
    TooLarge,
    #[error("throttled: every process of the function is busy")]
    Throttled,
    #[error("the function timed out after {0:?}")]
    TimedOut(Duration),
    #[error("the function's process ended before it answered")]
    Crashed,
    #[error("the function failed: {error_type}: {message}")]
    Failed { error_type: String, message: String },
}

/// The work of a process.
#[derive(Debug)]
pub(super) struct Invocation {
    pub(super) request_id: String,
    pub(super) deadline_ms: u128,
    pub(super) payload: Vec<u8>,
    /// Dropped when the process dies: that tells the caller.
    pub(super) reply: oneshot::Sender<Result<Vec<u8>, InvokeError>>,
    /// The place in the process, once it has one.
    pub(super) place: Option<OwnedSemaphorePermit>,
}

/// A process that asked for its next invocation: several times, if it handles several.
#[derive(Debug)]
pub(super) struct Free {
    pub(super) assign: oneshot::Sender<Invocation>,
    /// Kills the process.
    pub(super) overdue: Arc<Notify>,
}

/// How many processes have ever become ready, and how the last failed start ended.
#[derive(Debug, Clone, Default)]
pub(super) struct Starts {
    pub(super) ready: usize,
    pub(super) failed: Option<String>,
}

#[derive(Debug)]
pub(super) struct Function {
    pub(super) options: FunctionOptions,
    pub(super) log: PathBuf,
    pub(super) reaper: Arc<Reaper>,
    pub(super) pids: Mutex<Vec<u32>>,
    pub(super) starts: watch::Sender<Starts>,
    free: mpsc::UnboundedSender<Free>,
    /// The lock is fair: callers get a process in the order of their arrival.
    next_free: tokio::sync::Mutex<mpsc::UnboundedReceiver<Free>>,
}

impl Function {
    pub(super) fn new(options: FunctionOptions, log: PathBuf, reaper: Arc<Reaper>) -> Self {
        let (free, next_free) = mpsc::unbounded_channel();
        Self {
            options,
            log,
            reaper,
            pids: Mutex::default(),
            starts: watch::Sender::default(),
            free,
            next_free: tokio::sync::Mutex::new(next_free),
        }
    }

    /// A process waits for work.
    pub(super) fn offer(&self, free: Free) {
        // The receiver is ours: it is there.
        let _ = self.free.send(free);
    }

    /// A place in a process. Lambda Managed Instances turn a request away when every place is
    /// taken; an ordinary function would start another process, so its callers wait here.
    async fn free(&self, give_up_at: Instant) -> Option<Free> {
        if self.options.requests_per_process > 1 {
            return self.next_free.lock().await.try_recv().ok();
        }
        let next = async { self.next_free.lock().await.recv().await };
        timeout_at(give_up_at, next).await.ok().flatten()
    }

    pub(super) async fn call(
        &self,
        payload: Vec<u8>,
        waiting_max: Duration,
    ) -> Result<Vec<u8>, InvokeError> {
        let time = self.options.timeout;
        let (reply, answer) = oneshot::channel();
        let mut invocation = Invocation {
            request_id: uuid::Uuid::new_v4().to_string(),
            deadline_ms: 0,
            payload,
            reply,
            place: None,
        };
        let give_up_at = Instant::now() + waiting_max;
        let overdue = loop {
            let free = self.free(give_up_at).await;
            let free = free.ok_or(InvokeError::Throttled)?;
            // The time runs from here, and not while the caller waits for a process.
            invocation.deadline_ms = unix_ms() + time.as_millis();
            match free.assign.send(invocation) {
                Ok(()) => break free.overdue,
                // This process died while it was idle: take the next one.
                Err(returned) => invocation = returned,
            }
        };
        match timeout(time, answer).await {
            Ok(answered) => answered.unwrap_or(Err(InvokeError::Crashed)),
            Err(_) => {
                if self.options.requests_per_process == 1 {
                    overdue.notify_one();
                }
                Err(InvokeError::TimedOut(time))
            }
        }
    }
}

pub(crate) fn unix_ms() -> u128 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis())
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
