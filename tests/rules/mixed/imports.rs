//! Imports of the catalogue, again and again: rows that change nothing, counts with the version
//! just read, and bad rows.

use std::fmt::Write as _;
use std::time::Duration;

use operations::ids::ImportId;
use operations::import::{self, Apply, Mode, Status, jsonl};
use operations::quantity::{PartNumber, Percent};
use operations::stock;
use rand::Rng as _;
use rand::rngs::StdRng;
use serde_json::json;

use super::traffic::{SKUS, Traffic, actor, id_of};

/// Skus that only imports write.
const OWN_SKUS: u32 = 40;

pub(super) async fn import(traffic: &Traffic, mut random: StdRng) {
    for _ in 0..traffic.turns_max {
        if traffic.over() {
            return;
        }
        let lines = file(traffic, &mut random).await;
        let rows = jsonl::rows(lines.as_bytes(), None).unwrap();
        let count = i32::try_from(rows.len()).unwrap();
        let import_id = id_of(&mut random);
        let part = PartNumber::try_from(1).unwrap();
        let mut request = Apply {
            parts: part,
            mode: match random.random_bool(0.7) {
                true => Mode::GoodRowsOnly,
                false => Mode::AllOrNothing,
            },
            dry_run: random.random_bool(0.2),
            share_percent: Percent::ALL,
        };
        let (main, importer) = (&traffic.main, actor("importer"));
        let staged = import::stage(&traffic.admin, main, import_id, part, &importer, &rows).await;
        if traffic.outcome("stage", staged).is_none() {
            continue;
        }
        if request.dry_run {
            apply(traffic, import_id, &request, count).await;
            request.dry_run = false;
        }
        apply(traffic, import_id, &request, count).await;
    }
}

async fn file(traffic: &Traffic, random: &mut StdRng) -> String {
    let mut lines = String::new();
    let mut row = |row: serde_json::Value| writeln!(lines, "{row}").unwrap();
    for number in 0..OWN_SKUS {
        let (price, on_hand) = (random.random_range(1..4), random.random_range(0..4));
        let sku = format!("IMPORTED-{number}");
        row(json!({ "sku": sku, "title": "A veil", "price_minor": price, "on_hand": on_hand }));
    }
    for (sku, _) in SKUS {
        let level = stock::read(&traffic.admin, &traffic.main, &sku.parse().unwrap()).await;
        let level = level.unwrap().unwrap();
        let counted = match random.random_range(0..3) {
            0 => level.on_hand,
            1 => level.on_hand + 1,
            _ => level.on_hand.saturating_sub(1),
        };
        // with the version that was read, or without one
        match random.random_bool(0.7) {
            true => row(json!({
                "sku": sku, "on_hand": counted, "expected_version": level.version })),
            false => row(json!({ "sku": sku, "on_hand": counted })),
        }
    }
    if random.random_bool(0.2) {
        row(json!({ "sku": "WRONG", "title": "A veil", "price_minor": -1 }));
    }
    lines
}

async fn apply(traffic: &Traffic, import_id: ImportId, request: &Apply, rows: i32) {
    let (main, importer) = (&traffic.main, actor("importer"));
    let budget = Duration::from_secs(20);
    let applied = import::apply(&traffic.admin, main, import_id, &importer, request, budget).await;
    let what = if request.dry_run { "try" } else { "import" };
    let Some(progress) = traffic.outcome(what, applied) else {
        return;
    };
    let counted = progress.created + progress.changed + progress.unchanged + progress.refused;
    let ended = match (request.dry_run, request.mode) {
        (true, _) => progress.status == Status::Tried,
        (false, Mode::GoodRowsOnly) => progress.status == Status::Done,
        (false, Mode::AllOrNothing) if progress.refused > 0 => progress.status == Status::Rejected,
        (false, Mode::AllOrNothing) => progress.status == Status::Done,
    };
    if !ended || counted != rows {
        traffic
            .wrong
            .borrow_mut()
            .push(format!("{rows} rows: {progress:?}"));
    }
    traffic.count(&format!("{what}: {:?}", progress.status));
}
