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

/// The runbook of the queue's age, which AWS alone knows.
pub(crate) const QUEUE_RUNBOOK: &str = "PaymentEventsStuckAlarm";
/// The age of the last check of the promises at which its alarm rings.
const CHECK_LATE_S: i64 = 900;

/// Seconds from a time until now.
pub(crate) fn age_s(at: Utc, now: Utc) -> i64 {
    (now.get() - at.get()).whole_seconds()
}

/// Whether the alarm rings for a last check of this age.
pub(crate) fn is_check_late(age_s: i64) -> bool {
    age_s >= CHECK_LATE_S
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

impl Fault {
    /// Whether there is a measure to judge.
    pub(crate) fn is_known(&self) -> bool {
        self.measure != Measure::Unknown
    }
}

/// Every fault with its measure, those that ring first.
pub(crate) fn all(health: &Health) -> Vec<Fault> {
    let check_age = health.checked_at.map(|at| age_s(at, health.server_time));
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
            Some(seconds) => age("check", seconds, CHECK_LATE_S, "PromisesCheckLagAlarm"),
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
