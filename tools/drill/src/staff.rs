//! Who works beside the shoppers in a mixed run: clerks, dispatchers, those who import, put back
//! what was returned, and find units missing. Each role is a file: a loop of turns until all are
//! sent home. What they did is kept as deeds, which the promises are judged by.

mod clerk;
mod dispatcher;
mod importer;
mod returns;
mod storekeeper;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::Method;
use serde_json::Value;
use tokio::sync::watch::{Receiver, Sender, channel};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::answers::Sku;
use crate::api::{Api, Reply, Sent};
use crate::claims::{self, Claim};
use crate::history::{Deed, End, When, Work};
use crate::meters::Call;
use crate::random::Random;
use crate::stage::Stage;

const CLERKS: u64 = 3;
const DISPATCHERS: u64 = 2;
/// Streams of the seed that no shopper has: their numbers are 32 bits.
const STREAMS: u64 = 1 << 40;

/// All who work, until [`Staff::go_home`].
pub(crate) struct Staff {
    office: Arc<Office>,
    stop: Sender<bool>,
    working: JoinSet<()>,
}

impl Staff {
    pub(crate) fn start(stage: &Arc<Stage>, skus: Vec<Sku>) -> Self {
        let (stop, stopped) = channel(false);
        let office = Arc::new(Office {
            stage: Arc::clone(stage),
            skus,
            deeds: Mutex::default(),
            stopped,
        });
        let mut working = JoinSet::new();
        let mut streams = 0..;
        let mut hire = || {
            let stream = streams.next().unwrap_or(0);
            (Arc::clone(&office), office.random(stream))
        };
        for _ in 0..CLERKS {
            let (office, random) = hire();
            working.spawn(clerk::work(office, random));
        }
        for _ in 0..DISPATCHERS {
            let (office, random) = hire();
            working.spawn(dispatcher::work(office, random));
        }
        let (here, random) = hire();
        working.spawn(returns::work(here, random));
        let (here, random) = hire();
        working.spawn(storekeeper::work(here, random));
        let (here, random) = hire();
        working.spawn(importer::work(here, random));
        Self {
            office,
            stop,
            working,
        }
    }

    /// What they have taken and brought so far.
    pub(crate) fn claims(&self) -> Vec<Claim> {
        self.office
            .deeds()
            .iter()
            .flat_map(claims::of_deed)
            .collect()
    }

    /// Each ends the turn they are at.
    pub(crate) async fn go_home(mut self) -> Vec<Deed> {
        self.stop.send_replace(true);
        while let Some(ended) = self.working.join_next().await {
            // only when it panicked; that was printed, and what it did is missing in the claims
            let _ = ended;
        }
        self.office.deeds().clone()
    }
}

/// What all of them share.
struct Office {
    stage: Arc<Stage>,
    /// The skus of the run, as they were offered before it.
    skus: Vec<Sku>,
    deeds: Mutex<Vec<Deed>>,
    stopped: Receiver<bool>,
}

impl Office {
    fn api(&self) -> &Api {
        &self.stage.api
    }

    fn random(&self, number: u64) -> Random {
        Random::new(self.stage.seed, STREAMS + number)
    }

    fn deeds(&self) -> std::sync::MutexGuard<'_, Vec<Deed>> {
        self.deeds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Rests for so many milliseconds; false when it is time to go home.
    async fn on_duty(&self, random: &Random, low: u64, high: u64) -> bool {
        let rest = Duration::from_millis(random.between(low, high));
        let mut stopped = self.stopped.clone();
        tokio::select! {
            () = self.api().pause(rest) => {}
            _ = stopped.wait_for(|stopped| *stopped) => {}
        }
        let stopped = *self.stopped.borrow();
        !stopped && !self.api().out_of_time()
    }

    /// A sku of the run: the hot one as often as all others together.
    fn any_sku(&self, random: &Random) -> &str {
        let hot = &self.stage.hot_sku;
        let others: Vec<&str> = self
            .skus
            .iter()
            .map(|sku| sku.sku.as_str())
            .filter(|sku| sku != hot)
            .collect();
        if others.is_empty() || random.percent(50) {
            return hot;
        }
        others[random.index(others.len())]
    }

    /// A sku that is the rehearsal's own, and no shopper's.
    fn own_sku(&self, what: &str) -> String {
        format!("REHEARSAL-{}-{what}", self.stage.run_id)
    }

    fn note(&self, deed: Deed) {
        self.deeds().push(deed);
    }
}

/// Puts a sku of the rehearsal's own into the catalogue.
async fn put_sku(office: &Office, sku: &str, body: &Value) -> bool {
    let (path, sent) = (format!("skus/{sku}"), Sent::Json(body));
    let reply = office
        .api()
        .office(Call::Sku, Method::PUT, &path, sent)
        .await;
    let put = deed(&reply, Uuid::nil(), Work::Other, vec![], &[]);
    let there = put.end == End::Done;
    office.note(put);
    there
}

/// Takes it off sale; its history stays.
async fn retire(office: &Office, sku: &str) {
    let path = format!("skus/{sku}");
    let api = office.api();
    let reply = api
        .office(Call::Sku, Method::DELETE, &path, Sent::Nothing)
        .await;
    office.note(deed(&reply, Uuid::nil(), Work::Other, vec![], &[]));
}

fn new_id(random: &Random) -> Uuid {
    let bytes = (u128::from(random.next()) << 64) | u128::from(random.next());
    uuid::Builder::from_random_bytes(bytes.to_be_bytes()).into_uuid()
}

/// A deed by the answer to its request: done with status 200 or 201, refused with one of `noes`;
/// anything else is no answer that the contract has.
fn deed(reply: &Reply, id: Uuid, work: Work, units: Vec<(String, i64)>, noes: &[&str]) -> Deed {
    let (status, code) = reply.problem();
    let mut wrong = vec![];
    let end = match status {
        200 | 201 => End::Done,
        0 => {
            wrong.push(format!("not answered: {code}"));
            End::Unclear(code)
        }
        // an attempt that went unanswered may still arrive
        _ if noes.contains(&code.as_str()) && reply.when.attempts > 1 => End::Unclear(code),
        409 if code == "shortage" && noes.contains(&"shortage") => End::Short(reply.shortages()),
        _ if noes.contains(&code.as_str()) => End::Refused,
        _ => {
            wrong.push(format!("answered with {status} {code}"));
            End::Refused
        }
    };
    Deed {
        when: reply.when,
        id,
        units,
        end,
        work,
        wrong,
    }
}

/// A reading that gave no answer that the contract has.
fn unread(when: When, what: &str) -> Deed {
    Deed {
        when,
        id: Uuid::nil(),
        units: vec![],
        end: End::Refused,
        work: Work::Other,
        wrong: vec![format!("{what} could not be read")],
    }
}
