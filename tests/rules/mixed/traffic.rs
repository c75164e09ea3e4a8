//! What all actors of the mixed traffic share.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use local::roles::{ADMIN, PAYMENTS, SWEEPER};
use operations::db::Database;
use operations::ids::{Actor, CheckoutId, OrderId, Shop};
use rand::Rng as _;
use rand::rngs::StdRng;
use tests::{MAIN, TestDb, shop};
use tokio_postgres::Client;
use uuid::Uuid;

/// Every run does each of these, whatever its seed and however slow the machine is.
pub(super) const EVERYTHING: [&str; 22] = [
    "begin",
    "begin: Shortage",
    "replace",
    "extend",
    "release",
    "order",
    "payment Completed",
    "payment Duplicate",
    "payment CompletedLate",
    "payment RefundDue",
    "lapse",
    "edit",
    "edit: BelowHeld",
    "book",
    "amend",
    "cancel",
    "restock",
    "shrink",
    "try: Tried",
    "import: Done",
    "import: Rejected",
    "sweep",
];
/// A slow machine has this much more time to do each of them.
const MORE_TIME_MAX: Duration = Duration::from_secs(120);
/// The limit on a fast machine: it bounds what the check of the promises reads.
const TURNS_A_SECOND_MAX: u64 = 40;
/// Skus with their units at the start: few, so that they run out.
pub(super) const SKUS: [(&str, i32); 4] = [("A", 6), ("B", 8), ("C", 8), ("LIMITED", 12)];
/// An edit that is stale this often counts as starved. A minute of this traffic, in which two of
/// three edits are stale, needed up to 59 tries.
pub(super) const EDIT_TRIES_MAX: u32 = 200;

/// The database as each function reaches it, and the counts of the run.
pub(super) struct Traffic {
    pub(super) main: Shop,
    pub(super) checkout: Database,
    pub(super) payments: Database,
    pub(super) sweeper: Database,
    pub(super) admin: Database,
    pub(super) owner: Client,
    until: Instant,
    pub(super) turns_max: u64,
    pub(super) over: Cell<bool>,
    /// Paid orders, with a sku and its quantity, for returns.
    pub(super) paid: RefCell<Vec<(OrderId, String, i64)>>,
    /// The count of each kind of outcome.
    pub(super) done: RefCell<BTreeMap<String, u64>>,
    /// Answers that must not happen.
    pub(super) wrong: RefCell<Vec<String>>,
    pub(super) edits_begun: Cell<usize>,
    /// The number of tries of each edit that ended.
    pub(super) tries: RefCell<Vec<u32>>,
}

impl Traffic {
    pub(super) async fn new(test: &TestDb, seconds: u64) -> Self {
        Self {
            main: shop(MAIN),
            checkout: test.pool(12),
            payments: test.pool_of(PAYMENTS, 6),
            sweeper: test.pool_of(SWEEPER, 2),
            admin: test.pool_of(ADMIN, 6),
            owner: test.session().await,
            until: Instant::now() + Duration::from_secs(seconds),
            turns_max: seconds * TURNS_A_SECOND_MAX,
            over: Cell::new(false),
            paid: RefCell::default(),
            done: RefCell::default(),
            wrong: RefCell::default(),
            edits_begun: Cell::default(),
            tries: RefCell::default(),
        }
    }

    pub(super) fn over(&self) -> bool {
        let now = Instant::now();
        let has = |what: &&str| self.done.borrow().contains_key(*what);
        self.over.get()
            || now >= self.until && EVERYTHING.iter().all(has)
            || now >= self.until + MORE_TIME_MAX
    }

    pub(super) fn count(&self, what: &str) {
        *self.done.borrow_mut().entry(what.to_owned()).or_default() += 1;
    }

    /// Counts a success or a refusal. A failure (nothing was decided) is wrong.
    pub(super) fn outcome<T, E: std::fmt::Debug>(
        &self,
        what: &str,
        result: Result<T, E>,
    ) -> Option<T> {
        match result {
            Ok(value) => {
                self.count(what);
                Some(value)
            }
            Err(error) => {
                let error = format!("{error:?}");
                let kind = error.split(|c: char| !c.is_alphanumeric()).next();
                let kind = kind.unwrap_or_default();
                if kind == "Failure" || error.starts_with("Unavailable") {
                    self.wrong.borrow_mut().push(format!("{what}: {error}"));
                }
                self.count(&format!("{what}: {kind}"));
                None
            }
        }
    }

    /// Moves the end of a hold into the past: this checkout's, or any. A statement of its own locks
    /// the row first, so that the next one sees the holds of the session that had the lock before.
    pub(super) async fn lapse(&self, id: Option<CheckoutId>) {
        let any = "select checkout_id from holdfast.checkouts where ended_at is null \
                   order by checkout_id limit 1";
        let id = match id {
            Some(id) => *id.as_uuid(),
            None => match self.owner.query_opt(any, &[]).await.unwrap() {
                Some(row) => row.get(0),
                None => return,
            },
        };
        let lapse = format!(
            "begin;
            select from holdfast.checkouts where shop = 'main' and checkout_id = '{id}' for update;
            with due as (
                update holdfast.checkouts c set expires_at = now() - interval '1 second'
                where c.checkout_id = '{id}' and c.ended_at is null
                returning c.shop, c.checkout_id, c.expires_at)
            update holdfast.holds h set expires_at = due.expires_at from due
            where h.shop = due.shop and h.checkout_id = due.checkout_id and h.status = 'active';
            commit"
        );
        self.owner.batch_execute(&lapse).await.unwrap();
        self.count("lapse");
    }
}

pub(super) fn any_sku(random: &mut StdRng) -> &'static str {
    SKUS[random.random_range(0..SKUS.len())].0
}

pub(super) fn id_of<T: From<Uuid>>(random: &mut StdRng) -> T {
    uuid::Builder::from_random_bytes(random.random())
        .into_uuid()
        .into()
}

pub(super) fn actor(name: &str) -> Actor {
    name.parse().unwrap()
}
