//! One execution environment: what a process, its Runtime API and its keeper share.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use tokio::sync::{Notify, oneshot};

use super::function::{Free, Function, Invocation, lock};

#[derive(Debug)]
pub(super) struct Environment {
    pub(super) function: Arc<Function>,
    /// Signalled when the process missed a deadline.
    pub(super) overdue: Arc<Notify>,
    current: Mutex<Current>,
    ready: AtomicBool,
}

/// What the process works on.
#[derive(Debug, Default)]
struct Current {
    invocation: Option<Invocation>,
    /// The process is gone: an invocation that is assigned now would wait for ever.
    closed: bool,
}

impl Environment {
    pub(super) fn new(function: Arc<Function>) -> Self {
        Self {
            function,
            overdue: Arc::default(),
            current: Mutex::default(),
            ready: AtomicBool::new(false),
        }
    }

    /// Offers the process to callers. The first time makes it ready.
    pub(super) fn offer(&self) -> oneshot::Receiver<Invocation> {
        // A process that asks again without an answer has given its work up.
        self.give_up();
        let (assign, assigned) = oneshot::channel();
        if !self.ready.swap(true, Ordering::Relaxed) {
            self.function.starts.send_modify(|starts| starts.ready += 1);
        }
        let overdue = Arc::clone(&self.overdue);
        self.function.offer(Free { assign, overdue });
        assigned
    }

    pub(super) fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }

    pub(super) fn begin(&self, invocation: Invocation) {
        let mut current = lock(&self.current);
        if !current.closed {
            current.invocation = Some(invocation);
        }
    }

    /// Takes the running invocation, if it has this id.
    pub(super) fn finish(&self, request_id: &str) -> Option<Invocation> {
        lock(&self.current)
            .invocation
            .take_if(|running| running.request_id == request_id)
    }

    /// The process is gone.
    pub(super) fn close(&self) {
        lock(&self.current).closed = true;
        self.give_up();
    }

    /// Drops the running invocation, which tells its caller.
    fn give_up(&self) {
        lock(&self.current).invocation = None;
    }
}
