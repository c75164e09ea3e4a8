//! A queue whose messages a test reads, and messages to send to it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use operations::outbox::{self, Message, Queue, RelayReport, Sending};

use crate::TestDb;

/// Whether the mailbox refuses a message.
type Refusal = Box<dyn Fn(&Message) -> bool + Send + Sync>;

/// The messages of a queue, in the order of their arrival.
pub struct Mailbox {
    arrived: Mutex<Vec<Message>>,
    refuses: Refusal,
    /// The queue does not answer.
    pub down: AtomicBool,
}

impl Default for Mailbox {
    fn default() -> Self {
        Self::refusing(|_| false)
    }
}

impl Mailbox {
    /// A queue that refuses some messages.
    pub fn refusing(refuses: impl Fn(&Message) -> bool + Send + Sync + 'static) -> Self {
        Self {
            arrived: Mutex::default(),
            refuses: Box::new(refuses),
            down: AtomicBool::new(false),
        }
    }

    /// All messages that arrived, repetitions included.
    pub fn arrived(&self) -> Vec<Message> {
        self.arrived.lock().unwrap().clone()
    }

    /// The ids of the messages that arrived.
    pub fn ids(&self) -> BTreeSet<String> {
        self.arrived().into_iter().map(|of| of.id).collect()
    }

    /// The messages that came before an earlier one of their group. Repetitions don't count; a
    /// receiver knows them by their id.
    pub fn too_early(&self) -> Vec<Message> {
        let mut seen = BTreeSet::new();
        let mut last: BTreeMap<String, i64> = BTreeMap::new();
        let mut wrong = Vec::new();
        for message in self.arrived() {
            if !seen.insert(message.id.clone()) {
                continue;
            }
            let before = last.insert(message.group.clone(), message.number);
            if before.is_some_and(|before| before > message.number) {
                wrong.push(message);
            }
        }
        wrong
    }

    async fn take(
        &self,
        messages: &[Message],
    ) -> Result<outbox::Answers, operations::cause::Cause> {
        // Other relays get their turn between any two batches.
        tokio::task::yield_now().await;
        if self.down.load(Ordering::Relaxed) {
            return Err("nobody answers".into());
        }
        assert!(messages.len() <= outbox::BATCH_MAX);
        let groups: BTreeSet<&str> = messages.iter().map(|of| of.group.as_str()).collect();
        assert_eq!(groups.len(), messages.len(), "two of a group in one batch");
        let mut arrived = self.arrived.lock().unwrap();
        let answer = |message: &Message| {
            if (self.refuses)(message) {
                return Some("refused by the test".to_owned());
            }
            arrived.push(message.clone());
            None
        };
        Ok(messages.iter().map(answer).collect())
    }
}

impl Queue for Mailbox {
    fn send<'a>(&'a self, messages: &'a [Message]) -> Sending<'a> {
        Box::pin(self.take(messages))
    }
}

impl TestDb {
    /// So many orders of `main`, each with so many messages, in turns.
    pub async fn messages(&self, orders: i32, each: i32) {
        let insert = "insert into holdfast.outbox_messages (shop, topic, subject, body, created_at)
            select 'main', 'order.amended', o || ':' || n, jsonb_build_object('order_id', o),
                clock_timestamp()
            from generate_series(1, $2) n, generate_series(1, $1) o order by n, o";
        self.owner.execute(insert, &[&orders, &each]).await.unwrap();
    }

    /// The number of unsent messages.
    pub async fn unsent(&self) -> i64 {
        self.count("select count(*) from holdfast.outbox_messages where sent_at is null")
            .await
    }

    /// Ends every pause and every lease.
    pub async fn pauses_are_over(&self) {
        self.sql(
            "update holdfast.outbox_messages set next_try_at = null
            where sent_at is null and next_try_at is not null",
        )
        .await;
    }

    /// One run of the relay.
    pub async fn announce(&self, mailbox: &Mailbox) -> RelayReport {
        outbox::run_once(&self.sweeper, mailbox, Duration::from_secs(60))
            .await
            .unwrap()
    }
}
