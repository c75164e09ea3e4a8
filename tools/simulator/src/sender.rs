//! Sends webhooks. Loses, copies, shuffles and delays them as the faults demand, signs each when it
//! leaves, and sends it again if the answer is not 2xx.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{Rng as _, SeedableRng as _};
use serde::Serialize;
use serde_json::Value;
use tokio::sync::{Notify, watch};

use crate::account::{Account, Gateway};
use crate::faults::Webhooks;
use crate::gateways::api;
use crate::state::{State, Webhook, lock};

/// The timeout of one attempt.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Attempts for one webhook, and the pause after the first. Each further pause doubles.
const ATTEMPTS: u32 = 6;
const PAUSE: Duration = Duration::from_millis(100);
/// Webhooks on their way at the same time.
const CONCURRENCY: usize = 16;

pub(crate) struct Sender {
    state: Arc<Mutex<State>>,
    http: reqwest::Client,
    random: Mutex<StdRng>,
    woken: Notify,
    busy: watch::Sender<bool>,
    counts: Mutex<BTreeMap<Gateway, Counts>>,
}

/// How many of one gateway's webhooks came how far.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct Counts {
    /// Written, whether sent or lost.
    written: u64,
    /// Never sent.
    lost: u64,
    /// Additional copies.
    copies: u64,
    /// Answered with 2xx, copies included.
    arrived: u64,
    /// Never answered with 2xx, copies included.
    given_up: u64,
}

impl Sender {
    pub(crate) fn new(state: Arc<Mutex<State>>, seed: u64) -> Self {
        Self {
            state,
            http: reqwest::Client::new(),
            // Losses are random independently of ids.
            random: Mutex::new(StdRng::seed_from_u64(seed ^ 0x706f_7374)),
            woken: Notify::new(),
            busy: watch::Sender::new(false),
            counts: Mutex::default(),
        }
    }

    /// Call it after webhooks were added to the state.
    pub(crate) fn wake(&self) {
        self.woken.notify_one();
    }

    pub(crate) fn counts(&self) -> BTreeMap<Gateway, Counts> {
        lock(&self.counts).clone()
    }

    fn count(&self, gateway: Gateway, add: impl FnOnce(&mut Counts)) {
        add(lock(&self.counts).entry(gateway).or_default());
    }

    /// Waits until no webhook is on its way. Returns how many arrived and how many never will.
    pub(crate) async fn idle(&self) -> (u64, u64) {
        let mut busy = self.busy.subscribe();
        loop {
            // The sender becomes busy before it takes the webhooks, so this order misses none.
            let empty = lock(&self.state).webhooks.is_empty();
            if empty && !*busy.borrow_and_update() {
                let counts = self.counts();
                let sum = |of: fn(&Counts) -> u64| counts.values().map(of).sum();
                return (sum(|of| of.arrived), sum(|of| of.lost + of.given_up));
            }
            // It can't fail: `self` owns the other end.
            let _ = busy.changed().await;
        }
    }

    /// Sends webhooks for ever.
    pub(crate) async fn run(&self) {
        loop {
            self.woken.notified().await;
            self.busy.send_replace(true);
            loop {
                let round = self.take_round();
                if round.is_empty() {
                    break;
                }
                let sending = stream::iter(round);
                sending
                    .for_each_concurrent(CONCURRENCY, |(account, webhook, delay)| async move {
                        tokio::time::sleep(delay).await;
                        self.send(&account, &webhook).await;
                    })
                    .await;
            }
            self.busy.send_replace(false);
        }
    }

    /// Takes all waiting webhooks and applies the faults: losses, copies and order.
    fn take_round(&self) -> Vec<(Account, Webhook, Duration)> {
        let mut random = lock(&self.random);
        let mut state = lock(&self.state);
        let mut round = Vec::new();
        let mut shuffled = false;
        for webhook in std::mem::take(&mut state.webhooks) {
            let account = state.accounts[webhook.account].clone();
            if account.webhook_url.is_none() {
                continue;
            }
            let faults = state.faults(account.gateway).webhooks;
            shuffled |= faults.shuffled;
            let lost = random.random_range(0..100) < faults.lost_percent;
            self.count(account.gateway, |counts| {
                counts.written += 1;
                counts.lost += u64::from(lost);
                counts.copies += u64::from(if lost { 0 } else { faults.duplicates });
            });
            if lost {
                continue;
            }
            let delay = Duration::from_millis(faults.delay_ms);
            for number in 0..=faults.duplicates {
                let copy = copy(&webhook, number, account.gateway, &faults);
                round.push((account.clone(), copy, delay));
            }
        }
        if shuffled {
            round.shuffle(&mut *random);
        }
        round
    }

    async fn send(&self, account: &Account, webhook: &Webhook) {
        let url = account.webhook_url.as_deref().unwrap_or_default();
        let secret = &account.webhook_secret;
        let gateway = api(account.gateway);
        for attempt in 0..ATTEMPTS {
            let mut request = self
                .http
                .post(url)
                .timeout(TIMEOUT)
                .header("content-type", "application/json");
            for (name, value) in gateway.webhook_headers(secret, webhook, attempt + 1) {
                request = request.header(name, value);
            }
            let answer = request.body(webhook.body.clone()).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                self.count(account.gateway, |counts| counts.arrived += 1);
                return;
            }
            tokio::time::sleep(PAUSE * 2_u32.pow(attempt)).await;
        }
        self.count(account.gateway, |counts| counts.given_up += 1);
    }
}

/// The webhook itself (copy 0), or a copy of it, with an event id of its own if the faults say so.
fn copy(webhook: &Webhook, number: u32, gateway: Gateway, faults: &Webhooks) -> Webhook {
    let mut copy = webhook.clone();
    if number == 0 || !faults.fresh_ids {
        return copy;
    }
    copy.event_id = format!("{}{number}", webhook.event_id);
    if gateway == Gateway::Stripe
        && let Ok(mut body) = serde_json::from_str::<Value>(&webhook.body)
    {
        body["id"] = Value::from(copy.event_id.clone());
        copy.body = body.to_string();
    }
    copy
}
