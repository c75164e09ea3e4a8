//! The part of a sweep's report that is about one shop.

use operations::cause::causes;
use operations::db::Failure;
use serde::Serialize;
use uuid::Uuid;

/// The result for one shop.
#[derive(Debug, Default, Serialize)]
pub struct ShopSweep {
    pub shop: String,
    /// Due checkouts that are now expired.
    pub expired: i32,
    /// Due checkouts that could not be expired, because one of their rows breaks a constraint.
    pub failed: Vec<Uuid>,
    /// Parked payment events that are now applied, because their payment is known.
    pub unparked: i32,
    /// Purged holds that were resolved more than 30 days ago.
    pub purged: i32,
    /// When the check began: seconds since everything that had changed was checked. 0 if nothing
    /// has changed since.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed_s: Option<f64>,
    /// When the check began: seconds since the last complete lap through every row began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history_s: Option<f64>,
    /// Its node stopped answering during the sweep: the rest of its work waits.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub waits: bool,
    /// The first failure of this shop, for a person to read. The other shops were swept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

impl ShopSweep {
    /// Keeps the first failure: later ones are often its consequence.
    pub(crate) fn fail(&mut self, failure: &Failure) {
        self.failure.get_or_insert_with(|| causes(failure));
    }
}
