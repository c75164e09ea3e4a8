//! A clerk who receives, adjusts and counts stock in the middle of the sale: always with the
//! version just read, and again with a newer one when a shopper was faster.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::{Office, deed, new_id, unread};
use crate::api::{Changed, Level, Reply, Sent};
use crate::checks::{EDIT_TOOK_MAX, EDIT_TRIES_MAX};
use crate::history::{Deed, Edit, End, When, Work};
use crate::meters::Call;
use crate::random::Random;

#[derive(Clone, Copy)]
enum Kind {
    Receive(i64),
    Adjust(i64),
    /// Sets what was counted: so many more than the books say.
    Set(i64),
}

pub(super) async fn work(office: Arc<Office>, random: Random) {
    while office.on_duty(&random, 100, 500).await {
        let sku = office.any_sku(&random).to_owned();
        if random.percent(10) {
            stale(&office, &random, &sku).await;
        } else {
            edit(&office, &random, &sku).await;
        }
    }
}

fn kind(random: &Random) -> Kind {
    let units = i64::try_from(random.between(1, 3)).unwrap_or(1);
    match random.below(100) {
        // what is held can't be taken, so more of what takes is refused than of what brings
        0..15 => Kind::Receive(units),
        15..25 => Kind::Adjust(units),
        25..75 => Kind::Adjust(-units),
        _ => Kind::Set(units - 2),
    }
}

impl Kind {
    fn delta(self, level: &Level) -> i64 {
        match self {
            Self::Receive(units) | Self::Adjust(units) => units,
            Self::Set(more) => (level.on_hand + more).max(0) - level.on_hand,
        }
    }

    fn request(self, level: &Level) -> (Call, &'static str, Value) {
        match self {
            Self::Receive(units) => (Call::Receive, "receive", json!({ "quantity": units })),
            Self::Adjust(delta) => {
                let body = json!({ "delta": delta, "note": "rehearsal" });
                (Call::Adjust, "adjust", body)
            }
            Self::Set(_) => {
                let on_hand = level.on_hand + self.delta(level);
                let body = json!({ "on_hand": on_hand, "note": "counted in the rehearsal" });
                (Call::Set, "set", body)
            }
        }
    }
}

async fn send(office: &Office, sku: &str, kind: Kind, level: &Level, id: uuid::Uuid) -> Reply {
    let (call, verb, mut body) = kind.request(level);
    body["expected_version"] = level.version.into();
    body["movement_id"] = id.to_string().into();
    let path = format!("stock/{sku}/{verb}");
    let api = office.api();
    api.office(call, Method::POST, &path, Sent::Json(&body))
        .await
}

/// Reads and edits until it is done, refused for a reason, or given up.
async fn edit(office: &Office, random: &Random, sku: &str) {
    let api = office.api();
    let (kind, id, began) = (kind(random), new_id(random), api.now());
    for tries in 1.. {
        let Some(level) = api.level(sku).await else {
            office.note(unread(since(office, began), sku));
            return;
        };
        let reply = send(office, sku, kind, &level, id).await;
        let took = api.now() - began;
        let stale = reply.problem() == (409, "stock_stale".to_owned());
        let starved = tries >= EDIT_TRIES_MAX || took >= EDIT_TOOK_MAX;
        if stale && !starved && !api.out_of_time() {
            api.pause(Duration::from_millis(random.between(1, 20)))
                .await;
            continue;
        }
        let edit = Edit {
            expected_version: level.version,
            delta: kind.delta(&level),
            movement: None,
            tries,
            took,
        };
        let mut deed = edited(&reply, sku, id, edit);
        if stale {
            deed.end = End::Starved;
            deed.wrong.clear();
        }
        office.note(deed);
        return;
    }
}

/// An edit with an older version than there is: nobody may take it.
async fn stale(office: &Office, random: &Random, sku: &str) {
    let id = new_id(random);
    let Some(level) = office.api().level(sku).await else {
        return;
    };
    if level.version == 0 {
        return;
    }
    let older = Level {
        version: level.version - 1,
        ..level
    };
    let reply = send(office, sku, Kind::Adjust(-1), &older, id).await;
    let edit = Edit {
        expected_version: older.version,
        delta: -1,
        movement: None,
        tries: 1,
        took: reply.when.got - reply.when.first_sent,
    };
    if reply.problem() == (409, "stock_stale".to_owned()) {
        office.note(deed(&reply, id, Work::Other, vec![], &["stock_stale"]));
    } else {
        office.note(edited(&reply, sku, id, edit));
    }
}

fn edited(reply: &Reply, sku: &str, id: uuid::Uuid, mut edit: Edit) -> Deed {
    let delta = edit.delta;
    let changed: Option<Changed> = reply.json(200);
    let mut wrong = vec![];
    if reply.status() == Some(200) && changed.is_none() {
        wrong.push("an unreadable answer to an edit".to_owned());
    }
    edit.movement = changed
        .and_then(|changed| changed.movement)
        .map(|movement| (movement.version, movement.delta));
    // of an edit that was done otherwise than asked for, what counts is what was done
    let done = edit.movement.map_or(delta, |(_, delta)| delta);
    let below: Option<Level> = reply.json(409);
    let expected = edit.expected_version;
    let mut deed = deed(
        reply,
        id,
        Work::Edit(edit),
        vec![(sku.to_owned(), -done)],
        &["below_held"],
    );
    if let (End::Refused | End::Unclear(_), Some(level)) = (&deed.end, below) {
        // the version was right, so no attempt before it can still be done
        deed.end = End::Refused;
        if level.version != expected || level.on_hand + delta >= level.held {
            wrong.push(format!("an edit by {delta} refused at {level:?}"));
        }
    }
    deed.wrong.extend(wrong);
    deed
}

fn since(office: &Office, began: Duration) -> When {
    When {
        first_sent: began,
        sent: began,
        got: office.api().now(),
        attempts: 1,
    }
}
