//! How long each call took, and how often it had to be repeated.

use std::sync::Mutex;
use std::time::Duration;

use hdrhistogram::Histogram;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Availability,
    Begin,
    Extend,
    Read,
    Order,
    Release,
    Webhook,
    StockRead,
    Receive,
    Adjust,
    Set,
    Shrink,
    Book,
    Amend,
    Cancel,
    Restock,
    ImportStage,
    ImportApply,
    ImportReport,
    Sku,
}

impl Call {
    pub(crate) const ALL: [Self; 20] = [
        Self::Availability,
        Self::Begin,
        Self::Extend,
        Self::Read,
        Self::Order,
        Self::Release,
        Self::Webhook,
        Self::StockRead,
        Self::Receive,
        Self::Adjust,
        Self::Set,
        Self::Shrink,
        Self::Book,
        Self::Amend,
        Self::Cancel,
        Self::Restock,
        Self::ImportStage,
        Self::ImportApply,
        Self::ImportReport,
        Self::Sku,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Availability => "availability",
            Self::Begin => "begin",
            Self::Extend => "extend",
            Self::Read => "read",
            Self::Order => "order",
            Self::Release => "release",
            Self::Webhook => "webhook",
            Self::StockRead => "stock",
            Self::Receive => "receive",
            Self::Adjust => "adjust",
            Self::Set => "set",
            Self::Shrink => "shrink",
            Self::Book => "book",
            Self::Amend => "amend",
            Self::Cancel => "cancel",
            Self::Restock => "restock",
            Self::ImportStage => "import stage",
            Self::ImportApply => "import apply",
            Self::ImportReport => "import report",
            Self::Sku => "sku",
        }
    }
}

/// The figures of one call. Latencies are of attempts that were answered, 5xx answers excepted:
/// from sending to the complete answer, in microseconds.
#[derive(Clone)]
pub(crate) struct Meter {
    pub(crate) latency: Histogram<u64>,
    /// Answers 429 and 5xx, after which the request was sent again.
    pub(crate) unavailable: u64,
    /// Attempts without an answer: connection refused, reset, timed out.
    pub(crate) unanswered: u64,
}

impl Meter {
    fn new() -> Self {
        // auto-resizing; 3 digits: a thousandth is far finer than what repeats from run to run
        let mut latency = Histogram::new_with_bounds(1, 120_000_000, 3)
            .unwrap_or_else(|_| unreachable_histogram());
        latency.auto(true);
        Self {
            latency,
            unavailable: 0,
            unanswered: 0,
        }
    }

    pub(crate) fn quantile_ms(&self, quantile: f64) -> f64 {
        micros_as_ms(self.latency.value_at_quantile(quantile))
    }

    pub(crate) fn max_ms(&self) -> f64 {
        micros_as_ms(self.latency.max())
    }
}

fn unreachable_histogram() -> Histogram<u64> {
    unreachable!("the bounds are constants that the histogram accepts")
}

pub(crate) fn micros_as_ms(micros: u64) -> f64 {
    Duration::from_micros(micros).as_secs_f64() * 1_000.0
}

pub(crate) struct Meters(Mutex<[Meter; Call::ALL.len()]>);

impl Meters {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(std::array::from_fn(|_| Meter::new())))
    }

    fn with<T>(&self, call: Call, use_it: impl FnOnce(&mut Meter) -> T) -> T {
        let mut meters = self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        // a variant's discriminant is its place in ALL
        use_it(&mut meters[call as usize])
    }

    pub(crate) fn answered(&self, call: Call, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).max(1);
        self.with(call, |meter| meter.latency.saturating_record(micros));
    }

    pub(crate) fn unavailable(&self, call: Call) {
        self.with(call, |meter| meter.unavailable += 1);
    }

    pub(crate) fn unanswered(&self, call: Call) {
        self.with(call, |meter| meter.unanswered += 1);
    }

    pub(crate) fn of(&self, call: Call) -> Meter {
        self.with(call, |meter| meter.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_has_its_own_meter() {
        let meters = Meters::new();
        for (place, call) in Call::ALL.into_iter().enumerate() {
            assert_eq!(call as usize, place);
        }
        meters.answered(Call::Begin, Duration::from_millis(5));
        assert_eq!(meters.of(Call::Begin).latency.len(), 1);
        assert_eq!(meters.of(Call::Order).latency.len(), 0);
        assert!((meters.of(Call::Begin).quantile_ms(0.5) - 5.0).abs() < 0.01);
    }
}
