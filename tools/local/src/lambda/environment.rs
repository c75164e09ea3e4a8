//! One execution environment: what a process, its Runtime API and its keeper share.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot};

use super::function::{Free, Function, Invocation, lock};

#[derive(Debug)]
pub(super) struct Environment {
    pub(super) function: Arc<Function>,
    /// Signalled when the process missed a deadline.
    pub(super) overdue: Arc<Notify>,
    /// One for each request that the process may have at the same time.
    places: Arc<Semaphore>,
    work: Mutex<Work>,
    ready: AtomicBool,
}

/// What the process works on.
#[derive(Debug, Default)]
struct Work {
    /// By request id.
    invocations: HashMap<String, Invocation>,
    /// The process is gone: an invocation that is assigned now would wait for ever.
    closed: bool,
}

/// A place in the process that callers may take.
pub(super) struct Offer {
    pub(super) assigned: oneshot::Receiver<Invocation>,
    pub(super) place: OwnedSemaphorePermit,
}

impl Environment {
    pub(super) fn new(function: Arc<Function>) -> Self {
        Self {
            places: Arc::new(Semaphore::new(function.options.requests_per_process)),
            function,
            overdue: Arc::default(),
            work: Mutex::default(),
            ready: AtomicBool::new(false),
        }
    }

    /// Offers a place in the process to callers, as soon as one is free. Once each place has been
    /// offered, the process is ready.
    pub(super) async fn offer(&self) -> Option<Offer> {
        if self.function.options.requests_per_process == 1 {
            // A process that asks again without an answer has given its work up.
            self.give_up();
        }
        let place = Arc::clone(&self.places).acquire_owned().await.ok()?;
        let (assign, assigned) = oneshot::channel();
        let overdue = Arc::clone(&self.overdue);
        self.function.offer(Free { assign, overdue });
        if self.places.available_permits() == 0 && !self.ready.swap(true, Ordering::Relaxed) {
            self.function.starts.send_modify(|starts| starts.ready += 1);
        }
        Some(Offer { assigned, place })
    }

    pub(super) fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }

    pub(super) fn begin(&self, invocation: Invocation) {
        let mut work = lock(&self.work);
        if !work.closed {
            let request_id = invocation.request_id.clone();
            work.invocations.insert(request_id, invocation);
        }
    }

    /// Takes the running invocation with this id.
    pub(super) fn finish(&self, request_id: &str) -> Option<Invocation> {
        lock(&self.work).invocations.remove(request_id)
    }

    /// The process is gone.
    pub(super) fn close(&self) {
        lock(&self.work).closed = true;
        self.give_up();
    }

    /// Drops the running invocations, which tells their callers.
    fn give_up(&self) {
        lock(&self.work).invocations.clear();
    }
}
