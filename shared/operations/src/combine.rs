//! Requests that wait for a connection, and go together when one is free.
//!
//! A request that finds a free lane goes alone, at once. Otherwise it waits, and the next lane that
//! becomes free takes all that wait for one shop, up to a bound. No request waits for others to
//! come: only load makes batches. Few lanes make large batches, and each takes one connection.
//! Rejected: a timer, which would make every lone request slower.

use std::collections::{HashMap, VecDeque};
use std::mem::take;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot::{self, Receiver, Sender};
use tokio::time::Instant;

use crate::ids::Shop;

/// Requests that may wait in one process. A process of Lambda has far fewer at a time; another host
/// might not end.
const WAITING_MAX: usize = 10_000;

/// The lanes of one pool, and the requests that wait for one. Share it by an [`Arc`].
pub(crate) struct Combiner<R, A>(Mutex<State<R, A>>);

impl<R, A> Default for Combiner<R, A> {
    fn default() -> Self {
        Self(Mutex::new(State {
            busy: 0,
            shops: VecDeque::new(),
            waiting: HashMap::new(),
            waiting_count: 0,
        }))
    }
}

struct State<R, A> {
    /// Lanes in use. While somebody waits, every lane is in use.
    busy: usize,
    /// Shops with waiting requests. The one whose turn it is comes first.
    shops: VecDeque<Shop>,
    waiting: HashMap<Shop, VecDeque<Waiting<R, A>>>,
    /// Of all shops, with those whose caller has gone.
    waiting_count: usize,
}

/// A request that waits.
pub(crate) struct Waiting<R, A> {
    pub(crate) request: R,
    /// The time at which its caller gives up.
    pub(crate) deadline: Instant,
    weight: usize,
    caller: Sender<A>,
}

impl<R, A> Waiting<R, A> {
    /// Answers the caller, unless it has gone.
    pub(crate) fn tell(self, answer: A) {
        drop(self.caller.send(answer));
    }
}

/// What a request does.
pub(crate) enum Entered<R, A> {
    /// It goes alone, now.
    Alone(Lane<R, A>),
    /// It waits for this answer. An error: it must go alone.
    Waits(Receiver<A>),
    /// [`WAITING_MAX`] wait already: it must come again.
    Full,
}

/// The right to use one connection. A lane that is dropped is free for others; if no other lane is
/// in use, those who wait go alone.
pub(crate) struct Lane<R, A> {
    combiner: Arc<Combiner<R, A>>,
    free: bool,
}

impl<R, A> Combiner<R, A> {
    /// Takes a lane, or waits with the request, its shop, its weight and its deadline.
    pub(crate) fn enter(
        self: Arc<Self>,
        lanes: usize,
        request: impl FnOnce() -> (Shop, R, usize, Instant),
    ) -> Entered<R, A> {
        let mut state = self.state();
        if state.busy < lanes {
            state.busy += 1;
            drop(state);
            return Entered::Alone(Lane {
                combiner: self,
                free: false,
            });
        }
        if state.waiting_count == WAITING_MAX {
            return Entered::Full;
        }
        let (shop, request, weight, deadline) = request();
        let (caller, answer) = oneshot::channel();
        state.push(
            shop,
            Waiting {
                request,
                deadline,
                weight,
                caller,
            },
        );
        Entered::Waits(answer)
    }

    fn state(&self) -> MutexGuard<'_, State<R, A>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<R, A> State<R, A> {
    fn push(&mut self, shop: Shop, one: Waiting<R, A>) {
        let waiting = self.waiting.entry(shop.clone()).or_default();
        if waiting.is_empty() {
            self.shops.push_back(shop);
        }
        waiting.push_back(one);
        self.waiting_count += 1;
    }

    /// The oldest requests of the shop whose turn it is, without those whose caller has gone.
    /// Empty: nobody waits.
    fn next(&mut self, requests_max: usize, weight_max: usize) -> Vec<Waiting<R, A>> {
        let mut batch = Vec::new();
        while batch.is_empty() {
            let Some(shop) = self.shops.pop_front() else {
                break;
            };
            let Some(waiting) = self.waiting.get_mut(&shop) else {
                continue;
            };
            let mut weight = 0;
            while let Some(one) = waiting.pop_front() {
                self.waiting_count -= 1;
                if one.caller.is_closed() {
                    continue;
                }
                weight += one.weight;
                if !batch.is_empty() && (batch.len() == requests_max || weight > weight_max) {
                    waiting.push_front(one);
                    self.waiting_count += 1;
                    break;
                }
                batch.push(one);
            }
            if waiting.is_empty() {
                self.waiting.remove(&shop);
            } else {
                self.shops.push_back(shop);
            }
        }
        batch
    }
}

impl<R, A> Lane<R, A> {
    /// The next batch, or `None` if nobody waits: then the lane is free.
    pub(crate) fn next(
        &mut self,
        requests_max: usize,
        weight_max: usize,
    ) -> Option<Vec<Waiting<R, A>>> {
        let mut state = self.combiner.state();
        let batch = state.next(requests_max, weight_max);
        if batch.is_empty() {
            // under the same lock, or a request that comes now would wait for nobody
            state.busy -= 1;
            self.free = true;
            return None;
        }
        Some(batch)
    }

    /// Frees the lane if nobody waits. Otherwise returns it, for the one who serves those who wait.
    pub(crate) fn leave(mut self) -> Option<Self> {
        let mut state = self.combiner.state();
        if state.shops.is_empty() {
            state.busy -= 1;
            self.free = true;
            drop(state);
            return None;
        }
        drop(state);
        Some(self)
    }
}

impl<R, A> Drop for Lane<R, A> {
    fn drop(&mut self) {
        if self.free {
            return;
        }
        let mut state = self.combiner.state();
        state.busy -= 1;
        if state.busy > 0 {
            return;
        }
        let (shops, waiting) = (take(&mut state.shops), take(&mut state.waiting));
        state.waiting_count = 0;
        drop(state);
        drop((shops, waiting));
    }
}

#[cfg(test)]
mod tests;
