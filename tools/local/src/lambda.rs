//! A host for prebuilt Lambda functions: real processes, the real Lambda Runtime API.
//!
//! Why not `cargo lambda watch`: its deadlines lie in 1970, it has no SQS triggers and no
//! schedules, it does not replace a process that died, and the caller of a killed process waits
//! for an answer that never comes. A flash sale is rehearsed here with functions that are killed
//! half way, so all five must be as on AWS:
//!
//! - a function has N execution environments; each is one process with one request at a time;
//! - a caller waits for a free one, for a bounded time, and is then throttled;
//! - each invocation has a deadline; a process that misses it is killed and replaced;
//! - a process that dies fails its running invocation at once, and is replaced.
//!
//! Each process has a Runtime API of its own, on a port of its own: whose invocation died with
//! it is then never a question.

mod environment;
mod process;
mod runtime_api;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use self::environment::Environment;
use crate::Error;
use crate::guardian::Guardian;
use crate::stopping::Stop;

/// The payload limit of a synchronous invocation on AWS, in and out.
pub(crate) const PAYLOAD_BYTES_MAX: usize = 6 * 1024 * 1024;

/// On AWS more environments would start; here, where N is the limit, callers queue this long.
pub(crate) const QUEUE_WAIT_DEFAULT: Duration = Duration::from_secs(10);
const READY_TIMEOUT: Duration = Duration::from_secs(30);

/// One function to run.
#[derive(Debug, Clone)]
pub struct FunctionOptions {
    pub name: String,
    pub binary: PathBuf,
    /// Its configuration; nothing else of our own environment but PATH reaches it.
    pub environment: Vec<(String, String)>,
    /// How many processes, which is how many requests at a time.
    pub concurrency: usize,
    /// As `Timeout` in template.yaml.
    pub timeout: Duration,
}

/// What the host itself needs.
#[derive(Debug)]
pub struct HostOptions {
    /// `<function>.log` is appended to here.
    pub logs: PathBuf,
    pub guardian: Arc<Guardian>,
    /// How long a caller waits for a free process.
    pub queue_wait: Duration,
}

impl HostOptions {
    #[must_use]
    pub fn new(logs: PathBuf, guardian: Arc<Guardian>) -> Self {
        Self {
            logs,
            guardian,
            queue_wait: QUEUE_WAIT_DEFAULT,
        }
    }
}

/// Why an invocation has no answer; in the words of AWS where it has some.
#[derive(Debug, thiserror::Error)]
pub enum InvokeError {
    #[error("there is no function {0}")]
    UnknownFunction(String),
    #[error("the payload is over {PAYLOAD_BYTES_MAX} bytes")]
    TooLarge,
    #[error("throttled: every process of the function was busy for too long")]
    Throttled,
    #[error("the function timed out after {0:?}")]
    TimedOut(Duration),
    #[error("the function's process ended before it answered")]
    Crashed,
    #[error("the function failed: {error_type}: {message}")]
    Failed { error_type: String, message: String },
}

/// A process of a function, for whoever wants to kill one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionProcess {
    pub function: String,
    pub pid: u32,
}

/// What a process gets to work on.
#[derive(Debug)]
struct Invocation {
    request_id: String,
    trace_id: String,
    deadline_ms: u128,
    payload: Vec<u8>,
    /// Dropped without a word when the process dies: that is how the caller learns of it.
    reply: oneshot::Sender<Result<Vec<u8>, InvokeError>>,
}

/// A process that has asked for its next invocation.
#[derive(Debug)]
struct Idle {
    environment: Arc<Environment>,
    assign: oneshot::Sender<Invocation>,
}

#[derive(Debug)]
struct Function {
    options: FunctionOptions,
    arn: String,
    log: PathBuf,
    guardian: Arc<Guardian>,
    idle: mpsc::UnboundedSender<Idle>,
    /// Callers queue for this lock, in the order of their arrival.
    idle_queue: tokio::sync::Mutex<mpsc::UnboundedReceiver<Idle>>,
    pids: Mutex<Vec<u32>>,
    /// How many processes have ever become ready, and how the last one ended that did not.
    starts: watch::Sender<Starts>,
}

#[derive(Debug, Clone, Default)]
struct Starts {
    ready: usize,
    failed: Option<String>,
}

/// Runs functions until it is stopped or dropped.
#[derive(Debug)]
pub struct Host {
    options: HostOptions,
    functions: Mutex<HashMap<String, Arc<Function>>>,
    keepers: Mutex<Vec<JoinHandle<()>>>,
    stop: Stop,
}

impl Host {
    #[must_use]
    pub fn new(options: HostOptions) -> Self {
        let functions = Mutex::default();
        Self {
            options,
            functions,
            keepers: Mutex::default(),
            stop: Stop::new(),
        }
    }

    /// Starts a function's processes; returns when all of them asked for work, or with the
    /// reason why the first of them ended instead.
    pub async fn add(&self, options: FunctionOptions) -> Result<(), Error> {
        let (idle, idle_queue) = mpsc::unbounded_channel();
        let function = Arc::new(Function {
            arn: format!(
                "arn:aws:lambda:{}:{}:function:{}",
                REGION, ACCOUNT, options.name
            ),
            log: self.options.logs.join(format!("{}.log", options.name)),
            guardian: Arc::clone(&self.options.guardian),
            idle,
            idle_queue: tokio::sync::Mutex::new(idle_queue),
            pids: Mutex::default(),
            starts: watch::Sender::default(),
            options,
        });
        let mut starts = function.starts.subscribe();
        for _ in 0..function.options.concurrency {
            let keeper = environment::keep(Arc::clone(&function), self.stop.watch());
            lock(&self.keepers).push(tokio::spawn(keeper));
        }
        lock(&self.functions).insert(function.options.name.clone(), Arc::clone(&function));
        let settled = starts.wait_for(|starts| {
            starts.failed.is_some() || starts.ready >= function.options.concurrency
        });
        let detail = match tokio::time::timeout(READY_TIMEOUT, settled).await {
            Ok(Ok(starts)) => starts.failed.clone(),
            Ok(Err(_)) => Some(String::from("the host was stopped")),
            Err(_) => Some(format!("not ready after {READY_TIMEOUT:?}")),
        };
        match detail {
            None => Ok(()),
            Some(detail) => {
                let log = function.log.clone();
                Err(Error::FunctionStart {
                    function: function.options.name.clone(),
                    detail,
                    log,
                })
            }
        }
    }

    /// Deploys another binary as a function: calls that come from now on are its, and wait for its
    /// start. What is under way ends where it is; the old processes stay, idle, as on AWS.
    pub async fn replace(&self, name: &str, binary: PathBuf) -> Result<(), Error> {
        let options = lock(&self.functions)
            .get(name)
            .map(|function| function.options.clone());
        let Some(options) = options else {
            return Err(Error::FunctionStart {
                function: name.to_owned(),
                detail: String::from("there is none to replace"),
                log: self.options.logs.clone(),
            });
        };
        self.add(FunctionOptions { binary, ..options }).await
    }

    /// Calls a function and waits for its answer. The call goes on when the caller gives up, as
    /// it does on AWS.
    pub async fn invoke(&self, name: &str, payload: Vec<u8>) -> Result<Vec<u8>, InvokeError> {
        let function = lock(&self.functions).get(name).cloned();
        let function = function.ok_or_else(|| InvokeError::UnknownFunction(name.to_owned()))?;
        if payload.len() > PAYLOAD_BYTES_MAX {
            return Err(InvokeError::TooLarge);
        }
        let queue_wait = self.options.queue_wait;
        let call = tokio::spawn(async move { function.call(payload, queue_wait).await });
        call.await.unwrap_or(Err(InvokeError::Crashed))
    }

    /// Every process that runs now.
    #[must_use]
    pub fn processes(&self) -> Vec<FunctionProcess> {
        let functions = lock(&self.functions);
        let mut processes: Vec<_> = functions
            .iter()
            .flat_map(|(name, function)| {
                let pids = lock(&function.pids).clone();
                pids.into_iter().map(|pid| FunctionProcess {
                    function: name.clone(),
                    pid,
                })
            })
            .collect();
        processes.sort_by(|a, b| (&a.function, a.pid).cmp(&(&b.function, b.pid)));
        processes
    }

    /// Ends every process, and returns when they are gone.
    pub async fn stop(&self) {
        self.stop.stop();
        let keepers = std::mem::take(&mut *lock(&self.keepers));
        for keeper in keepers {
            // A keeper that panicked has dropped its process, which kills it.
            let _ = keeper.await;
        }
    }
}

impl Function {
    async fn call(&self, payload: Vec<u8>, wait: Duration) -> Result<Vec<u8>, InvokeError> {
        let timeout = self.options.timeout;
        let (reply, answer) = oneshot::channel();
        let mut invocation = Invocation {
            request_id: uuid::Uuid::new_v4().to_string(),
            trace_id: trace_id(),
            deadline_ms: 0,
            payload,
            reply,
        };
        let queue_end = tokio::time::Instant::now() + wait;
        let environment = loop {
            let idle = tokio::time::timeout_at(queue_end, self.next_idle())
                .await
                .ok()
                .flatten()
                .ok_or(InvokeError::Throttled)?;
            // The clock starts when a process gets it, not while it waits for one.
            invocation.deadline_ms = unix_ms() + timeout.as_millis();
            match idle.assign.send(invocation) {
                Ok(()) => break idle.environment,
                // This process died while it was idle: the next one, please.
                Err(returned) => invocation = returned,
            }
        };
        match tokio::time::timeout(timeout, answer).await {
            Ok(answered) => answered.unwrap_or(Err(InvokeError::Crashed)),
            Err(_) => {
                environment.end();
                Err(InvokeError::TimedOut(timeout))
            }
        }
    }

    async fn next_idle(&self) -> Option<Idle> {
        self.idle_queue.lock().await.recv().await
    }
}

/// The region of everything local; the one that the documentation deploys to.
pub const REGION: &str = "eu-west-1";
/// The account number that MiniStack answers with.
pub const ACCOUNT: &str = "000000000000";

pub(crate) fn unix_ms() -> u128 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis())
}

/// `Root=1-<seconds>-<24 hex digits>`, as X-Ray writes it.
fn trace_id() -> String {
    let random = uuid::Uuid::new_v4().simple().to_string();
    let seconds = unix_ms() / 1000;
    format!(
        "Root=1-{seconds:08x}-{};Sampled=0",
        random.get(..24).unwrap_or_default()
    )
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
