//! Random sequences of calls against a model of a few lines. After each call, the database has the
//! counters of the model and keeps every promise.

use std::collections::BTreeMap;

use operations::checkout::{self, Begin, BeginError, Begun, ReleaseError};
use operations::ids::{CheckoutId, Shop};
use operations::order::{self, Create, CreateError, Created, PaymentMethod};
use operations::payment::{self, EventKind, Gateway, Outcome};
use proptest::collection::vec;
use proptest::prelude::*;
use tests::{TestDb, begin_request, event, new_id, order_request, property, shop};

const CASES: u32 = 24;
const STEPS: usize = 30;
const SKUS: [&str; 3] = ["A", "B", "C"];
const CHECKOUTS: usize = 5;

type Lines = BTreeMap<usize, i32>;

#[derive(Debug, Clone)]
enum Step {
    Begin(usize, Lines),
    Order(usize, PaymentMethod),
    Pay(usize),
    Fail(usize),
    Release(usize),
    TimePasses(usize),
    Sweep,
    Adjust(usize, i32),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let which = 0..CHECKOUTS;
    let lines = proptest::collection::btree_map(0..SKUS.len(), 1..4_i32, 1..=SKUS.len());
    let method = prop_oneof![Just(PaymentMethod::Online), Just(PaymentMethod::Offline)];
    let delta = prop_oneof![-3..0_i32, 1..4_i32];
    let step = prop_oneof![
        6 => (which.clone(), lines).prop_map(|(n, lines)| Step::Begin(n, lines)),
        3 => (which.clone(), method).prop_map(|(n, method)| Step::Order(n, method)),
        3 => which.clone().prop_map(Step::Pay),
        1 => which.clone().prop_map(Step::Fail),
        2 => which.clone().prop_map(Step::Release),
        3 => which.prop_map(Step::TimePasses),
        1 => Just(Step::Sweep),
        2 => (0..SKUS.len(), delta).prop_map(|(sku, delta)| Step::Adjust(sku, delta)),
    ];
    vec(step, 1..=STEPS)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Ordered,
    Paid,
    Released,
    Expired,
}

#[derive(Debug, Clone)]
struct Attempt {
    lines: Lines,
    state: State,
    due: bool,
    revision: i64,
    order: Option<PaymentMethod>,
    /// Whether the gateway has taken the money: the order is completed, or the money is owed back.
    paid: bool,
}

impl Attempt {
    fn holds(&self) -> bool {
        matches!(self.state, State::Open | State::Ordered)
    }
}

/// The expected state of the database.
#[derive(Debug, Default)]
struct Model {
    on_hand: [i32; SKUS.len()],
    attempts: BTreeMap<usize, Attempt>,
}

impl Model {
    fn held(&self, sku: usize) -> i32 {
        let holding = self.attempts.values().filter(|attempt| attempt.holds());
        holding.filter_map(|attempt| attempt.lines.get(&sku)).sum()
    }

    /// Takes `lines` if the units are available; expires due checkouts that have them. The
    /// checkout's own hold never counts against it.
    fn take(&mut self, own: usize, lines: &Lines) -> bool {
        loop {
            let mine = self
                .attempts
                .get(&own)
                .filter(|attempt| attempt.holds())
                .cloned();
            let short: Vec<usize> = lines
                .iter()
                .filter(|(sku, wanted)| {
                    let has = mine
                        .as_ref()
                        .and_then(|mine| mine.lines.get(sku))
                        .unwrap_or(&0);
                    self.on_hand[**sku] - self.held(**sku) + has < **wanted
                })
                .map(|(sku, _)| *sku)
                .collect();
            if short.is_empty() {
                return true;
            }
            let mut reclaimed = false;
            for attempt in self.attempts.values_mut() {
                let in_the_way = short.iter().any(|sku| attempt.lines.contains_key(sku));
                if attempt.holds() && attempt.due && in_the_way {
                    attempt.state = State::Expired;
                    reclaimed = true;
                }
            }
            if !reclaimed {
                return false;
            }
        }
    }

    fn consume(&mut self, n: usize) {
        let attempt = self.attempts.get_mut(&n).unwrap();
        attempt.state = State::Paid;
        for (sku, units) in &attempt.lines {
            self.on_hand[*sku] -= units;
        }
    }

    /// The outcome, named as the routines name it.
    fn begin(&mut self, n: usize, lines: &Lines) -> &'static str {
        let known = self.attempts.get(&n).cloned();
        if let Some(known) = &known {
            match known.state {
                State::Released | State::Expired | State::Paid => return "ended",
                // a due checkout is shown as expired, and so is its order
                State::Open | State::Ordered if known.due => return "ended",
                State::Ordered => return "ordered",
                State::Open => {}
            }
        }
        if !self.take(n, lines) {
            return "shortage";
        }
        let revision = known.as_ref().map_or(1, |known| known.revision + 1);
        let attempt = Attempt {
            lines: lines.clone(),
            state: State::Open,
            due: false,
            revision,
            order: None,
            paid: false,
        };
        self.attempts.insert(n, attempt);
        if known.is_some() {
            "replaced"
        } else {
            "placed"
        }
    }

    fn order(&mut self, n: usize, method: PaymentMethod) -> &'static str {
        let Some(attempt) = self.attempts.get(&n).cloned() else {
            return "not_found";
        };
        match (attempt.order, attempt.state) {
            (Some(before), _) if before == method => return "same",
            (Some(_), _) => return "conflict",
            (None, State::Released) => return "ended",
            (None, State::Expired) if !self.take(n, &attempt.lines) => return "shortage",
            (None, _) => {}
        }
        let attempt = self.attempts.get_mut(&n).unwrap();
        attempt.order = Some(method);
        attempt.state = State::Ordered;
        attempt.due = false;
        if method == PaymentMethod::Offline {
            self.consume(n);
        }
        "created"
    }

    /// None: there is no order to pay.
    fn pay(&mut self, n: usize) -> Option<Outcome> {
        let attempt = self.attempts.get(&n)?.clone();
        let method = attempt.order?;
        if attempt.paid {
            return Some(Outcome::NoEffect);
        }
        self.attempts.get_mut(&n)?.paid = true;
        if method == PaymentMethod::Offline {
            return Some(Outcome::Excess);
        }
        if attempt.state == State::Ordered {
            self.consume(n);
            return Some(Outcome::Completed);
        }
        if self.take(n, &attempt.lines) {
            self.consume(n);
            return Some(Outcome::CompletedLate);
        }
        Some(Outcome::RefundDue)
    }

    fn release(&mut self, n: usize) -> &'static str {
        match self.attempts.get_mut(&n) {
            None => "not_found",
            Some(attempt) if attempt.state == State::Paid => "paid",
            Some(attempt) => {
                if attempt.holds() {
                    attempt.state = State::Released;
                }
                "released"
            }
        }
    }

    fn sweep(&mut self) {
        for attempt in self.attempts.values_mut() {
            if attempt.holds() && attempt.due {
                attempt.state = State::Expired;
            }
        }
    }

    fn adjust(&mut self, sku: usize, delta: i32) -> &'static str {
        if self.on_hand[sku] + delta < self.held(sku) {
            return "below_held";
        }
        self.on_hand[sku] += delta;
        "adjusted"
    }
}

/// One run: a shop, and its model.
struct Run<'a> {
    test: &'a TestDb,
    shop: Shop,
    ids: [CheckoutId; CHECKOUTS],
    model: Model,
    events: usize,
}

impl Run<'_> {
    async fn step(&mut self, step: &Step) {
        match step {
            Step::Begin(n, lines) => self.begin(*n, lines).await,
            Step::Order(n, method) => {
                let request = Create {
                    shop: self.shop.clone(),
                    method: *method,
                    ..order_request(self.ids[*n])
                };
                let outcome = match order::create(&self.test.db, &request).await {
                    Ok(Created::New(_)) => "created",
                    Ok(Created::Same(_)) => "same",
                    Err(CreateError::NotFound) => "not_found",
                    Err(CreateError::Conflict) => "conflict",
                    Err(CreateError::CheckoutEnded) => "ended",
                    Err(CreateError::Shortage(_)) => "shortage",
                    Err(other) => panic!("{other:?}"),
                };
                assert_eq!(outcome, self.model.order(*n, *method));
            }
            Step::Pay(n) => {
                let expected = self.model.pay(*n);
                assert_eq!(self.record(*n, EventKind::Paid).await, expected);
            }
            Step::Fail(n) => {
                self.record(*n, EventKind::Failed).await;
            }
            Step::Release(n) => {
                let released =
                    checkout::release(&self.test.db, &self.shop, self.ids[*n], None).await;
                let outcome = match released {
                    Ok(_) => "released",
                    Err(ReleaseError::NotFound) => "not_found",
                    Err(ReleaseError::Paid) => "paid",
                    Err(other) => panic!("{other:?}"),
                };
                assert_eq!(outcome, self.model.release(*n));
            }
            Step::TimePasses(n) => {
                if let Some(attempt) = self.model.attempts.get_mut(n).filter(|one| one.holds()) {
                    attempt.due = true;
                    self.test.make_due(self.ids[*n]).await;
                }
            }
            Step::Sweep => {
                self.model.sweep();
                self.test.sweep().await;
            }
            Step::Adjust(sku, delta) => {
                let adjust = format!(
                    "select o_outcome::text from holdfast.stock_adjust(
                        '{}', '{}', {delta}, null, 'adjusted', 'model', null)",
                    self.shop, SKUS[*sku]
                );
                let outcome = self.test.text(&adjust).await;
                assert_eq!(outcome, self.model.adjust(*sku, *delta));
            }
        }
    }

    async fn begin(&mut self, n: usize, lines: &Lines) {
        let wanted: Vec<(&str, i64)> = lines
            .iter()
            .map(|(sku, units)| (SKUS[*sku], i64::from(*units)))
            .collect();
        let before = self.model.attempts.get(&n);
        let revision = before.map_or(1, |attempt| attempt.revision + 1);
        let request = Begin {
            shop: self.shop.clone(),
            revision: revision.try_into().unwrap(),
            ..begin_request(self.ids[n], &wanted)
        };
        let outcome = match checkout::begin(&self.test.db, &request).await {
            Ok(Begun::Placed(_)) => "placed",
            Ok(Begun::Replaced(_)) => "replaced",
            Err(BeginError::Ended) => "ended",
            Err(BeginError::Ordered) => "ordered",
            Err(BeginError::Shortage(_)) => "shortage",
            other => panic!("{other:?}"),
        };
        assert_eq!(outcome, self.model.begin(n, lines));
    }

    /// Each event is a new message; each checkout has one payment.
    async fn record(&mut self, n: usize, kind: EventKind) -> Option<Outcome> {
        let order = order::read(&self.test.db, &self.shop, self.ids[n], None)
            .await
            .unwrap()?;
        self.events += 1;
        let event = payment::Event {
            key: format!("event-{}", self.events),
            ..event(&order, kind, &format!("pay-{n}"))
        };
        let recorded =
            payment::record_event(&self.test.payments, &self.shop, Gateway::Cashfree, &event).await;
        Some(recorded.unwrap().outcome)
    }

    async fn assert_as_in_the_model(&self) {
        for (n, sku) in SKUS.into_iter().enumerate() {
            let level = "select on_hand, held from holdfast.stock_levels \
                         where shop = $1 and sku = $2";
            let shop = self.shop.as_str();
            let row = self
                .test
                .owner
                .query_one(level, &[&shop, &sku])
                .await
                .unwrap();
            let expected = (self.model.on_hand[n], self.model.held(n));
            assert_eq!(
                (row.get(0), row.get(1)),
                expected,
                "on_hand and held of {sku}"
            );
        }
        self.test.assert_promises_hold().await;
    }
}

async fn run_steps(test: &TestDb, shop_code: &str, steps: &[Step]) {
    test.shop(shop_code).await;
    let mut model = Model::default();
    for (n, (sku, units)) in SKUS.into_iter().zip([2, 4, 6]).enumerate() {
        test.sku_of(shop_code, sku, units).await;
        model.on_hand[n] = units;
    }
    let mut run = Run {
        test,
        shop: shop(shop_code),
        ids: std::array::from_fn(|_| new_id()),
        model,
        events: 0,
    };
    for step in steps {
        run.step(step).await;
        run.assert_as_in_the_model().await;
    }
}

/// Promises 1 to 4 and 6.
#[test]
fn any_sequence_of_calls_ends_as_in_the_model() {
    property::play(CASES, 200, &steps(), async |test, number, steps| {
        run_steps(test, &format!("s{number}"), &steps).await;
    });
}
