//! Sends webhooks: signs each at the moment it leaves, loses, doubles, shuffles and delays them as
//! the faults say, and sends again what was not answered with a 2xx.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{Rng as _, SeedableRng as _};
use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;

use crate::account::{Account, Gateway};
use crate::faults::Webhooks;
use crate::{Simulation, cashfree, razorpay, stripe};

/// How long one try may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Tries of one webhook, and the pause after the first; each further pause is twice as long.
const TRIES: u32 = 6;
const PAUSE: Duration = Duration::from_millis(100);
/// Webhooks under way at once.
const AT_ONCE: usize = 16;

/// A webhook that is to be sent.
#[derive(Clone)]
pub(crate) struct Letter {
    pub(crate) account: usize,
    /// The event's id, where it is not in the body.
    pub(crate) event_id: String,
    /// The raw body.
    pub(crate) body: String,
}

/// Sends webhooks.
pub(crate) struct Postman {
    http: reqwest::Client,
    random: Mutex<StdRng>,
    news: Notify,
    quiet: Notify,
    busy: AtomicBool,
    tallies: Mutex<BTreeMap<Gateway, Tally>>,
}

/// What became of one gateway's webhooks.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct Tally {
    /// Events that were told of, or should have been.
    written: u64,
    /// Of those, never sent.
    lost: u64,
    /// Sent once more.
    copies: u64,
    /// Answered with a 2xx, copies included.
    arrived: u64,
    /// Never answered with a 2xx, copies included.
    given_up: u64,
}

impl Postman {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            http: reqwest::Client::new(),
            random: Mutex::new(StdRng::seed_from_u64(seed ^ 0x706f_7374)),
            news: Notify::new(),
            quiet: Notify::new(),
            busy: AtomicBool::new(false),
            tallies: Mutex::default(),
        }
    }

    /// There may be letters.
    pub(crate) fn look_in_the_box(&self) {
        self.news.notify_one();
    }

    /// What became of each gateway's webhooks until now.
    pub(crate) fn tallies(&self) -> BTreeMap<Gateway, Tally> {
        self.lock_tallies().clone()
    }

    fn lock_tallies(&self) -> MutexGuard<'_, BTreeMap<Gateway, Tally>> {
        self.tallies.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, gateway: Gateway, what: impl FnOnce(&mut Tally)) {
        what(self.lock_tallies().entry(gateway).or_default());
    }

    /// Waits until no webhook is under way; how many arrived, and how many never will.
    pub(crate) async fn idle(&self, simulation: &Simulation) -> (u64, u64) {
        loop {
            let quiet = self.quiet.notified();
            tokio::pin!(quiet);
            quiet.as_mut().enable();
            // in this order: letters leave the box only after the postman is busy
            let empty = simulation.world().letters.is_empty();
            if empty && !self.busy.load(Ordering::SeqCst) {
                let tallies = self.tallies();
                let sum = |of: fn(&Tally) -> u64| tallies.values().map(of).sum();
                return (
                    sum(|tally| tally.arrived),
                    sum(|tally| tally.lost + tally.given_up),
                );
            }
            self.news.notify_one();
            quiet.await;
        }
    }

    /// Delivers for ever.
    pub(crate) async fn work(self: Arc<Self>, simulation: &Simulation) {
        loop {
            self.news.notified().await;
            self.busy.store(true, Ordering::SeqCst);
            loop {
                let round = self.round(simulation);
                if round.is_empty() {
                    break;
                }
                let places = Arc::new(Semaphore::new(AT_ONCE));
                let mut under_way = JoinSet::new();
                for (account, letter, delay) in round {
                    let (postman, places) = (Arc::clone(&self), Arc::clone(&places));
                    under_way.spawn(async move {
                        let _place = places.acquire().await;
                        tokio::time::sleep(delay).await;
                        postman.deliver(&account, &letter).await;
                    });
                }
                while under_way.join_next().await.is_some() {}
            }
            self.busy.store(false, Ordering::SeqCst);
            self.quiet.notify_waiters();
        }
    }

    /// Empties the box; what is left of it after its losses, with its copies, in its order.
    fn round(&self, simulation: &Simulation) -> Vec<(Account, Letter, Duration)> {
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        let mut world = simulation.world();
        let mut round = Vec::new();
        let mut shuffled = false;
        for letter in std::mem::take(&mut world.letters) {
            let account = world.accounts[letter.account].clone();
            if account.webhook_url.is_none() {
                continue;
            }
            let faults = world.faults(account.gateway).webhooks;
            shuffled |= faults.shuffled;
            let lost = random.random_range(0..100) < faults.lost_percent;
            self.count(account.gateway, |tally| {
                tally.written += 1;
                tally.lost += u64::from(lost);
                tally.copies += u64::from(if lost { 0 } else { faults.duplicates });
            });
            if lost {
                continue;
            }
            let delay = Duration::from_millis(faults.delay_ms);
            for copy in 0..=faults.duplicates {
                let letter = copied(&letter, copy, &account, &faults);
                round.push((account.clone(), letter, delay));
            }
        }
        if shuffled {
            round.shuffle(&mut *random);
        }
        round
    }

    async fn deliver(&self, account: &Account, letter: &Letter) {
        let url = account.webhook_url.as_deref().unwrap_or_default();
        for attempt in 0..TRIES {
            let at = OffsetDateTime::now_utc();
            let mut request = self
                .http
                .post(url)
                .timeout(TIMEOUT)
                .header("content-type", "application/json");
            let headers = match account.gateway {
                Gateway::Cashfree => cashfree::headers(account, letter, at, attempt + 1),
                Gateway::Stripe => stripe::headers(account, letter, at),
                Gateway::Razorpay => razorpay::headers(account, letter),
            };
            for (name, value) in headers {
                request = request.header(name, value);
            }
            let answer = request.body(letter.body.clone()).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                self.count(account.gateway, |tally| tally.arrived += 1);
                return;
            }
            tokio::time::sleep(PAUSE * 2_u32.pow(attempt)).await;
        }
        self.count(account.gateway, |tally| tally.given_up += 1);
    }
}

/// The letter, or its next copy: the same, or the same fact under another event's id.
fn copied(letter: &Letter, copy: u32, account: &Account, faults: &Webhooks) -> Letter {
    if copy == 0 || !faults.fresh_ids {
        return letter.clone();
    }
    let mut fresh = letter.clone();
    fresh.event_id = format!("{}{copy}", letter.event_id);
    if account.gateway == Gateway::Stripe
        && let Ok(mut body) = serde_json::from_str::<Value>(&letter.body)
    {
        body["id"] = Value::from(fresh.event_id.clone());
        fresh.body = body.to_string();
    }
    fresh
}
