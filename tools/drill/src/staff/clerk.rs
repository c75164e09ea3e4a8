//! A clerk who receives, adjusts and counts stock in the middle of the sale: always with the
//! version that was just read, and again with a newer one when a shopper was faster.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use super::office::{Office, action, new_id};
use crate::api::{Level, Reply};
use crate::checks::staff::{EDIT_TOOK_MAX, EDIT_TRIES_MAX};
use crate::history::{ActionEnd, Edit, StaffAction, Work};
use crate::meters::Call;
use crate::random::Random;

#[derive(Clone, Copy)]
enum Change {
    Receive(i64),
    Adjust(i64),
    /// Sets a counted number: so many more than the database has.
    Set(i64),
}

pub(super) async fn work(office: Arc<Office>, random: Random) {
    while office.on_duty(&random, 100, 500).await {
        let sku = office.any_sku(&random).to_owned();
        if random.percent(10) {
            edit_stale(&office, &random, &sku).await;
        } else {
            edit(&office, &random, &sku).await;
        }
    }
}

fn any_change(random: &Random) -> Change {
    let units = i64::try_from(random.between(1, 3)).unwrap_or(1);
    match random.below(100) {
        // Held units can't be taken, so more of the changes that take are refused.
        0..15 => Change::Receive(units),
        15..25 => Change::Adjust(units),
        25..75 => Change::Adjust(-units),
        _ => Change::Set(units - 2),
    }
}

impl Change {
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

async fn send(office: &Office, sku: &str, change: Change, level: &Level, id: Uuid) -> Reply {
    let (call, verb, mut body) = change.request(level);
    body["expected_version"] = level.version.into();
    body["movement_id"] = id.to_string().into();
    let path = format!("stock/{sku}/{verb}");
    office.send(call, &path, &body).await
}

/// Reads and edits until the edit is done, refused for a reason, or given up.
async fn edit(office: &Office, random: &Random, sku: &str) {
    let api = &office.sale.api;
    let (change, id, began) = (any_change(random), new_id(random), api.now());
    for tries in 1.. {
        let Some(level) = office.level(sku).await else {
            office.note_unread(sku, began);
            return;
        };
        let reply = send(office, sku, change, &level, id).await;
        let took = api.now() - began;
        let stale = reply.is_refused_as("stock_stale");
        let starved = tries >= EDIT_TRIES_MAX || took >= EDIT_TOOK_MAX;
        if stale && !starved && !api.out_of_time() {
            let pause = Duration::from_millis(random.between(1, 20));
            api.pause(pause).await;
            continue;
        }
        let edit = Edit {
            expected_version: level.version,
            delta: change.delta(&level),
            movement: None,
            tries,
            took,
        };
        let mut edited = edited(&reply, sku, id, edit);
        if stale {
            edited.end = ActionEnd::Starved;
            edited.wrong.clear();
        }
        office.note(edited);
        return;
    }
}

/// An edit with a version older than the current one must be refused.
async fn edit_stale(office: &Office, random: &Random, sku: &str) {
    let id = new_id(random);
    let level = office.level(sku).await;
    let Some(mut older) = level.filter(|level| level.version > 0) else {
        return;
    };
    older.version -= 1;
    let reply = send(office, sku, Change::Adjust(-1), &older, id).await;
    if reply.is_refused_as("stock_stale") {
        let refused = action(&reply, id, Work::Other, vec![], &["stock_stale"]);
        office.note(refused);
        return;
    }
    let edit = Edit {
        expected_version: older.version,
        delta: -1,
        movement: None,
        tries: 1,
        took: reply.when.got - reply.when.first_sent,
    };
    office.note(edited(&reply, sku, id, edit));
}

fn edited(reply: &Reply, sku: &str, id: Uuid, mut edit: Edit) -> StaffAction {
    let delta = edit.delta;
    let changed: Option<Value> = reply.json(200);
    let movement = changed.as_ref().map(|changed| &changed["movement"]);
    edit.movement = movement.and_then(|movement| {
        let number = |name: &str| movement[name].as_i64();
        Some((number("version")?, number("delta")?))
    });
    // If the edit did something else than was asked for, that counts.
    let done = edit.movement.map_or(delta, |(_, delta)| delta);
    let units = vec![(sku.to_owned(), -done)];
    let expected = edit.expected_version;
    let mut edited = action(reply, id, Work::Edit(edit), units, &["below_held"]);
    let below: Option<Level> = reply.json(409);
    if let (ActionEnd::Refused | ActionEnd::Unclear(_), Some(level)) = (&edited.end, below) {
        // The version was right, so no attempt before it can still be done.
        edited.end = ActionEnd::Refused;
        if level.version != expected || level.on_hand + delta >= level.held {
            let wrong = format!("an edit by {delta} refused at {level:?}");
            edited.wrong.push(wrong);
        }
    }
    edited
}
