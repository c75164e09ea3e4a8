//! Random requests, in batches and one by one: the same answers, the same rows, the same promises.

use std::collections::{BTreeMap, BTreeSet};

use operations::checkout::{self, Begin, BeginError, Begun};
use operations::ids::CheckoutId;
use operations::quantity::HoldSeconds;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use tests::{TestDb, begin_request, new_id, property, shop};

const CASES: u32 = 48;
/// The stock of each sku. `L` has a limit per customer, `R` is retired, `N` does not exist. A line
/// may have three units, a cart seven.
const SKUS: [(&str, i32); 6] = [("A", 9), ("B", 5), ("C", 40), ("L", 30), ("R", 9), ("N", 0)];
const CHECKOUTS: usize = 60;
const CUSTOMERS: usize = 6;
/// The tables that a begin writes, or that must agree with it.
const TABLES: [&str; 6] = [
    "checkouts",
    "holds",
    "stock_levels",
    "stock_movements",
    "customer_checkouts",
    "customer_units",
];

#[derive(Debug, Clone)]
struct Asked {
    checkout: usize,
    customer: usize,
    revision: i64,
    lines: BTreeMap<usize, i64>,
    hold_s: Option<i64>,
}

#[derive(Debug, Clone)]
enum Step {
    Begin(Vec<Asked>),
    Release(usize),
    TimePasses(usize),
    /// A sku gets another sale window.
    Window(usize, usize),
}

/// Always on sale, not yet, no longer.
const WINDOWS: [&str; 3] = [
    "sale_opens_at = null, sale_closes_at = null",
    "sale_opens_at = now() + interval '1 hour', sale_closes_at = null",
    "sale_opens_at = null, sale_closes_at = now() - interval '1 hour'",
];

fn asked() -> impl Strategy<Value = Asked> {
    let sku = prop_oneof![20 => 0..4_usize, 1 => 4..SKUS.len()];
    let units = prop_oneof![9 => 1..4_i64, 1 => Just(4)];
    let lines = btree_map(sku, units, 1..4);
    let revision = prop_oneof![6 => Just(1_i64), 1 => Just(2)];
    // the last one is longer than the shop allows
    let hold_s = prop_oneof![8 => Just(None), 2 => Just(Some(60)), 1 => Just(Some(5_000))];
    (0..CHECKOUTS, 0..CUSTOMERS, revision, lines, hold_s).prop_map(
        |(checkout, customer, revision, lines, hold_s)| Asked {
            checkout,
            // usually one customer for each checkout
            customer: if customer == 0 { 0 } else { checkout },
            revision,
            lines,
            hold_s,
        },
    )
}

/// Whether checkouts are limited, how a call flushes, and the steps.
fn steps() -> impl Strategy<Value = (bool, &'static str, Vec<Step>)> {
    let step = prop_oneof![
        8 => vec(asked(), 1..20).prop_map(Step::Begin),
        2 => (0..CHECKOUTS).prop_map(Step::Release),
        3 => (0..CHECKOUTS).prop_map(Step::TimePasses),
        2 => (0..4_usize, 0..WINDOWS.len()).prop_map(|(sku, window)| Step::Window(sku, window)),
    ];
    let way = prop_oneof![Just("message"), Just("row-lock"), Just("off")];
    (any::<bool>(), way, vec(step, 1..8))
}

/// How often each way was taken.
#[derive(Debug, Default)]
struct Seen {
    placed: usize,
    refused: usize,
    apart: usize,
    not_on_sale: usize,
}

/// Two shops with the same skus. One is asked one by one, the other in batches.
struct Run<'a> {
    test: &'a TestDb,
    one: String,
    many: String,
    ids: [CheckoutId; CHECKOUTS],
}

impl Run<'_> {
    async fn prepare(&self, checkouts_are_limited: bool) {
        for code in [&self.one, &self.many] {
            self.test.shop(code).await;
            for (sku, units) in &SKUS[..5] {
                self.test.sku_of(code, sku, *units).await;
            }
            let most = if checkouts_are_limited { "3" } else { "null" };
            self.test
                .sql(&format!(
                    "update holdfast.skus set limit_per_customer = 4
                        where shop = '{code}' and sku = 'L';
                    update holdfast.skus set retired_at = now()
                        where shop = '{code}' and sku = 'R';
                    update holdfast.shops
                        set checkouts_per_customer_max = {most}, units_per_line_max = 3,
                            units_per_cart_max = 7
                        where shop = '{code}'"
                ))
                .await;
        }
    }

    fn request(&self, code: &str, asked: &Asked) -> Begin {
        let lines: Vec<(&str, i64)> = asked
            .lines
            .iter()
            .map(|(sku, units)| (SKUS[*sku].0, *units))
            .collect();
        // names that differ only in case are one customer
        let name = match asked.checkout % 2 {
            0 => format!("customer-{}", asked.customer),
            _ => format!("Customer-{}", asked.customer),
        };
        Begin {
            shop: shop(code),
            customer: name.parse().unwrap(),
            revision: asked.revision.try_into().unwrap(),
            hold: asked.hold_s.map(|s| HoldSeconds::try_from(s).unwrap()),
            ..begin_request(self.ids[asked.checkout], &lines)
        }
    }

    async fn begin(&self, batch: &[Asked], seen: &mut Seen) {
        let requests: Vec<Begin> = batch
            .iter()
            .map(|asked| self.request(&self.many, asked))
            .collect();
        let all: Vec<&Begin> = requests.iter().collect();
        let decided = checkout::begin_many(&self.test.db, &all).await.unwrap();
        assert_eq!(decided.len(), batch.len());
        // A batch counts as if what it decided had come first, in its order, and then the rest.
        let (mut first, mut then) = (Vec::new(), Vec::new());
        for (nth, decided) in decided.into_iter().enumerate() {
            match decided {
                Some(answer) => {
                    seen.placed += usize::from(answer.is_ok());
                    seen.refused += usize::from(answer.is_err());
                    first.push((nth, comparable(&answer)));
                }
                None => then.push(nth),
            }
        }
        seen.apart += then.len();
        for nth in then {
            let answer = checkout::begin(&self.test.db, &requests[nth]).await;
            seen.not_on_sale += usize::from(matches!(answer, Err(BeginError::NotOnSale(_))));
            first.push((nth, comparable(&answer)));
        }
        for (nth, together) in first {
            let request = self.request(&self.one, &batch[nth]);
            let alone = checkout::begin(&self.test.db, &request).await;
            assert_eq!(together, comparable(&alone), "{:?}", batch[nth]);
        }
    }

    async fn step(&self, step: &Step, seen: &mut Seen) {
        match step {
            Step::Begin(batch) => self.begin(batch, seen).await,
            Step::Release(nth) => {
                for code in [&self.one, &self.many] {
                    let shop = shop(code);
                    // unknown ids are not found in both
                    let released =
                        checkout::release(&self.test.db, &shop, self.ids[*nth], None).await;
                    drop(released);
                }
            }
            // in both shops: the id is the same
            Step::TimePasses(nth) => self.test.make_due(self.ids[*nth]).await,
            Step::Window(sku, window) => {
                self.test
                    .sql(&format!(
                        "update holdfast.skus set {}
                        where shop in ('{}', '{}') and sku = '{}'",
                        WINDOWS[*window], self.one, self.many, SKUS[*sku].0
                    ))
                    .await;
            }
        }
        let (one, many) = (self.rows(&self.one).await, self.rows(&self.many).await);
        assert_eq!(one, many);
    }

    /// The rows of a shop without its name, its times and the number of writes of a stock level: a
    /// batch writes it once.
    async fn rows(&self, code: &str) -> BTreeSet<String> {
        let tables = TABLES.map(|table| {
            format!(
                "select '{table} ' || (to_jsonb(t) - 'shop' - 'version' - 'created_at'
                    - 'expires_at' - 'ended_at' - 'resolved_at')::text
                from holdfast.{table} t where t.shop = '{code}'"
            )
        });
        let query = tables.join(" union all ");
        let rows = self.test.owner.query(&query, &[]).await.unwrap();
        let rows: BTreeSet<String> = rows.iter().map(|row| row.get(0)).collect();
        assert!(rows.len() >= SKUS.len(), "{rows:?}");
        rows
    }
}

/// An answer without its times, except the length of a new hold.
fn comparable(answer: &Result<Begun, BeginError>) -> String {
    let (word, checkout) = match answer {
        Ok(Begun::Placed(checkout)) => ("placed", checkout),
        Ok(Begun::Replaced(checkout)) => ("replaced", checkout),
        Ok(Begun::Same(checkout)) => ("same", checkout),
        Err(refusal) => return format!("{refusal:?}"),
    };
    let length = match word {
        "placed" => (checkout.expires_at - checkout.server_time).to_string(),
        _ => String::new(),
    };
    let mut shown = serde_json::to_value(checkout).unwrap();
    for time in ["expires_at", "server_time"] {
        shown.as_object_mut().unwrap().remove(time);
    }
    format!("{word} {length} {shown}")
}

/// Promises 1, 2, 6 and 7.
#[test]
fn requests_in_batches_get_the_answers_that_they_get_one_by_one() {
    let seen = std::sync::Mutex::new(Seen::default());
    property::play(
        CASES,
        100,
        &steps(),
        async |test, number, (limited, way, steps)| {
            test.sql(&format!("select holdfast.early_release_choose('{way}')"))
                .await;
            let run = Run {
                test,
                one: format!("one{number}"),
                many: format!("many{number}"),
                ids: std::array::from_fn(|_| new_id()),
            };
            let mut own = Seen::default();
            run.prepare(limited).await;
            for step in &steps {
                run.step(step, &mut own).await;
            }
            test.assert_promises_hold().await;
            let mut seen = seen.lock().unwrap();
            seen.placed += own.placed;
            seen.refused += own.refused;
            seen.apart += own.apart;
            seen.not_on_sale += own.not_on_sale;
        },
    );
    // the control: the batches decided, and not only the single calls behind them
    let seen = seen.into_inner().unwrap();
    assert!(
        seen.placed > 40 && seen.refused > 40 && seen.apart > 40 && seen.not_on_sale > 0,
        "{seen:?}"
    );
}
