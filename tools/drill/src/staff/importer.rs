//! Somebody who imports the catalogue again and again: rows that change nothing, prices and stock
//! of skus of the rehearsal's own, and the stock of one sku of the run, by the version just read.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Office, deed, new_id, retire};
use crate::api::{Level, Reply, Sent};
use crate::history::{Deed, End, Import, RowCounts, When, Work};
use crate::meters::Call;
use crate::random::Random;

const OWN_SKUS: u32 = 20;
/// How many of them are looked up after each import.
const LOOKED_UP: usize = 3;
const OUTCOMES: [&str; 4] = ["created", "changed", "unchanged", "refused"];

/// What an import says while it is applied, and in its report.
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

/// The file of one import, a row a line, and what each has to become.
#[derive(Default)]
struct File {
    lines: String,
    expected: Vec<&'static str>,
    /// The line of the row that changes stock of the run, its sku, and by how much.
    versioned: Option<(usize, String, i64)>,
}

impl File {
    fn row(&mut self, row: &Value, expected: &'static str) {
        // writing to a String can't fail
        let _ = writeln!(self.lines, "{row}");
        self.expected.push(expected);
    }
}

/// Price and stock of a sku of the rehearsal's own; nobody else writes it.
type Own = BTreeMap<String, (i64, i64)>;

pub(super) async fn work(office: Arc<Office>, random: Random) {
    let mut own = Own::new();
    while office.on_duty(&random, 200, 800).await {
        let file = file(&office, &random, &mut own).await;
        if !import(&office, &random, &file, &own).await {
            // what became of it is not known, so nothing can be said of the next one
            break;
        }
    }
    for sku in own.keys() {
        retire(&office, sku).await;
    }
}

async fn file(office: &Office, random: &Random, own: &mut Own) -> File {
    let mut file = File::default();
    for sku in &office.skus {
        file.row(&json!({ "sku": sku.sku, "title": sku.title }), "unchanged");
    }
    for number in 0..OWN_SKUS {
        let sku = office.own_sku(&format!("IMPORT-{number}"));
        let before = own.get(&sku).copied();
        let figure = |most| i64::try_from(random.between(1, most)).unwrap_or(1);
        let now = match before {
            Some((price, stock)) => match random.below(4) {
                0 => (price, figure(500)),
                1 => (figure(100_000), stock),
                _ => (price, stock),
            },
            None => (figure(100_000), figure(500)),
        };
        let expected = match before {
            None => "created",
            Some(before) if before == now => "unchanged",
            Some(_) => "changed",
        };
        let (price, stock) = now;
        let title = format!("Rehearsal: imported {number}");
        let row = json!({ "sku": sku, "title": title, "price_minor": price, "on_hand": stock });
        file.row(&row, expected);
        own.insert(sku, now);
    }
    if random.percent(30) {
        let sku = office.own_sku("NEVER");
        file.row(
            &json!({ "sku": sku, "title": "Rehearsal: refused", "price_minor": -1 }),
            "refused",
        );
    }
    let others: Vec<_> = office
        .skus
        .iter()
        .filter(|s| s.sku != office.stage.hot_sku)
        .collect();
    if !others.is_empty() {
        let sku = &others[random.index(others.len())].sku;
        if let Some(level) = office.api().level(sku).await {
            versioned(&mut file, random, sku, level);
        }
    }
    file
}

/// A row that is refused when a shopper or a clerk was faster.
fn versioned(file: &mut File, random: &Random, sku: &str, level: Level) {
    let more = i64::try_from(random.below(5)).unwrap_or(0) - 2;
    let on_hand = (level.on_hand + more).max(0);
    if on_hand == level.on_hand {
        return;
    }
    let row = json!({ "sku": sku, "on_hand": on_hand, "expected_version": level.version });
    // the file has this sku already, and the second line of a sku is refused
    let title = format!("\"{sku}\"");
    let rows: Vec<&str> = file.lines.lines().collect();
    let Some(line) = rows.iter().position(|row| row.contains(&title)) else {
        return;
    };
    let mut rows: Vec<String> = rows.into_iter().map(str::to_owned).collect();
    rows[line] = row.to_string();
    file.lines = rows.join("\n");
    file.versioned = Some((line, sku.to_owned(), on_hand - level.on_hand));
}

async fn import(office: &Office, random: &Random, file: &File, own: &Own) -> bool {
    let id = new_id(random);
    let api = office.api();
    let path = format!("imports/{id}/parts/1");
    let staged = api
        .office(
            Call::ImportStage,
            Method::PUT,
            &path,
            Sent::Lines(&file.lines),
        )
        .await;
    let staged = deed(&staged, id, Work::Other, vec![], &[]);
    let ok = staged.end == End::Done && staged.wrong.is_empty();
    office.note(staged);
    if !ok {
        return false;
    }
    let (when, reply) = apply(office, id).await;
    let applied: Option<Progress> = reply.json(200);
    let path = format!("imports/{id}/report?limit=5000");
    let read = api
        .office(Call::ImportReport, Method::GET, &path, Sent::Nothing)
        .await;
    let report: Option<Progress> = read.json(200);
    let outcomes = outcomes(file, report.as_ref());
    let versioned = file.versioned.as_ref();
    let units = versioned.filter(|(line, ..)| outcomes[*line] == "changed");
    let units = units.map(|(_, sku, more)| (sku.clone(), -more));
    let mut import = Import {
        expected: OUTCOMES.map(|outcome| count(&outcomes, outcome)),
        applied: applied.as_ref().map(Progress::counts),
        reported: report.as_ref().map(Progress::counts),
        differs: differing_rows(&outcomes, report.as_ref()),
    };
    if applied.is_none_or(|applied| applied.status != "done") {
        import.differs.push("it did not end as done".to_owned());
    }
    import.differs.extend(looked_up(office, random, own).await);
    let mut done = Deed {
        when,
        ..deed(
            &reply,
            id,
            Work::Import(import),
            units.into_iter().collect(),
            &[],
        )
    };
    if let (true, Some((_, sku, more))) = (report.is_none(), versioned) {
        done.end = End::Unclear("there is no report".to_owned());
        done.units = vec![(sku.clone(), -more)];
    }
    let known = done.end == End::Done;
    office.note(done);
    known
}

fn count(outcomes: &[&str], wanted: &str) -> i64 {
    let count = outcomes
        .iter()
        .filter(|outcome| **outcome == wanted)
        .count();
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Until it is done. When: from the first request's first attempt to the last answer.
async fn apply(office: &Office, id: Uuid) -> (When, Reply) {
    let path = format!("imports/{id}/apply");
    let body = json!({ "parts": 1, "share_percent": 100 });
    let mut first = None;
    loop {
        let sent = Sent::Json(&body);
        let api = office.api();
        let reply = api
            .office(Call::ImportApply, Method::POST, &path, sent)
            .await;
        let first_sent = *first.get_or_insert(reply.when.first_sent);
        let progress: Option<Progress> = reply.json(200);
        if progress.is_none_or(|progress| progress.done) || api.out_of_time() {
            let when = When {
                first_sent,
                ..reply.when
            };
            return (when, reply);
        }
    }
}

/// What each row had to become. The one with a version may be refused, or find that others have
/// brought the stock to what it says: then it is unchanged, whatever version it expects.
fn outcomes<'a>(file: &File, report: Option<&'a Progress>) -> Vec<&'a str> {
    let mut outcomes = file.expected.clone();
    if let Some((line, ..)) = file.versioned {
        let became = report.and_then(|report| report.page.get(line)?.outcome.as_deref());
        let free = ["refused", "unchanged"].into_iter();
        let mut free = free.filter(|outcome| became == Some(*outcome));
        outcomes[line] = free.next().unwrap_or("changed");
    }
    outcomes
}

fn differing_rows(outcomes: &[&str], report: Option<&Progress>) -> Vec<String> {
    let Some(report) = report else {
        return vec!["there is no report".to_owned()];
    };
    let mut differs = vec![];
    if report.page.len() != outcomes.len() {
        differs.push(format!(
            "{} rows reported of {}",
            report.page.len(),
            outcomes.len()
        ));
    }
    for (row, expected) in report.page.iter().zip(outcomes) {
        if row.outcome.as_deref() != Some(expected) {
            let line = row.line;
            differs.push(format!(
                "line {line} is {:?} and not {expected}",
                row.outcome
            ));
        }
    }
    differs
}

/// Some of the rehearsal's own skus, as the catalogue shows them now.
async fn looked_up(office: &Office, random: &Random, own: &Own) -> Vec<String> {
    #[derive(Debug, Deserialize)]
    struct Sku {
        price_minor: i64,
        stock: Stock,
    }
    #[derive(Debug, Deserialize)]
    struct Stock {
        on_hand: i64,
    }
    let mut differs = vec![];
    for _ in 0..LOOKED_UP.min(own.len()) {
        let Some((code, expected)) = own.iter().nth(random.index(own.len())) else {
            continue;
        };
        let path = format!("skus/{code}");
        let api = office.api();
        let reply = api
            .office(Call::Sku, Method::GET, &path, Sent::Nothing)
            .await;
        let sku: Option<Sku> = reply.json(200);
        let shown = sku.as_ref().map(|sku| (sku.price_minor, sku.stock.on_hand));
        if shown != Some(*expected) {
            differs.push(format!("{code} is {shown:?} and not {expected:?}"));
        }
    }
    differs
}
