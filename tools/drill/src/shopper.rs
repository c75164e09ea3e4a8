//! One shopper, playing their plan.

mod at_gateway;
mod paying;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use uuid::Uuid;

use crate::answers::{Checkout, Line, Said, Shortage, read};
use crate::api::Reply;
use crate::history::{Fact, Refusable, Visit, What, When};
use crate::plan::{Copies, Ending, Probe, ShopperPlan};
use crate::stage::{Counts, Stage};

/// Beyond the end of a hold, so that it is certainly over.
const LAPSE_MARGIN: Duration = Duration::from_millis(400);

pub(crate) struct Shopper {
    stage: Arc<Stage>,
    pub(crate) plan: ShopperPlan,
    customer: String,
    cart: Vec<Line>,
    /// How many checkouts they began; each has an id of its own.
    tries: u32,
    checkout: Uuid,
    facts: Vec<Fact>,
}

/// What came of an attempt to hold the cart.
enum Took {
    Held(Checkout),
    Short(Vec<Shortage>),
    Unclear,
}

impl Shopper {
    pub(crate) fn new(stage: Arc<Stage>, plan: ShopperPlan) -> Self {
        let customer = stage.customer(plan.number);
        let cart = plan.cart.clone();
        let checkout = stage.checkout_id(plan.number, 0);
        Self {
            stage,
            plan,
            customer,
            cart,
            tries: 0,
            checkout,
            facts: vec![],
        }
    }

    pub(crate) fn into_visit(self) -> Visit {
        Visit {
            number: self.plan.number,
            ending: self.plan.ending,
            facts: self.facts,
        }
    }

    /// The facts so far, as a visit.
    pub(crate) fn so_far(&self) -> Visit {
        let facts = self.facts.clone();
        Visit {
            number: self.plan.number,
            ending: self.plan.ending,
            facts,
        }
    }

    pub(crate) fn leaves(&self) {
        Counts::add(&self.stage.counts.done);
    }

    /// The visit: arrive, look, try to hold the cart, and end as planned. True when the shopper
    /// left empty-handed but would come back for stock that is given back.
    pub(crate) async fn visit(&mut self) -> bool {
        let stage = Arc::clone(&self.stage);
        stage.api.pause(self.plan.arrives).await;
        let skus: Vec<String> = self.cart.iter().map(|line| line.sku.clone()).collect();
        stage.api.availability(&skus).await;
        stage.api.pause(self.plan.thinks).await;
        self.own_price().await;
        let waits = self.plan.tries_again.clone();
        let mut waits = waits.into_iter();
        loop {
            match self.take().await {
                Took::Held(checkout) => {
                    self.hold(checkout).await;
                    return false;
                }
                Took::Short(shortages) => {
                    self.settle_for_less(&shortages);
                    let Some(wait) = waits.next() else {
                        return self.plan.waits_for_more;
                    };
                    stage.api.pause(wait).await;
                }
                Took::Unclear => return false,
            }
        }
    }

    /// Comes back once, in the hope of stock that was given back. True when it was in vain.
    pub(crate) async fn visit_again(&mut self) -> bool {
        match self.take().await {
            Took::Held(checkout) => {
                self.hold(checkout).await;
                false
            }
            Took::Short(shortages) => {
                self.settle_for_less(&shortages);
                true
            }
            Took::Unclear => false,
        }
    }

    fn note(&mut self, when: When, what: What) {
        self.facts.push(Fact {
            when,
            checkout: self.checkout,
            what,
        });
    }

    /// Begins a fresh checkout of the cart, in as many copies as planned.
    async fn take(&mut self) -> Took {
        self.checkout = self.stage.checkout_id(self.plan.number, self.tries);
        self.tries += 1;
        let (together, afterwards) = match self.plan.begin {
            Copies::Once => (1, 0),
            Copies::Together(copies) => (copies, 0),
            Copies::Afterwards(copies) => (1, copies - 1),
        };
        let begin = || {
            self.stage
                .api
                .begin(self.checkout, &self.customer, 1, self.hold_s(), &self.cart)
        };
        let mut answers = join_all((0..together).map(|_| begin())).await;
        for _ in 0..afterwards {
            answers.push(begin().await);
        }
        let retried = answers.iter().any(|(when, _)| when.attempts > 1);
        let took = answers
            .iter()
            .fold(Took::Unclear, |took, (_, said)| match (took, said) {
                (Took::Held(checkout), _) => Took::Held(checkout),
                (_, Said::Yes(checkout)) => Took::Held(checkout.clone()),
                (_, Said::Short(shortages)) => Took::Short(shortages.clone()),
                (took, _) => took,
            });
        for (when, answer) in answers {
            let cart = self.cart.clone();
            let hold_s = self.hold_s();
            self.note(
                when,
                What::Begin {
                    cart,
                    revision: 1,
                    hold_s,
                    answer,
                },
            );
        }
        match &took {
            Took::Held(_) => Counts::add(&self.stage.counts.granted),
            _ => Counts::add(&self.stage.counts.refused),
        }
        if retried && !matches!(took, Took::Held(_)) {
            // an attempt that went unanswered may have been done: a careful client gives it back
            self.release().await;
        }
        took
    }

    /// Only carts that will lapse ask for a time of their own.
    fn hold_s(&self) -> Option<u32> {
        let lapses = matches!(self.plan.ending, Ending::Abandon | Ending::OrderLate);
        lapses.then_some(self.stage.hold_s)
    }

    /// Leaves out of the next cart what is not there; the hot sku stays in, in whatever number
    /// there is.
    fn settle_for_less(&mut self, shortages: &[Shortage]) {
        let hot = &self.stage.hot_sku;
        self.cart
            .retain(|line| line.sku == *hot || shortages.iter().all(|s| s.sku != line.sku));
        let hot_short = shortages.iter().find(|shortage| shortage.sku == *hot);
        if let Some(line) = self.cart.iter_mut().find(|line| line.sku == *hot)
            && hot_short.is_some()
        {
            line.quantity = 1;
        }
    }

    async fn hold(&mut self, mut checkout: Checkout) {
        let stage = Arc::clone(&self.stage);
        self.probe().await;
        if let Some(other) = self.plan.replacement.take() {
            let hold_s = self.hold_s();
            let (when, answer) = stage
                .api
                .begin(self.checkout, &self.customer, 2, hold_s, &other)
                .await;
            if let Said::Yes(replaced) = &answer {
                checkout = replaced.clone();
                self.cart.clone_from(&other);
            }
            self.note(
                when,
                What::Begin {
                    cart: other,
                    revision: 2,
                    hold_s,
                    answer,
                },
            );
        }
        // an extension would keep the units of those who are about to let go
        if self.plan.extends && self.hold_s().is_none() {
            let (when, answer) = stage.api.extend(self.checkout).await;
            self.note(when, What::Extend(answer));
        }
        if self.plan.reads {
            self.read().await;
        }
        stage.api.pause(self.plan.thinks).await;
        match self.plan.ending {
            Ending::Abandon => {}
            Ending::LeaveCart => self.release().await,
            Ending::OrderLate => {
                let left = Duration::try_from(checkout.expires_at - checkout.server_time);
                stage
                    .api
                    .pause(left.unwrap_or_default() + LAPSE_MARGIN)
                    .await;
                self.order_and_pay().await;
            }
            _ => self.order_and_pay().await,
        }
    }

    async fn release(&mut self) {
        let (when, answer) = self.stage.api.release(self.checkout).await;
        self.note(when, What::Release(answer));
    }

    async fn read(&mut self) {
        let (when, answer) = self.stage.api.read(self.checkout).await;
        self.note(when, What::Read(answer));
    }

    /// Tries what must not work, on a checkout that was granted.
    async fn probe(&mut self) {
        let stage = Arc::clone(&self.stage);
        for probe in self.plan.probes.clone() {
            let reply = match probe {
                Probe::OtherCart => {
                    let mut other = self.cart.clone();
                    other.iter_mut().for_each(|line| line.quantity += 1);
                    let body = json!({
                        "customer": self.customer, "revision": 1,
                        "lines": crate::answers::lines_json(&other),
                    });
                    stage.api.put_checkout(self.checkout, &body).await
                }
                Probe::OtherCustomer => {
                    let other = stage.customer(self.plan.number + 1);
                    stage.api.read_as(self.checkout, None, Some(&other)).await
                }
                Probe::OtherShop => {
                    let Some(other) = stage.other_shop.as_deref() else {
                        continue;
                    };
                    stage.api.read_as(self.checkout, Some(other), None).await
                }
                // made before anything is held
                Probe::OwnPrice => continue,
            };
            self.probed(Refusable::Shopper(probe), &reply);
        }
    }

    /// A cart with a price in it, under an id of its own. Should it be taken, it counts like any
    /// other begin, so that its prices are judged; and it is given back.
    async fn own_price(&mut self) {
        if !self.plan.probes.contains(&Probe::OwnPrice) {
            return;
        }
        self.checkout = self.stage.checkout_id(self.plan.number, u32::MAX);
        let cart = vec![Line {
            sku: self.stage.hot_sku.clone(),
            quantity: 1,
        }];
        let body = json!({
            "customer": self.customer,
            "lines": [{"sku": self.stage.hot_sku, "quantity": 1, "price_minor": 1}],
        });
        let reply = self.stage.api.put_checkout(self.checkout, &body).await;
        match &reply.answer {
            Ok((status, body)) if (200..300).contains(status) => {
                let answer = read(*status, body);
                let what = What::Begin {
                    cart,
                    revision: 1,
                    hold_s: None,
                    answer,
                };
                self.note(reply.when, what);
                self.release().await;
            }
            _ => self.probed(Refusable::Shopper(Probe::OwnPrice), &reply),
        }
    }

    fn probed(&mut self, probe: Refusable, reply: &Reply) {
        let code = match &reply.answer {
            Ok((_, body)) => serde_json::from_slice(body).unwrap_or_default(),
            Err(_) => crate::answers::Problem::default(),
        };
        let what = What::Probe {
            probe,
            status: reply.status(),
            code: code.code,
        };
        self.note(reply.when, what);
    }

    /// Reads everything once more that may hold something, when the sale is over.
    pub(crate) async fn audit(&mut self) {
        let mut checkouts: Vec<Uuid> = vec![];
        for fact in &self.facts {
            let What::Begin { answer, .. } = &fact.what else {
                continue;
            };
            let may_hold =
                matches!(answer, Said::Yes(_) | Said::Nothing(_)) || fact.when.attempts > 1;
            if may_hold && !checkouts.contains(&fact.checkout) {
                checkouts.push(fact.checkout);
            }
        }
        let ordered: Vec<Uuid> = self
            .facts
            .iter()
            .filter(|fact| matches!(fact.what, What::Order(Said::Yes(_))))
            .map(|fact| fact.checkout)
            .collect();
        for checkout in checkouts {
            self.checkout = checkout;
            self.read().await;
            if ordered.contains(&checkout) {
                let (when, answer) = self.stage.api.read_order(checkout).await;
                self.note(when, What::ReadOrder(answer));
            }
        }
    }
}
