//! Requests that wait for a connection, and go together when one is free.
//!
//! There are as many lanes as connections. A request that finds a free lane takes it, lets every
//! task that is ready run once, and goes alone if no other request came. Otherwise they go
//! together. Without a free lane a request waits, and the next lane that becomes free takes all
//! that wait for one shop, up to a bound. No request waits for others to come: only load makes
//! batches. Rejected: a timer, which would make every lone request slower; lone requests as long as
//! a lane is free: the answers of one batch wake many callers at once, and each of the free lanes
//! would spend a whole call on one of them.

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
            gathering: false,
            shops: VecDeque::new(),
            waiting: HashMap::new(),
            waiting_count: 0,
        }))
    }
}

struct State<R, A> {
    /// Lanes in use. While somebody waits, at least one is.
    busy: usize,
    /// A request has a lane, and lets the others come ([`Lane::gather`]).
    gathering: bool,
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
    /// It lets the others come, then asks [`Lane::gather`].
    First(Lane<R, A>),
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
    gathering: bool,
}

impl<R, A> Combiner<R, A> {
    /// Takes a lane, or waits with the request, its shop, its weight and its deadline.
    pub(crate) fn enter(
        self: Arc<Self>,
        lanes: usize,
        request: impl FnOnce() -> (Shop, R, usize, Instant),
    ) -> Entered<R, A> {
        let mut state = self.state();
        if state.busy < lanes && !state.gathering {
            state.busy += 1;
            state.gathering = true;
            drop(state);
            return Entered::First(Lane {
                combiner: self,
                free: false,
                gathering: true,
            });
        }
        if state.waiting_count >= WAITING_MAX {
            return Entered::Full;
        }
        let (answer, shop, one) = waiting(request());
        state.queue_of(shop).push_back(one);
        Entered::Waits(answer)
    }

    fn state(&self) -> MutexGuard<'_, State<R, A>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<R, A> State<R, A> {
    /// The requests of a shop that wait. The caller adds one.
    fn queue_of(&mut self, shop: Shop) -> &mut VecDeque<Waiting<R, A>> {
        let waiting = self.waiting.entry(shop.clone()).or_default();
        if waiting.is_empty() {
            self.shops.push_back(shop);
        }
        self.waiting_count += 1;
        waiting
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
    /// The others that were ready have come. `None`: nobody did, and the request goes alone.
    /// Otherwise it waits for this answer with them, first of all, and the lane is for whoever
    /// serves those who wait.
    pub(crate) fn gather(
        &mut self,
        request: impl FnOnce() -> (Shop, R, usize, Instant),
    ) -> Option<Receiver<A>> {
        let mut state = self.combiner.state();
        state.gathering = false;
        self.gathering = false;
        if state.shops.is_empty() {
            return None;
        }
        let (answer, shop, one) = waiting(request());
        state.queue_of(shop).push_front(one);
        Some(answer)
    }

    /// One more lane, if one is free and somebody still waits.
    pub(crate) fn another(&self, lanes: usize) -> Option<Self> {
        let mut state = self.combiner.state();
        if state.shops.is_empty() || state.busy >= lanes {
            return None;
        }
        state.busy += 1;
        drop(state);
        Some(Self {
            combiner: Arc::clone(&self.combiner),
            free: false,
            gathering: false,
        })
    }

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
        state.gathering &= !self.gathering;
        self.gathering = false;
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
        state.gathering &= !self.gathering;
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

fn waiting<R, A>(
    (shop, request, weight, deadline): (Shop, R, usize, Instant),
) -> (Receiver<A>, Shop, Waiting<R, A>) {
    let (caller, answer) = oneshot::channel();
    let one = Waiting {
        request,
        deadline,
        weight,
        caller,
    };
    (answer, shop, one)
}

#[cfg(test)]
mod tests;
