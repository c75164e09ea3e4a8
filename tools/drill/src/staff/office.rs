//! The stock office: what all staff share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch::Receiver;
use uuid::Uuid;

use crate::answers::Sku;
use crate::api::{Level, Reply};
use crate::history::{ActionEnd, StaffAction, When, Work};
use crate::meters::Call;
use crate::random::Random;
use crate::sale::Sale;

/// Streams of the seed that no shopper has: a shopper's number has 32 bits.
const STREAMS: u64 = 1 << 40;

pub(super) struct Office {
    pub(super) sale: Arc<Sale>,
    /// The skus of the run, as they were offered before it.
    pub(super) skus: Vec<Sku>,
    pub(super) actions: Mutex<Vec<StaffAction>>,
    pub(super) stopped: Receiver<bool>,
}

impl Office {
    pub(super) fn random(&self, number: u64) -> Random {
        Random::new(self.sale.seed, STREAMS + number)
    }

    pub(super) fn actions(&self) -> MutexGuard<'_, Vec<StaffAction>> {
        self.actions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn note(&self, action: StaffAction) {
        self.actions().push(action);
    }

    /// Rests for some milliseconds; false when it is time to go home.
    pub(super) async fn on_duty(&self, random: &Random, low: u64, high: u64) -> bool {
        let rest = Duration::from_millis(random.between(low, high));
        let mut stopped = self.stopped.clone();
        tokio::select! {
            () = self.sale.api.pause(rest) => {}
            _ = stopped.wait_for(|stopped| *stopped) => {}
        }
        let stopped = *self.stopped.borrow();
        !stopped && !self.sale.api.out_of_time()
    }

    /// The skus of the run except the hot one.
    pub(super) fn other_skus(&self) -> Vec<&str> {
        let skus = self.skus.iter().map(|sku| sku.sku.as_str());
        skus.filter(|sku| *sku != self.sale.hot_sku).collect()
    }

    /// A sku of the run: the hot one as often as all others together.
    pub(super) fn any_sku(&self, random: &Random) -> &str {
        let others = self.other_skus();
        if others.is_empty() || random.percent(50) {
            return &self.sale.hot_sku;
        }
        others[random.index(others.len())]
    }

    /// A sku that only the drill uses, and no shopper.
    pub(super) fn own_sku(&self, what: &str) -> String {
        format!("REHEARSAL-{}-{what}", self.sale.run_id)
    }

    pub(super) async fn level(&self, sku: &str) -> Option<Level> {
        self.sale.api.level(sku).await
    }

    pub(super) async fn send(&self, call: Call, path: &str, body: &Value) -> Reply {
        self.sale.api.office(call, path, body).await
    }

    /// Sends a request that only prepares others. Notes it; true when it was done.
    pub(super) async fn prepare(&self, call: Call, path: &str, body: &Value) -> bool {
        let reply = self.send(call, path, body).await;
        let prepared = action(&reply, Uuid::nil(), Work::Other, vec![], &[]);
        let done = prepared.end == ActionEnd::Done;
        self.note(prepared);
        done
    }

    /// Takes a sku of the drill off sale. Its history stays.
    pub(super) async fn retire(&self, sku: &str) {
        let path = format!("skus/{sku}");
        self.prepare(Call::SkuRetire, &path, &Value::Null).await;
    }

    /// Notes that a level had no readable answer.
    pub(super) fn note_unread(&self, sku: &str, began: Duration) {
        self.note(StaffAction {
            when: When {
                first_sent: began,
                sent: began,
                got: self.sale.api.now(),
                attempts: 1,
            },
            id: Uuid::nil(),
            units: vec![],
            end: ActionEnd::Refused,
            work: Work::Other,
            wrong: vec![format!("{sku} could not be read")],
        });
    }
}

pub(super) fn new_id(random: &Random) -> Uuid {
    let bytes = (u128::from(random.next()) << 64) | u128::from(random.next());
    uuid::Builder::from_random_bytes(bytes.to_be_bytes()).into_uuid()
}

/// An action by the answer to its request: done with status 200 or 201, refused with one of
/// `refusals`. Any other answer is not in the contract.
pub(super) fn action(
    reply: &Reply,
    id: Uuid,
    work: Work,
    units: Vec<(String, i64)>,
    refusals: &[&str],
) -> StaffAction {
    let (status, problem) = reply.problem();
    let code = problem.code;
    let expected = refusals.contains(&code.as_str());
    let mut wrong = vec![];
    let end = match status {
        200 | 201 => ActionEnd::Done,
        0 => {
            wrong.push(format!("not answered: {code}"));
            ActionEnd::Unclear(code)
        }
        // An attempt that went unanswered may still arrive.
        _ if expected && reply.when.attempts > 1 => ActionEnd::Unclear(code),
        409 if expected && code == "shortage" => ActionEnd::Short(problem.shortages),
        _ => {
            if !expected {
                wrong.push(format!("answered with {status} {code}"));
            }
            ActionEnd::Refused
        }
    };
    StaffAction {
        when: reply.when,
        id,
        units,
        end,
        work,
        wrong,
    }
}
