//! Sweeps, and holds that reach their end.

use std::time::Duration;

use holdfast_sweeper::sweep;
use rand::Rng as _;
use rand::rngs::StdRng;

use super::traffic::Traffic;

/// One sweep after another. A sweeper never runs two at once.
pub(super) async fn sweep(traffic: &Traffic) {
    while !traffic.over() {
        let swept = sweep::run_once(&traffic.sweeper, Duration::from_secs(20)).await;
        if let Some(report) = traffic.outcome("sweep", swept) {
            let failed = report.shops.iter().any(|shop| !shop.failed.is_empty());
            if failed || !report.violations.is_empty() {
                traffic.wrong.borrow_mut().push(format!("{report:?}"));
            }
        }
    }
}

/// Ends the time of any checkout, whatever others do with it.
pub(super) async fn let_time_pass(traffic: &Traffic, mut random: StdRng) {
    for _ in 0..traffic.turns_max {
        if traffic.over() {
            return;
        }
        if random.random_bool(0.2) {
            traffic.lapse(None).await;
        } else {
            // others have time to do something meanwhile
            tokio::time::sleep(Duration::from_millis(random.random_range(1..20))).await;
        }
    }
}
