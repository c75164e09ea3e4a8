//! One shopper, who plays a plan.

mod paying;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use uuid::Uuid;

use crate::answers::{Answer, Checkout, Line, Shortage};
use crate::api::Reply;
use crate::history::{Exchange, MustRefuse, Request, Visit, When};
use crate::meters::Call;
use crate::plan::{Copies, Ending, Probe, ShopperPlan};
use crate::sale::{Counts, Sale};

/// After the end of a hold, so that it is certainly over.
const LAPSE_MARGIN: Duration = Duration::from_millis(400);

pub(crate) struct Shopper {
    sale: Arc<Sale>,
    pub(crate) plan: ShopperPlan,
    customer: String,
    cart: Vec<Line>,
    /// How many checkouts were begun; each has an id of its own.
    tries: u32,
    checkout: Uuid,
    exchanges: Vec<Exchange>,
}

/// Sends the same request in as many copies as planned.
async fn send_copies<T, F: Future<Output = T>>(copies: Copies, send: impl Fn() -> F) -> Vec<T> {
    let (together, afterwards) = match copies {
        Copies::Once => (1, 0),
        Copies::Together(copies) => (copies, 0),
        Copies::Afterwards(copies) => (1, copies - 1),
    };
    let mut answers = join_all((0..together).map(|_| send())).await;
    for _ in 0..afterwards {
        answers.push(send().await);
    }
    answers
}

impl Shopper {
    pub(crate) fn new(sale: Arc<Sale>, plan: ShopperPlan) -> Self {
        Self {
            customer: sale.customer(plan.number),
            cart: plan.cart.clone(),
            checkout: sale.checkout_id(plan.number, 0),
            tries: 0,
            exchanges: vec![],
            sale,
            plan,
        }
    }

    /// Everything that the shopper has done so far.
    pub(crate) fn visit_so_far(&self) -> Visit {
        Visit {
            number: self.plan.number,
            ending: self.plan.ending,
            exchanges: self.exchanges.clone(),
        }
    }

    /// The visit: arrive, look, try to hold the cart, and end as planned. True when the shopper got
    /// nothing but would come back for stock that is given back.
    pub(crate) async fn visit(&mut self) -> bool {
        let sale = Arc::clone(&self.sale);
        sale.api.pause(self.plan.arrives).await;
        let skus: Vec<String> = self.cart.iter().map(|line| line.sku.clone()).collect();
        sale.api.availability(&skus).await;
        sale.api.pause(self.plan.thinks).await;
        self.try_own_price().await;
        let mut waits = self.plan.tries_again.clone().into_iter();
        let comes_back = loop {
            if !self.try_to_buy().await {
                break false;
            }
            let Some(wait) = waits.next() else {
                break self.plan.waits_for_more;
            };
            sale.api.pause(wait).await;
        };
        Counts::add(&sale.counts.done);
        comes_back
    }

    /// Begins a checkout and plays it to its end. True when it was refused for a shortage.
    pub(crate) async fn try_to_buy(&mut self) -> bool {
        match self.begin().await {
            Some(Answer::Done(checkout)) => self.play_ending(checkout).await,
            Some(Answer::Short(shortages)) => {
                self.leave_out(&shortages);
                return true;
            }
            _ => {}
        }
        false
    }

    fn note(&mut self, when: When, request: Request) {
        let checkout = self.checkout;
        self.exchanges.push(Exchange {
            when,
            checkout,
            request,
        });
    }

    fn note_begin(&mut self, when: When, revision: u32, answer: Answer<Checkout>) {
        let begin = Request::Begin {
            cart: self.cart.clone(),
            revision,
            hold_s: self.hold_s(),
            answer,
        };
        self.note(when, begin);
    }

    /// Begins a fresh checkout of the cart. Returns the best answer of its copies.
    async fn begin(&mut self) -> Option<Answer<Checkout>> {
        self.checkout = self.sale.checkout_id(self.plan.number, self.tries);
        self.tries += 1;
        let (api, id, hold_s) = (&self.sale.api, self.checkout, self.hold_s());
        let begin = || api.begin(id, &self.customer, 1, hold_s, &self.cart);
        let answers = send_copies(self.plan.begin, begin).await;
        let repeated = answers.iter().any(|(when, _)| when.attempts > 1);
        let best = answers
            .iter()
            .map(|(_, answer)| answer)
            .min_by_key(|answer| match answer {
                Answer::Done(_) => 0,
                Answer::Short(_) => 1,
                _ => 2,
            });
        let best = best.cloned();
        for (when, answer) in answers {
            self.note_begin(when, 1, answer);
        }
        if matches!(best, Some(Answer::Done(_))) {
            Counts::add(&self.sale.counts.granted);
            return best;
        }
        Counts::add(&self.sale.counts.refused);
        if repeated {
            // An unanswered attempt may have been done. A careful client gives it back.
            self.release().await;
        }
        best
    }

    /// Only carts that will lapse ask for a time of their own.
    fn hold_s(&self) -> Option<u32> {
        let lapses = matches!(self.plan.ending, Ending::Abandon | Ending::OrderLate);
        lapses.then_some(self.sale.hold_s)
    }

    /// The next cart: without the missing skus, and with one unit of the hot sku if it is short.
    fn leave_out(&mut self, shortages: &[Shortage]) {
        let hot = &self.sale.hot_sku;
        let is_short = |line: &Line| shortages.iter().any(|s| s.sku == line.sku);
        self.cart.retain(|line| line.sku == *hot || !is_short(line));
        if let Some(line) = self.cart.iter_mut().find(|line| is_short(line)) {
            line.quantity = 1;
        }
    }

    async fn play_ending(&mut self, mut checkout: Checkout) {
        let sale = Arc::clone(&self.sale);
        self.probe().await;
        if let Some(other) = self.plan.replacement.take() {
            let before = std::mem::replace(&mut self.cart, other);
            let (id, hold_s) = (self.checkout, self.hold_s());
            let begin = sale.api.begin(id, &self.customer, 2, hold_s, &self.cart);
            let (when, answer) = begin.await;
            self.note_begin(when, 2, answer.clone());
            match answer {
                Answer::Done(replaced) => checkout = replaced,
                _ => self.cart = before,
            }
        }
        // An extension would hold the units of shoppers who are about to let go.
        if self.plan.extends && self.hold_s().is_none() {
            let (when, answer) = sale.api.extend(self.checkout).await;
            self.note(when, Request::Extend(answer));
        }
        if self.plan.reads {
            self.read().await;
        }
        sale.api.pause(self.plan.thinks).await;
        match self.plan.ending {
            Ending::Abandon => {}
            Ending::LeaveCart => self.release().await,
            Ending::OrderLate => {
                sale.api.pause(checkout.remaining() + LAPSE_MARGIN).await;
                self.order_and_pay().await;
            }
            _ => self.order_and_pay().await,
        }
    }

    async fn release(&mut self) {
        let (when, answer) = self.sale.api.release(self.checkout).await;
        self.note(when, Request::Release(answer));
    }

    async fn read(&mut self) {
        let (when, answer) = self.sale.api.read(self.checkout).await;
        self.note(when, Request::Read(answer));
    }

    /// Tries forbidden requests on a checkout that was granted.
    async fn probe(&mut self) {
        let (sale, id) = (Arc::clone(&self.sale), self.checkout);
        for probe in self.plan.probes.clone() {
            let reply = match probe {
                Probe::OtherCart => {
                    let mut other = self.cart.clone();
                    other.iter_mut().for_each(|line| line.quantity += 1);
                    let customer = &self.customer;
                    let body = json!({ "customer": customer, "revision": 1, "lines": other });
                    sale.api.checkout(Call::Begin, id, Some(&body)).await
                }
                Probe::OtherCustomer => {
                    let other = sale.customer(self.plan.number + 1);
                    sale.api.read_as(id, None, Some(&other)).await
                }
                Probe::OtherShop => {
                    let Some(other) = sale.other_shop.as_deref() else {
                        continue;
                    };
                    sale.api.read_as(id, Some(other), None).await
                }
                // Tried before anything is held.
                Probe::OwnPrice => continue,
            };
            self.note_probe(MustRefuse::Shopper(probe), &reply);
        }
    }

    /// A cart with a price in it, under an id of its own. If the deployment accepts it, it counts
    /// like any other begin, so that its prices are checked; and it is given back.
    async fn try_own_price(&mut self) {
        if !self.plan.probes.contains(&Probe::OwnPrice) {
            return;
        }
        self.checkout = self.sale.checkout_id(self.plan.number, u32::MAX);
        let (sku, id) = (&self.sale.hot_sku, self.checkout);
        let line = json!({ "sku": sku, "quantity": 1, "price_minor": 1 });
        let body = json!({ "customer": self.customer, "lines": [line] });
        let reply = self.sale.api.checkout(Call::Begin, id, Some(&body)).await;
        if !reply
            .status()
            .is_some_and(|status| (200..300).contains(&status))
        {
            self.note_probe(MustRefuse::Shopper(Probe::OwnPrice), &reply);
            return;
        }
        let (when, answer) = reply.read();
        let cart = vec![Line::new(sku, 1)];
        let begin = Request::Begin {
            cart,
            revision: 1,
            hold_s: None,
            answer,
        };
        self.note(when, begin);
        self.release().await;
    }

    fn note_probe(&mut self, probe: MustRefuse, reply: &Reply) {
        let status = reply.status();
        let code = reply.problem().1.code;
        self.note(
            reply.when,
            Request::Probe {
                probe,
                status,
                code,
            },
        );
    }

    /// After the sale: reads again everything that may hold something.
    pub(crate) async fn audit(&mut self) {
        let mut checkouts: Vec<Uuid> = vec![];
        for exchange in &self.exchanges {
            let Request::Begin { answer, .. } = &exchange.request else {
                continue;
            };
            let may_hold = matches!(answer, Answer::Done(_) | Answer::Missing(_))
                || exchange.when.attempts > 1;
            if may_hold && !checkouts.contains(&exchange.checkout) {
                checkouts.push(exchange.checkout);
            }
        }
        for checkout in checkouts {
            let ordered = self.exchanges.iter().any(|e| {
                e.checkout == checkout && matches!(e.request, Request::Order(Answer::Done(_)))
            });
            self.checkout = checkout;
            self.read().await;
            if ordered {
                let (when, answer) = self.sale.api.read_order(checkout).await;
                self.note(when, Request::ReadOrder(answer));
            }
        }
    }
}
