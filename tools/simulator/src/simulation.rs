//! The state that all HTTP handlers share.

use std::sync::{Arc, Mutex, MutexGuard};

use crate::sender::Sender;
use crate::state::{State, lock};

pub(crate) struct Simulation {
    state: Arc<Mutex<State>>,
    pub(crate) sender: Sender,
}

impl Simulation {
    pub(crate) fn new(state: State, seed: u64) -> Self {
        let state = Arc::new(Mutex::new(state));
        let sender = Sender::new(Arc::clone(&state), seed);
        Self { state, sender }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Changes the state, and wakes the sender for the webhooks that this wrote.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.state());
        self.sender.wake();
        result
    }
}
