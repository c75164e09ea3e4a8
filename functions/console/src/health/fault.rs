//! The faults that a shop can have, as the alarms of the template tell them.

use operations::health::Health;
use operations::utc::Utc;

/// How a fault is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Measure {
    /// So many rows wait for a person.
    Count(i64),
    /// The oldest has waited so many seconds.
    Age(i64),
    /// Nothing was measured yet.
    Unknown,
}

/// One thing that can be wrong.
pub(crate) struct Fault {
    /// The end of the keys of its texts.
    pub(crate) name: &'static str,
    pub(crate) measure: Measure,
    /// Whether its alarm rings.
    pub(crate) rings: bool,
    /// The heading of its runbook.
    pub(crate) runbook: &'static str,
}

/// Every fault with its measure, those that ring first.
pub(crate) fn all(health: &Health) -> Vec<Fault> {
    let check_age = health
        .checked_at
        .map(|at: Utc| (health.server_time.get() - at.get()).whole_seconds());
    let count = |name, number, runbook| Fault {
        name,
        measure: Measure::Count(number),
        rings: number > 0,
        runbook,
    };
    // The bounds are those of the alarms in template.yaml.
    let age = |name, seconds, bound, runbook| Fault {
        name,
        measure: Measure::Age(seconds),
        rings: seconds >= bound,
        runbook,
    };
    let mut all = vec![
        count("broken", health.breaches, "PromiseBrokenAlarm"),
        match check_age {
            Some(seconds) => age("check", seconds, 900, "PromisesCheckLagAlarm"),
            None => Fault {
                name: "check",
                measure: Measure::Unknown,
                rings: false,
                runbook: "PromisesCheckLagAlarm",
            },
        },
        count("parked", health.parked, "ParkedEventsAlarm"),
        count("refunds-failed", health.refunds_failed, "RefundFailedAlarm"),
        age(
            "refunds-owed",
            health.refunds_owed_s,
            3_600,
            "RefundsStuckAlarm",
        ),
        age(
            "refunds-pending",
            health.refunds_pending_s,
            432_000,
            "RefundsPendingAlarm",
        ),
        age("due", health.due_s, 300, "SweepLagAlarm"),
        age("outbox", health.unsent_s, 300, "OutboxLagAlarm"),
        count(
            "disabled",
            health.subscribers_disabled,
            "DeliveriesGivenUpAlarm",
        ),
        age(
            "deliveries",
            health.deliveries_waiting_s,
            10_800,
            "SubscriberLagAlarm",
        ),
        count(
            "given-up",
            health.deliveries_given_up,
            "DeliveriesGivenUpAlarm",
        ),
    ];
    all.sort_by_key(|fault| !fault.rings);
    all
}
