//! Time that passes, and what looks after it.

use holdfast_sweeper::sweep;
use operations::ids::CheckoutId;
use rand::Rng as _;
use rand::rngs::StdRng;
use std::time::Duration;

use super::Traffic;

/// One sweep after another, and never two at the same moment of one sweeper.
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

/// Ends the time of some checkout, whoever's it is and whatever is being done with it.
pub(super) async fn let_time_pass(traffic: &Traffic, mut random: StdRng) {
    for _ in 0..traffic.turns_max {
        if traffic.over() {
            return;
        }
        if random.random_bool(0.2) {
            lapse(traffic, None).await;
        } else {
            // others have time to do something meanwhile
            tokio::time::sleep(Duration::from_millis(random.random_range(1..20))).await;
        }
    }
}

/// The end of a hold lies in the past from now on: this checkout's, or any. The row is locked by a
/// statement of its own: the next one then sees the holds of whoever had it before.
pub(super) async fn lapse(traffic: &Traffic, id: Option<CheckoutId>) {
    let any = "select checkout_id from holdfast.checkouts where ended_at is null \
               order by checkout_id limit 1";
    let id = match id {
        Some(id) => *id.as_uuid(),
        None => match traffic.owner.query_opt(any, &[]).await.unwrap() {
            Some(row) => row.get(0),
            None => return,
        },
    };
    let lapse = format!(
        "begin;
        select from holdfast.checkouts where checkout_id = '{id}' for update;
        with due as (
            update holdfast.checkouts c set expires_at = clock_timestamp() - interval '1 second'
            where c.checkout_id = '{id}' and c.ended_at is null
            returning c.shop, c.checkout_id, c.expires_at)
        update holdfast.holds h set expires_at = due.expires_at from due
        where h.shop = due.shop and h.checkout_id = due.checkout_id and h.status = 'active';
        commit"
    );
    traffic.owner.batch_execute(&lapse).await.unwrap();
    traffic.count("lapse");
}
