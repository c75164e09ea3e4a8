//! Imports the catalogue again and again: rows that change nothing, prices and stock of the drill's
//! own skus, and the stock of one sku of the run with the version just read.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::office::{Office, action, new_id};
use crate::api::{Level, Reply};
use crate::history::{ActionEnd, Import, RowCounts, StaffAction, When, Work};
use crate::meters::Call;
use crate::random::Random;

const OWN_SKUS: u32 = 20;
/// How many of them are looked up after each import.
const LOOKED_UP: usize = 3;
const OUTCOMES: [&str; 4] = ["created", "changed", "unchanged", "refused"];

/// The answer while an import is applied, and its report.
#[derive(Deserialize)]
struct Progress {
    #[serde(default)]
    done: bool,
    status: String,
    created: i64,
    changed: i64,
    unchanged: i64,
    refused: i64,
    #[serde(default)]
    page: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    line: i64,
    outcome: Option<String>,
}

impl Progress {
    fn counts(&self) -> RowCounts {
        [self.created, self.changed, self.unchanged, self.refused]
    }
}

/// The rows of one import, each with its expected outcome.
#[derive(Default)]
struct File {
    rows: Vec<(Value, &'static str)>,
    /// The row that changes stock of the run: its place, its sku, and the change.
    versioned: Option<(usize, String, i64)>,
}

/// Price and stock of the drill's own skus. Nobody else writes them.
type Own = BTreeMap<String, (i64, i64)>;

pub(super) async fn work(office: Arc<Office>, random: Random) {
    let mut own = Own::new();
    while office.on_duty(&random, 200, 800).await {
        let file = file(&office, &random, &mut own).await;
        if !import(&office, &random, &file, &own).await {
            // Its outcome is not known, so that of the next one can't be predicted.
            break;
        }
    }
    for sku in own.keys() {
        office.retire(sku).await;
    }
}

async fn file(office: &Office, random: &Random, own: &mut Own) -> File {
    let mut file = File::default();
    for sku in &office.skus {
        let row = json!({ "sku": sku.sku, "title": sku.title });
        file.rows.push((row, "unchanged"));
    }
    for number in 0..OWN_SKUS {
        let sku = office.own_sku(&format!("IMPORT-{number}"));
        let figure = |most| i64::try_from(random.between(1, most)).unwrap_or(1);
        let before = own.get(&sku).copied();
        let (price, stock) = match (before, random.below(4)) {
            (Some((price, _)), 0) => (price, figure(500)),
            (Some((_, stock)), 1) => (figure(100_000), stock),
            (Some(same), _) => same,
            (None, _) => (figure(100_000), figure(500)),
        };
        let expected = match before {
            None => "created",
            Some(before) if before == (price, stock) => "unchanged",
            Some(_) => "changed",
        };
        let title = format!("Rehearsal: imported {number}");
        let row = json!({ "sku": sku, "title": title, "price_minor": price, "on_hand": stock });
        file.rows.push((row, expected));
        own.insert(sku, (price, stock));
    }
    if random.percent(30) {
        let sku = office.own_sku("NEVER");
        let row = json!({ "sku": sku, "title": "Rehearsal: refused", "price_minor": -1 });
        file.rows.push((row, "refused"));
    }
    let others = office.other_skus();
    if !others.is_empty() {
        let sku = others[random.index(others.len())];
        if let Some(level) = office.level(sku).await {
            put_version(&mut file, random, sku, level);
        }
    }
    file
}

/// Replaces the row of a sku of the run by one with the version just read. It is refused when a
/// shopper or a clerk was faster. A second row of the same sku would be refused in any case.
fn put_version(file: &mut File, random: &Random, sku: &str, level: Level) {
    let more = i64::try_from(random.below(5)).unwrap_or(0) - 2;
    let on_hand = (level.on_hand + more).max(0);
    let place = file.rows.iter().position(|(row, _)| row["sku"] == sku);
    if let Some(place) = place.filter(|_| on_hand != level.on_hand) {
        let version = level.version;
        file.rows[place].0 = json!({ "sku": sku, "on_hand": on_hand, "expected_version": version });
        file.versioned = Some((place, sku.to_owned(), on_hand - level.on_hand));
    }
}

/// False when the outcome is not known.
async fn import(office: &Office, random: &Random, file: &File, own: &Own) -> bool {
    let id = new_id(random);
    let lines: Vec<String> = file.rows.iter().map(|(row, _)| row.to_string()).collect();
    let path = format!("imports/{id}/parts/1");
    let lines = Value::String(lines.join("\n"));
    if !office.prepare(Call::ImportStage, &path, &lines).await {
        return false;
    }
    let (when, reply) = apply(office, id).await;
    let applied: Option<Progress> = reply.json(200);
    let path = format!("imports/{id}/report?limit=5000");
    let report = office.send(Call::ImportReport, &path, &Value::Null).await;
    let report: Option<Progress> = report.json(200);
    let outcomes = outcomes(file, report.as_ref());
    let mut import = Import {
        expected: OUTCOMES.map(|outcome| count(&outcomes, outcome)),
        applied: applied.as_ref().map(Progress::counts),
        reported: report.as_ref().map(Progress::counts),
        differs: differing_rows(&outcomes, report.as_ref()),
    };
    if applied.is_none_or(|applied| applied.status != "done") {
        import.differs.push("it did not end as done".to_owned());
    }
    import.differs.extend(look_up(office, random, own).await);
    let mut units = vec![];
    if let Some((place, sku, more)) = &file.versioned
        && (report.is_none() || outcomes[*place] == "changed")
    {
        units.push((sku.clone(), -more));
    }
    let mut imported = StaffAction {
        when,
        ..action(&reply, id, Work::Import(import), units, &[])
    };
    if report.is_none() && file.versioned.is_some() {
        imported.end = ActionEnd::Unclear("there is no report".to_owned());
    }
    let known = imported.end == ActionEnd::Done;
    office.note(imported);
    known
}

fn count(outcomes: &[&str], wanted: &str) -> i64 {
    let count = outcomes.iter().filter(|outcome| **outcome == wanted);
    i64::try_from(count.count()).unwrap_or(i64::MAX)
}

/// Applies it until it is done. When: from the first request's first attempt to the last answer.
async fn apply(office: &Office, id: Uuid) -> (When, Reply) {
    let path = format!("imports/{id}/apply");
    let body = json!({ "parts": 1, "share_percent": 100 });
    let mut first = None;
    loop {
        let reply = office.send(Call::ImportApply, &path, &body).await;
        let first_sent = *first.get_or_insert(reply.when.first_sent);
        let progress: Option<Progress> = reply.json(200);
        if progress.is_none_or(|progress| progress.done) || office.sale.api.out_of_time() {
            let when = When {
                first_sent,
                ..reply.when
            };
            return (when, reply);
        }
    }
}

/// The expected outcome of each row. The row with a version may be refused. It may also find that
/// others have brought the stock to its number: then it is unchanged, whatever version it expects.
fn outcomes<'a>(file: &'a File, report: Option<&Progress>) -> Vec<&'a str> {
    let mut outcomes: Vec<&str> = file.rows.iter().map(|(_, expected)| *expected).collect();
    if let Some((place, ..)) = file.versioned {
        let became = report.and_then(|report| report.page.get(place)?.outcome.as_deref());
        outcomes[place] = match became {
            Some("refused") => "refused",
            Some("unchanged") => "unchanged",
            _ => "changed",
        };
    }
    outcomes
}

fn differing_rows(outcomes: &[&str], report: Option<&Progress>) -> Vec<String> {
    let Some(Progress { page, .. }) = report else {
        return vec!["there is no report".to_owned()];
    };
    let mut differs = vec![];
    if page.len() != outcomes.len() {
        let (reported, rows) = (page.len(), outcomes.len());
        differs.push(format!("{reported} rows reported of {rows}"));
    }
    for (Row { line, outcome }, expected) in page.iter().zip(outcomes) {
        if outcome.as_deref() != Some(expected) {
            differs.push(format!("line {line} is {outcome:?} and not {expected}"));
        }
    }
    differs
}

/// Compares some of the drill's own skus with the catalogue.
async fn look_up(office: &Office, random: &Random, own: &Own) -> Vec<String> {
    let mut differs = vec![];
    for _ in 0..LOOKED_UP.min(own.len()) {
        let Some((code, expected)) = own.iter().nth(random.index(own.len())) else {
            continue;
        };
        let path = format!("skus/{code}");
        let reply = office.send(Call::Sku, &path, &Value::Null).await;
        let sku: Value = reply.json(200).unwrap_or_default();
        let shown = (
            sku["price_minor"].as_i64(),
            sku["stock"]["on_hand"].as_i64(),
        );
        if shown != (Some(expected.0), Some(expected.1)) {
            differs.push(format!("{code} is {shown:?} and not {expected:?}"));
        }
    }
    differs
}
