//! A shop in memory, for tests of the whole rehearsal: an honest one, and ones with a flaw each,
//! which the rehearsal must find. Far simpler than the real thing on purpose.

#[cfg(test)]
mod office;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use clap::Parser as _;
use futures_util::future::join_all;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::args::Args;
use crate::cashfree::signature;
use crate::promises::State as Kept;
use crate::report::Report;

const SECRET: &str = "a secret";
const PRICE: i64 = 1_000;
const RANKS: [&str; 4] = ["unpaid", "dropped", "failed", "paid"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flaw {
    None,
    /// Every 10th request is answered with 503, and every 7th twice as late as it was done.
    Unreliable,
    NeverLooksAtStock,
    DeductsEveryPaidEvent,
    LosesPayments,
    DoesNotCheckSignatures,
    TakesTheCallersPrice,
    ForgetsCheckouts,
    NeverExpiresHolds,
    NewOrderEveryTime,
    ServesEveryShop,
    // of the stock office, in mixed runs
    TakesStaleEdits,
    StarvesEdits,
    TakesHeldUnits,
    BooksWhatIsNotThere,
    RestocksTwice,
    MiscountsImports,
    BreaksTheOldestHolds,
}

#[derive(Clone)]
struct Cart {
    customer: String,
    revision: i64,
    lines: BTreeMap<String, i64>,
    price: i64,
    status: &'static str,
    expires_at: OffsetDateTime,
    order: Option<Order>,
}

#[derive(Clone)]
struct Order {
    status: &'static str,
    rank: usize,
    reference: String,
}

struct Shop {
    flaw: Flaw,
    /// sku -> (on hand, held)
    stock: BTreeMap<String, (i64, i64)>,
    carts: HashMap<String, Cart>,
    events: HashSet<String>,
    requests: u64,
    office: office::Office,
}

type Answer = (StatusCode, String);

fn answer(status: u16, body: &Value) -> Answer {
    (StatusCode::from_u16(status).unwrap(), body.to_string())
}

fn problem(status: u16, code: &str) -> Answer {
    answer(status, &json!({"code": code}))
}

impl Shop {
    fn reclaim(&mut self) {
        if self.flaw == Flaw::NeverExpiresHolds {
            return;
        }
        let now = OffsetDateTime::now_utc();
        for cart in self.carts.values_mut() {
            if matches!(cart.status, "open" | "ordered") && cart.expires_at <= now {
                cart.status = "expired";
                for (sku, units) in &cart.lines {
                    self.stock.get_mut(sku).unwrap().1 -= units;
                }
            }
        }
    }

    fn begin(&mut self, id: &str, body: &Value) -> Answer {
        let mut lines = BTreeMap::new();
        let mut price = PRICE;
        for line in body["lines"].as_array().unwrap() {
            if let Some(own) = line.get("price_minor") {
                if self.flaw != Flaw::TakesTheCallersPrice {
                    return problem(400, "invalid_request");
                }
                price = own.as_i64().unwrap();
            }
            *lines
                .entry(line["sku"].as_str().unwrap().to_owned())
                .or_insert(0) += line["quantity"].as_i64().unwrap();
        }
        let revision = body["revision"].as_i64().unwrap_or(1);
        let known = self.carts.get(id).cloned();
        if let Some(cart) = &known {
            if cart.revision == revision && cart.lines != lines {
                return problem(409, "checkout_conflict");
            }
            if cart.status != "open" {
                return problem(409, "checkout_ended");
            }
            if cart.revision == revision {
                return answer(200, &describe(id, cart));
            }
        }
        let own = |sku: &String| {
            known
                .as_ref()
                .and_then(|c| c.lines.get(sku))
                .copied()
                .unwrap_or(0)
        };
        let shortages: Vec<Value> = lines
            .iter()
            .filter_map(|(sku, units)| {
                let (on_hand, held) = self.stock[sku];
                let available = on_hand - held + own(sku);
                let short = available < *units && self.flaw != Flaw::NeverLooksAtStock;
                short.then(|| json!({"sku": sku, "requested": units, "available": available}))
            })
            .collect();
        if !shortages.is_empty() {
            return answer(409, &json!({"code": "shortage", "shortages": shortages}));
        }
        for (sku, units) in known.iter().flat_map(|cart| &cart.lines) {
            self.stock.get_mut(sku).unwrap().1 -= units;
        }
        for (sku, units) in &lines {
            self.stock.get_mut(sku).unwrap().1 += units;
        }
        let hold = Duration::from_secs(body["hold_s"].as_u64().unwrap_or(1_200));
        let expires_at = OffsetDateTime::now_utc() + hold;
        let customer = body["customer"].as_str().unwrap().to_owned();
        let cart = Cart {
            customer,
            revision,
            lines,
            price,
            status: "open",
            expires_at,
            order: None,
        };
        let described = describe(id, &cart);
        if self.flaw != Flaw::ForgetsCheckouts || !self.carts.len().is_multiple_of(5) {
            self.carts.insert(id.to_owned(), cart);
            self.office.begun.push(id.to_owned());
        }
        answer(201, &described)
    }

    fn release(&mut self, id: &str) -> Answer {
        let Some(cart) = self.carts.get_mut(id) else {
            return problem(404, "not_found");
        };
        if matches!(cart.status, "open" | "ordered") {
            cart.status = "released";
            for (sku, units) in &cart.lines {
                self.stock.get_mut(sku).unwrap().1 -= units;
            }
            if let Some(order) = &mut cart.order {
                order.status = "cancelled";
            }
        }
        answer(200, &describe(id, cart))
    }

    fn order(&mut self, id: &str) -> Answer {
        self.requests += 1;
        let next = self.requests;
        let Some(cart) = self.carts.get_mut(id) else {
            return problem(404, "not_found");
        };
        if cart.order.is_none() || self.flaw == Flaw::NewOrderEveryTime {
            if !matches!(cart.status, "open" | "ordered") {
                return problem(409, "checkout_ended");
            }
            cart.status = "ordered";
            cart.expires_at = OffsetDateTime::now_utc() + Duration::from_secs(1_800);
            let reference = format!("{id}_{next}");
            cart.order = Some(Order {
                status: "awaiting_payment",
                rank: 0,
                reference,
            });
        }
        answer(201, &describe_order(id, cart))
    }

    fn event(&mut self, headers: &HeaderMap, body: &[u8]) -> Answer {
        let header = |name: &str| headers.get(name).map_or("", |v| v.to_str().unwrap());
        let right = signature(SECRET, header("x-webhook-timestamp"), body);
        let signed = header("x-webhook-signature") == right;
        if !signed && self.flaw != Flaw::DoesNotCheckSignatures {
            return problem(401, "");
        }
        let Ok(event) = serde_json::from_slice::<Value>(body) else {
            return problem(200, "");
        };
        let reference = event["data"]["order"]["order_id"].as_str().unwrap();
        // all events of about half of the orders, whatever is sent again
        let lost = self.flaw == Flaw::LosesPayments && reference.as_bytes()[0] % 2 == 0;
        if !lost {
            self.pay(&event);
        }
        problem(200, "")
    }

    fn pay(&mut self, event: &Value) {
        let status = event["data"]["payment"]["payment_status"].as_str().unwrap();
        let statuses = ["", "USER_DROPPED", "FAILED", "SUCCESS"];
        let Some(rank) = statuses.iter().position(|known| *known == status) else {
            return;
        };
        let reference = event["data"]["order"]["order_id"].as_str().unwrap();
        let again = !self.events.insert(format!("{reference}{status}"));
        let cart = self
            .carts
            .get_mut(reference.split('_').next().unwrap())
            .unwrap();
        let order = cart.order.as_mut().unwrap();
        order.rank = order.rank.max(rank);
        if rank < 3 || (again && self.flaw != Flaw::DeductsEveryPaidEvent) {
            return;
        }
        let held = cart.status == "ordered";
        let there = |stock: &BTreeMap<String, (i64, i64)>, (sku, units): (&String, &i64)| {
            stock[sku].0 - stock[sku].1 >= *units
        };
        let there = cart.lines.iter().all(|line| there(&self.stock, line));
        if !held && !again && !there {
            order.status = "refund_due";
            return;
        }
        for (sku, units) in &cart.lines {
            let level = self.stock.get_mut(sku).unwrap();
            level.0 -= units;
            level.1 -= if held { *units } else { 0 };
        }
        cart.status = "paid";
        order.status = "paid";
    }
}

fn time_text(at: OffsetDateTime) -> String {
    at.format(&Rfc3339).unwrap()
}

fn lines_of(cart: &Cart) -> (Vec<Value>, i64) {
    let price = cart.price;
    let line = |(sku, quantity): (&String, &i64)| {
        let mut line = json!({"sku": sku, "quantity": quantity});
        line["price_minor"] = price.into();
        line
    };
    (
        cart.lines.iter().map(line).collect(),
        cart.lines.values().sum::<i64>() * cart.price,
    )
}

fn describe(id: &str, cart: &Cart) -> Value {
    let (lines, total) = lines_of(cart);
    json!({
        "checkout_id": id, "customer": cart.customer, "status": cart.status, "lines": lines,
        "revision": cart.revision, "total_minor": total, "currency": "INR",
        "expires_at": time_text(cart.expires_at),
        "server_time": time_text(OffsetDateTime::now_utc()),
    })
}

fn describe_order(id: &str, cart: &Cart) -> Value {
    let (lines, total) = lines_of(cart);
    let order = cart.order.as_ref().unwrap();
    json!({
        "order_id": id, "checkout_id": id, "status": order.status, "lines": lines,
        "subtotal_minor": total, "discount_minor": 0, "total_minor": total, "currency": "INR",
        "payment": {
            "reference": order.reference, "amount_minor": total,
            "status": RANKS[order.rank],
        },
        "expires_at": time_text(cart.expires_at),
        "server_time": time_text(OffsetDateTime::now_utc()),
    })
}

async fn serve(
    State(shop): State<Arc<Mutex<Shop>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let (number, flaw) = {
        let mut shop = shop.lock().unwrap();
        shop.requests += 1;
        (shop.requests, shop.flaw)
    };
    let unreliable = flaw == Flaw::Unreliable;
    if unreliable && number % 10 == 3 {
        return problem(503, "unavailable");
    }
    let answer = route(&shop, &method, &uri, &headers, &body);
    if unreliable && number % 10 == 7 {
        // done, but the caller is not told
        return problem(502, "");
    }
    tokio::time::sleep(Duration::from_millis(number % 20)).await;
    answer
}

fn route(
    shop: &Mutex<Shop>,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: &Bytes,
) -> Answer {
    let path: Vec<&str> = uri.path().split('/').skip(3).collect();
    let mut shop = shop.lock().unwrap();
    let before = shop.stock.clone();
    shop.reclaim();
    shop.next_versions(&before);
    let before = shop.stock.clone();
    let answer = match path.as_slice() {
        ["shops", "dress", rest @ ..] if uri.path().starts_with("/v1/admin/") => {
            let token = format!("Bearer {}", office::TOKEN);
            assert_eq!(headers["authorization"], token.as_str());
            shop.office(method.as_str(), rest, std::str::from_utf8(body).unwrap())
        }
        _ => storefront(&mut shop, method, uri, headers, body),
    };
    shop.next_versions(&before);
    answer
}

fn storefront(
    shop: &mut Shop,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: &Bytes,
) -> Answer {
    let path: Vec<&str> = uri.path().split('/').skip(3).collect();
    if path[0] != "dress" && shop.flaw != Flaw::ServesEveryShop {
        return problem(if path[1] == "webhooks" { 401 } else { 404 }, "not_found");
    }
    match (method.as_str(), &path[1..]) {
        ("GET", ["availability"]) => {
            let sku = |(sku, (on_hand, held)): (&String, &(i64, i64))| {
                json!({
                    "sku": sku, "title": format!("Dress {sku}"), "price_minor": PRICE,
                    "currency": "INR", "available": on_hand - held, "on_sale": true,
                })
            };
            let asked = uri.query().unwrap().trim_start_matches("skus=");
            let asked: Vec<&str> = asked.split(',').collect();
            let known = shop.stock.iter();
            let known = known.filter(|(sku, _)| asked.contains(&sku.as_str()));
            let skus: Vec<Value> = known.map(sku).collect();
            answer(200, &json!({"skus": skus, "unknown": []}))
        }
        ("PUT", ["checkouts", id]) => shop.begin(id, &serde_json::from_slice(body).unwrap()),
        ("DELETE", ["checkouts", id]) => shop.release(id),
        ("GET", ["checkouts", id]) => {
            let name = headers
                .get("x-holdfast-customer")
                .map(|v| v.to_str().unwrap().to_owned());
            let may_see = |cart: &&Cart| name.is_none_or(|name| name == cart.customer);
            match shop.carts.get(*id).filter(may_see) {
                Some(cart) => answer(200, &describe(id, cart)),
                None => problem(404, "not_found"),
            }
        }
        ("POST", ["checkouts", id, "extend"]) => match shop.carts.get(*id) {
            Some(cart) => answer(200, &describe(id, cart)),
            None => problem(404, "not_found"),
        },
        ("POST", ["checkouts", id, "order"]) => shop.order(id),
        ("GET", ["checkouts", id, "order"]) => match shop.carts.get(*id) {
            Some(cart) if cart.order.is_some() => answer(200, &describe_order(id, cart)),
            _ => problem(404, "not_found"),
        },
        ("POST", ["webhooks", "cashfree"]) => shop.event(headers, body),
        other => panic!("unexpected {other:?}"),
    }
}

/// A rehearsal in a shop with this flaw: as few shoppers as still play every part.
async fn rehearsal(flaw: Flaw) -> Report {
    rehearsed(flaw, &[]).await
}

/// The same with staff beside the shoppers.
async fn mixed_rehearsal(flaw: Flaw) -> Report {
    let mixed = ["--mixed", "--admin-token", office::TOKEN, "--rush-s", "2"];
    rehearsed(flaw, &mixed).await
}

async fn rehearsed(flaw: Flaw, more: &[&str]) -> Report {
    let rush: &[&str] = if more.is_empty() {
        &["--rush-s", "0.3"]
    } else {
        more
    };
    let stock = [("HOT", 40), ("B", 20), ("C", 500)];
    let stock = stock
        .iter()
        .map(|(sku, units)| ((*sku).to_owned(), (*units, 0)))
        .collect();
    let shop = Shop {
        flaw,
        stock,
        carts: HashMap::new(),
        events: HashSet::new(),
        requests: 0,
        office: office::Office::default(),
    };
    let router = axum::Router::new()
        .fallback(serve)
        .with_state(Arc::new(Mutex::new(shop)));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    #[rustfmt::skip]
    let args = [
        "drill", "--api", &url, "--webhook", &url, "--webhook-secret", SECRET,
        "--hot-sku", "HOT", "--skus", "B,C", "--shoppers", "150", "--units", "40",
        "--other-shop", "seats", "--hold-s", "1", "--settle-s", "4",
        "--run-id", "test", "--quiet",
    ];
    let args = Args::parse_from(args.iter().chain(rush));
    let run = crate::run::run(&args).await.unwrap();
    server.abort();
    let report = Report::new(&args, &run);
    println!("{}", crate::report::terminal(&report));
    report
}

fn broken(report: &Report) -> Vec<&'static str> {
    let broken = report
        .promises
        .iter()
        .filter(|verdict| verdict.state == Kept::Broken);
    broken.map(|verdict| verdict.name).collect()
}

#[tokio::test]
async fn an_honest_shop_keeps_every_promise() {
    let report = rehearsal(Flaw::None).await;
    assert_eq!(broken(&report), Vec::<&str>::new());
    let hot = report.hot().unwrap();
    assert_eq!((hot.sold + hot.held, hot.available), (40, 0));
    assert!(report.counts.duplicates_sent > 0 && report.counts.forged_sent >= 5);
    the_readme_lists_every_key(&report);
    let out = std::env::temp_dir().join(format!("drill-{}", std::process::id()));
    crate::report::write(&report, &out).unwrap();
    let page = std::fs::read_to_string(out.join("report.html")).unwrap();
    std::fs::remove_dir_all(&out).unwrap();
    // nothing is loaded from anywhere
    assert!(!page.contains("http://") && !page.contains("https://") && !page.contains("src="));
}

fn the_readme_lists_every_key(report: &Report) {
    let mut json = serde_json::to_value(report).unwrap();
    json["outcomes"] = Value::Null;
    let mut keys = vec![];
    keys_of(&json, &mut keys);
    for key in keys {
        assert!(
            include_str!("../README.md").contains(&format!("`{key}")),
            "{key}"
        );
    }
}

fn keys_of(json: &Value, keys: &mut Vec<String>) {
    match json {
        Value::Object(fields) => fields.iter().for_each(|(key, value)| {
            keys.push(key.clone());
            keys_of(value, keys);
        }),
        Value::Array(items) => items.iter().for_each(|item| keys_of(item, keys)),
        _ => {}
    }
}

#[tokio::test]
async fn an_unreliable_shop_is_asked_again_until_it_answers() {
    let report = rehearsal(Flaw::Unreliable).await;
    assert_eq!(broken(&report), Vec::<&str>::new());
    assert!(report.counts.attempts_failed > 20);
}

/// All at once, because a rehearsal mostly waits.
#[tokio::test]
async fn every_flaw_is_caught_by_the_promise_that_it_breaks() {
    let flaws = [
        (Flaw::NeverLooksAtStock, "never_oversold"),
        (Flaw::DeductsEveryPaidEvent, "a_payment_only_rises"),
        (Flaw::LosesPayments, "no_payment_is_lost"),
        (Flaw::DoesNotCheckSignatures, "forged_events_are_refused"),
        (Flaw::TakesTheCallersPrice, "prices_are_the_catalogues"),
        (Flaw::ForgetsCheckouts, "what_was_acknowledged_survives"),
        (Flaw::NeverExpiresHolds, "the_databases_clock_decides"),
        (Flaw::NewOrderEveryTime, "same_id_same_answer"),
        (Flaw::ServesEveryShop, "a_shop_sees_only_itself"),
    ];
    let reports = join_all(flaws.iter().map(|(flaw, _)| rehearsal(*flaw))).await;
    for ((flaw, promise), report) in flaws.iter().zip(&reports) {
        let broken = broken(report);
        assert!(broken.contains(promise), "{flaw:?} broke {broken:?}");
        assert!(!report.kept);
    }
}

#[tokio::test]
async fn an_honest_shop_keeps_every_promise_in_a_mixed_run() {
    let (honest, unreliable) = (
        mixed_rehearsal(Flaw::None),
        mixed_rehearsal(Flaw::Unreliable),
    );
    let (report, unreliable) = tokio::join!(honest, unreliable);
    assert_eq!(broken(&report), Vec::<&str>::new());
    assert_eq!(broken(&unreliable), Vec::<&str>::new());
    let staff = report.staff.as_ref().unwrap();
    let counts = [
        staff.edits.done,
        staff.bookings,
        staff.amendments,
        staff.cancellations,
        staff.restocks,
        staff.imports,
        staff.shrinkages,
    ];
    assert!(counts.iter().all(|count| *count > 0), "{counts:?}");
    the_readme_lists_every_key(&report);
}

#[tokio::test]
async fn every_flaw_of_the_stock_office_is_caught_by_what_it_breaks() {
    let flaws = [
        (Flaw::TakesStaleEdits, "a_stale_edit_is_refused"),
        (Flaw::StarvesEdits, "edits_are_never_starved"),
        (Flaw::TakesHeldUnits, "never_oversold"),
        (Flaw::BooksWhatIsNotThere, "never_oversold"),
        (Flaw::RestocksTwice, "a_payment_only_rises"),
        (Flaw::MiscountsImports, "imports_end_as_reported"),
        (Flaw::BreaksTheOldestHolds, "the_newest_holds_break_first"),
    ];
    let reports = join_all(flaws.iter().map(|(flaw, _)| mixed_rehearsal(*flaw))).await;
    for ((flaw, promise), report) in flaws.iter().zip(&reports) {
        let broken = broken(report);
        assert!(broken.contains(promise), "{flaw:?} broke {broken:?}");
    }
}
