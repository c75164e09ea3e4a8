//! A host for built Lambda functions: real processes behind the real Lambda Runtime API.
//!
//! Rejected: `cargo lambda watch`. Its deadlines lie in 1970, it has no SQS triggers and no
//! schedules, it does not replace a process that died, and the caller of a killed process waits for
//! ever. A rehearsal kills functions half way, so this host does as AWS does:
//!
//! - A function has several processes; each handles one request at a time, or several, as a Lambda
//!   Managed Instance does.
//! - A caller waits for a free process for a bounded time, and is then throttled. A process with
//!   several requests does not let callers wait: when all its places are taken they are throttled
//!   at once. Source: "Troubleshooting Lambda Managed Instances", Lambda Developer Guide.
//! - Each invocation has a deadline. A process with one request at a time that misses it is killed
//!   and replaced. A process with several goes on, because the others are not late: only the caller
//!   is told. Source: "Understanding the Lambda Managed Instances execution environment", Lambda
//!   Developer Guide.
//! - A process that dies fails its invocations at once, and is replaced.
//!
//! Each process has a Runtime API on a port of its own. So the host always knows which invocations
//! died with a process.

mod environment;
mod function;
mod keeper;
mod process;
mod runtime_api;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use self::function::{Function, lock};
use crate::Error;
use crate::reaper::Reaper;

pub(crate) use self::function::{ACCOUNT, PAYLOAD_BYTES_MAX, REGION, unix_ms};
pub use self::function::{FunctionOptions, InvokeError};

/// AWS would start more processes; here their number is fixed, and callers of an ordinary function
/// wait this long.
pub(crate) const WAITING_MAX: Duration = Duration::from_secs(10);
const READY_TIMEOUT: Duration = Duration::from_secs(30);

/// A process of a function, for a test that kills it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FunctionProcess {
    pub function: String,
    pub pid: u32,
}

/// Runs functions until it is stopped or dropped.
#[derive(Debug)]
pub struct Host {
    logs: PathBuf,
    reaper: Arc<Reaper>,
    waiting_max: Duration,
    functions: Mutex<HashMap<String, Arc<Function>>>,
    keepers: Mutex<Vec<JoinHandle<()>>>,
    stop: CancellationToken,
}

impl Host {
    /// Each function appends to `<function>.log` in the folder `logs`.
    pub(crate) fn new(logs: PathBuf, reaper: Arc<Reaper>, waiting_max: Duration) -> Self {
        Self {
            logs,
            reaper,
            waiting_max,
            functions: Mutex::default(),
            keepers: Mutex::default(),
            stop: CancellationToken::new(),
        }
    }

    /// Starts a function's processes. Returns when all of them have asked for work.
    ///
    /// # Errors
    /// When the first of them ended instead; the error says how.
    pub async fn add(&self, options: FunctionOptions) -> Result<(), Error> {
        let log = self.logs.join(format!("{}.log", options.name));
        let (name, wanted) = (options.name.clone(), options.concurrency);
        let function = Arc::new(Function::new(options, log, Arc::clone(&self.reaper)));
        let mut starts = function.starts.subscribe();
        for _ in 0..wanted {
            let keeper = keeper::keep(Arc::clone(&function), self.stop.clone());
            lock(&self.keepers).push(tokio::spawn(keeper));
        }
        lock(&self.functions).insert(name.clone(), Arc::clone(&function));
        let settled = starts.wait_for(|starts| starts.failed.is_some() || starts.ready >= wanted);
        let failed = match tokio::time::timeout(READY_TIMEOUT, settled).await {
            Ok(Ok(starts)) => starts.failed.clone(),
            Ok(Err(_)) => Some("the host was stopped".to_owned()),
            Err(_) => Some(format!("not ready after {READY_TIMEOUT:?}")),
        };
        failed.map_or(Ok(()), |detail| {
            Err(Error::FunctionStart {
                function: name,
                detail,
                log: function.log.clone(),
            })
        })
    }

    /// How a function was started.
    #[must_use]
    pub fn options(&self, name: &str) -> Option<FunctionOptions> {
        let functions = lock(&self.functions);
        functions.get(name).map(|function| function.options.clone())
    }

    /// Deploys another binary as a function. Later calls go to the new processes, and wait for
    /// their start. Running calls end in the old ones, which stay, idle, as on AWS.
    pub(crate) async fn replace(&self, name: &str, binary: PathBuf) -> Result<(), Error> {
        let options = self.options(name).ok_or_else(|| Error::FunctionStart {
            function: name.to_owned(),
            detail: "there is none to replace".to_owned(),
            log: self.logs.clone(),
        })?;
        self.add(FunctionOptions { binary, ..options }).await
    }

    /// Calls a function and waits for its answer. The call goes on when the caller gives up, as on
    /// AWS.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn invoke(&self, name: &str, payload: Vec<u8>) -> Result<Vec<u8>, InvokeError> {
        let function = lock(&self.functions).get(name).cloned();
        let function = function.ok_or_else(|| InvokeError::UnknownFunction(name.to_owned()))?;
        if payload.len() > PAYLOAD_BYTES_MAX {
            return Err(InvokeError::TooLarge);
        }
        let waiting_max = self.waiting_max;
        let call = tokio::spawn(async move { function.call(payload, waiting_max).await });
        call.await.unwrap_or(Err(InvokeError::Crashed))
    }

    /// Every running process.
    #[must_use]
    pub fn processes(&self) -> Vec<FunctionProcess> {
        let mut processes = Vec::new();
        for (name, function) in lock(&self.functions).iter() {
            processes.extend(lock(&function.pids).iter().map(|pid| FunctionProcess {
                function: name.clone(),
                pid: *pid,
            }));
        }
        processes.sort();
        processes
    }

    /// Ends every process, and returns when they are gone.
    pub async fn stop(&self) {
        self.stop.cancel();
        let keepers = std::mem::take(&mut *lock(&self.keepers));
        for keeper in keepers {
            // A keeper that panicked has dropped its process, which kills it.
            let _ = keeper.await;
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

#[cfg(test)]
mod tests;
