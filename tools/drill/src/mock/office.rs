//! The stock office of the shop in memory.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::{Value, json};

use super::{Answer, Cart, Flaw, PRICE, Shop, answer, problem};

/// The token that its clerks have.
pub(super) const TOKEN: &str = "a token";

#[derive(Default)]
pub(super) struct Office {
    /// sku -> its stock level's version
    versions: BTreeMap<String, i64>,
    /// movement id -> (version, delta)
    movements: HashMap<String, (i64, i64)>,
    bookings: HashMap<String, Booking>,
    returns: HashSet<String>,
    /// movement id -> the checkouts that it broke
    shrinkages: HashMap<String, Vec<Value>>,
    /// import id -> rows, and what became of them
    imports: HashMap<String, (Vec<Value>, Vec<&'static str>)>,
    /// sku -> price
    own: BTreeMap<String, i64>,
    /// Checkouts in the order of their holds.
    pub(super) begun: Vec<String>,
}

struct Booking {
    version: i64,
    status: &'static str,
    lines: BTreeMap<String, i64>,
}

fn lines_of(body: &Value) -> BTreeMap<String, i64> {
    let line = |line: &Value| {
        let sku = line["sku"].as_str().unwrap().to_owned();
        (sku, line["quantity"].as_i64().unwrap())
    };
    body["lines"].as_array().unwrap().iter().map(line).collect()
}

impl Shop {
    /// Every stock level that is not as it was before gets its next version.
    pub(super) fn next_versions(&mut self, before: &BTreeMap<String, (i64, i64)>) {
        for (sku, level) in &self.stock {
            if before.get(sku) != Some(level) {
                *self.office.versions.entry(sku.clone()).or_default() += 1;
            }
        }
    }

    fn level(&self, sku: &str) -> Value {
        let (on_hand, held) = self.stock[sku];
        let version = self.office.versions.get(sku).copied().unwrap_or(0);
        json!({"sku": sku, "on_hand": on_hand, "held": held, "version": version})
    }

    pub(super) fn office(&mut self, method: &str, path: &[&str], body: &str) -> Answer {
        let json: Value = serde_json::from_str(body).unwrap_or_default();
        match (method, path) {
            ("GET", ["stock", sku]) => answer(200, &self.level(sku)),
            ("POST", ["stock", sku, "shrink"]) => self.shrink(sku, &json),
            ("POST", ["stock", sku, _]) => self.edit(sku, &json),
            ("PUT", ["skus", sku]) => {
                self.stock.insert((*sku).to_owned(), (0, 0));
                answer(201, &json)
            }
            ("GET", ["skus", sku]) => {
                let price = self.office.own.get(*sku).copied().unwrap_or(PRICE);
                answer(
                    200,
                    &json!({"price_minor": price, "stock": self.level(sku)}),
                )
            }
            ("DELETE", ["skus", _]) => answer(200, &json),
            ("PUT", ["desk", "orders", id]) => self.book(id, &json),
            ("PATCH", ["desk", "orders", id]) => self.amend(id, &json),
            ("DELETE", ["desk", "orders", id]) => self.cancel(id),
            ("POST", ["orders", id, "restock"]) => self.restock(id, &json),
            ("PUT", ["imports", id, "parts", "1"]) => {
                let rows = body.lines().map(|row| serde_json::from_str(row).unwrap());
                let rows: Vec<Value> = rows.collect();
                self.office.imports.insert((*id).to_owned(), (rows, vec![]));
                answer(200, &json!({}))
            }
            ("POST", ["imports", id, "apply"]) => self.apply(id),
            ("GET", ["imports", id, "report"]) => {
                answer(200, &self.progress(id, self.flaw == Flaw::MiscountsImports))
            }
            other => panic!("unexpected {other:?}"),
        }
    }

    fn edit(&mut self, sku: &str, body: &Value) -> Answer {
        let id = body["movement_id"].as_str().unwrap().to_owned();
        let known = self.office.movements.get(&id).copied();
        let mut changed = self.level(sku);
        if let Some((version, delta)) = known {
            changed["movement"] = json!({"version": version, "delta": delta});
            return answer(200, &changed);
        }
        let version = changed["version"].as_i64().unwrap();
        let stale = body["expected_version"] != version || self.flaw == Flaw::StarvesEdits;
        if stale && self.flaw != Flaw::TakesStaleEdits {
            changed["code"] = "stock_stale".into();
            return answer(409, &changed);
        }
        let (on_hand, held) = self.stock[sku];
        let delta = body["quantity"].as_i64().or(body["delta"].as_i64());
        let delta = delta.unwrap_or_else(|| body["on_hand"].as_i64().unwrap() - on_hand);
        if on_hand + delta < held && self.flaw != Flaw::TakesHeldUnits {
            changed["code"] = "below_held".into();
            return answer(409, &changed);
        }
        if delta == 0 {
            return answer(200, &changed);
        }
        self.stock.insert(sku.to_owned(), (on_hand + delta, held));
        changed["movement"] = json!({"version": version + 1, "delta": delta});
        self.office.movements.insert(id, (version + 1, delta));
        answer(200, &changed)
    }

    /// Of each sku the units that a party gets more; a refusal when they are not there.
    fn deduct(
        &mut self,
        before: &BTreeMap<String, i64>,
        lines: &BTreeMap<String, i64>,
    ) -> Option<Answer> {
        let own = |sku: &String| before.get(sku).copied().unwrap_or(0);
        let free = |sku: &String| self.stock[sku].0 - self.stock[sku].1 + own(sku);
        let short: Vec<Value> = lines
            .iter()
            .filter(|(sku, units)| free(sku) < **units)
            .map(|(sku, units)| json!({"sku": sku, "requested": units, "available": free(sku)}))
            .collect();
        if !short.is_empty() && self.flaw != Flaw::BooksWhatIsNotThere {
            return Some(answer(
                409,
                &json!({"code": "shortage", "shortages": short}),
            ));
        }
        for (sku, units) in before {
            self.stock.get_mut(sku).unwrap().0 += units;
        }
        for (sku, units) in lines {
            self.stock.get_mut(sku).unwrap().0 -= units;
        }
        None
    }

    fn desk_order(&self, status: u16, id: &str) -> Answer {
        let booking = &self.office.bookings[id];
        let line = |(sku, units): (&String, &i64)| {
            let mut line = json!({"sku": sku, "quantity": units});
            line["price_minor"] = PRICE.into();
            line
        };
        let lines: Vec<Value> = booking.lines.iter().map(line).collect();
        let (version, state) = (booking.version, booking.status);
        let order = json!({"order_id": id, "status": state, "version": version, "lines": lines});
        answer(status, &order)
    }

    fn book(&mut self, id: &str, body: &Value) -> Answer {
        if self.office.bookings.contains_key(id) {
            return self.desk_order(200, id);
        }
        let lines = lines_of(body);
        if let Some(refused) = self.deduct(&BTreeMap::new(), &lines) {
            return refused;
        }
        let booking = Booking {
            version: 1,
            status: "paid",
            lines,
        };
        self.office.bookings.insert(id.to_owned(), booking);
        self.desk_order(201, id)
    }

    fn amend(&mut self, id: &str, body: &Value) -> Answer {
        let booking = &self.office.bookings[id];
        let (before, lines) = (booking.lines.clone(), lines_of(body));
        // sent again after it was done
        if before == lines {
            return self.desk_order(200, id);
        }
        if body["expected_version"] != booking.version {
            return problem(409, "order_stale");
        }
        if let Some(refused) = self.deduct(&before, &lines) {
            return refused;
        }
        let booking = self.office.bookings.get_mut(id).unwrap();
        booking.version += 1;
        booking.lines = lines;
        self.desk_order(200, id)
    }

    fn cancel(&mut self, id: &str) -> Answer {
        let booking = self.office.bookings.get_mut(id).unwrap();
        if booking.status == "paid" {
            booking.status = "cancelled";
            for (sku, units) in &booking.lines {
                self.stock.get_mut(sku).unwrap().0 += units;
            }
        }
        self.desk_order(200, id)
    }

    fn restock(&mut self, id: &str, body: &Value) -> Answer {
        let lines = lines_of(body);
        let sold = &self.carts[id].lines;
        if lines.iter().any(|(sku, units)| sold[sku] < *units) {
            return problem(409, "more_than_sold");
        }
        let new = self
            .office
            .returns
            .insert(body["return_id"].as_str().unwrap().to_owned());
        if new || self.flaw == Flaw::RestocksTwice {
            for (sku, units) in &lines {
                self.stock.get_mut(sku).unwrap().0 += units;
            }
        }
        answer(if new { 201 } else { 200 }, &json!({}))
    }

    fn apply(&mut self, id: &str) -> Answer {
        let (rows, outcomes) = self.office.imports[id].clone();
        if outcomes.is_empty() {
            let outcomes = rows.iter().map(|row| self.import_row(row)).collect();
            self.office.imports.get_mut(id).unwrap().1 = outcomes;
        }
        answer(200, &self.progress(id, false))
    }

    fn import_row(&mut self, row: &Value) -> &'static str {
        let sku = row["sku"].as_str().unwrap().to_owned();
        let (price, on_hand) = (row["price_minor"].as_i64(), row["on_hand"].as_i64());
        if price.is_some_and(|price| price < 0) {
            return "refused";
        }
        let Some((now, held)) = self.stock.get(&sku).copied() else {
            self.stock.insert(sku.clone(), (on_hand.unwrap(), 0));
            self.office.own.insert(sku, price.unwrap());
            return "created";
        };
        let version = self.office.versions.get(&sku).copied().unwrap_or(0);
        let stale = row["expected_version"]
            .as_i64()
            .is_some_and(|seen| seen != version);
        if stale || on_hand.is_some_and(|on_hand| on_hand < held) {
            return "refused";
        }
        let price = price.filter(|price| self.office.own[&sku] != *price);
        if price.is_none() && on_hand.is_none_or(|on_hand| on_hand == now) {
            return "unchanged";
        }
        self.stock
            .insert(sku.clone(), (on_hand.unwrap_or(now), held));
        if let Some(price) = price {
            self.office.own.insert(sku, price);
        }
        "changed"
    }

    fn progress(&self, id: &str, miscounted: bool) -> Value {
        let (_, outcomes) = &self.office.imports[id];
        let count = |wanted| {
            outcomes
                .iter()
                .filter(|outcome| **outcome == wanted)
                .count()
        };
        let row = |(line, outcome): (usize, &&str)| json!({"line": line + 1, "outcome": outcome});
        let page: Vec<Value> = outcomes.iter().enumerate().map(row).collect();
        json!({
            "done": true, "status": "done", "created": count("created"), "page": page,
            "changed": count("changed") + usize::from(miscounted),
            "unchanged": count("unchanged"), "refused": count("refused"),
        })
    }

    fn shrink(&mut self, sku: &str, body: &Value) -> Answer {
        let movement = body["movement_id"].as_str().unwrap().to_owned();
        if let Some(broken) = self.office.shrinkages.get(&movement) {
            return answer(200, &json!({"broken": broken}));
        }
        let mut holders: Vec<String> = self.office.begun.clone();
        if self.flaw != Flaw::BreaksTheOldestHolds {
            holders.reverse();
        }
        self.stock.get_mut(sku).unwrap().0 -= body["missing"].as_i64().unwrap();
        let mut broken = vec![];
        for id in holders {
            let (on_hand, held) = self.stock[sku];
            let open = |cart: &Cart| cart.status == "open" && cart.lines.contains_key(sku);
            if held > on_hand && self.carts.get(&id).is_some_and(open) {
                self.release(&id);
                broken.push(json!({"checkout_id": id}));
            }
        }
        self.office.shrinkages.insert(movement, broken.clone());
        answer(200, &json!({"broken": broken}))
    }
}
