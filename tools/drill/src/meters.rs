//! How long each kind of request took, and how often it had to be repeated.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;
use reqwest::{Method, StatusCode};
use serde::Serialize;

/// A kind of request, in the order of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Call {
    Availability,
    Begin,
    Extend,
    Read,
    Order,
    ReadOrder,
    Release,
    Webhook,
    Stock,
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
    SkuPut,
    Sku,
    SkuRetire,
}

impl Call {
    pub(crate) fn method(self) -> Method {
        match self {
            Self::Availability | Self::Read | Self::ReadOrder => Method::GET,
            Self::Stock | Self::ImportReport | Self::Sku => Method::GET,
            Self::Begin | Self::Book | Self::ImportStage | Self::SkuPut => Method::PUT,
            Self::Release | Self::Cancel | Self::SkuRetire => Method::DELETE,
            Self::Amend => Method::PATCH,
            _ => Method::POST,
        }
    }
}

/// The measurements of one kind of request.
#[derive(Clone)]
pub(crate) struct Meter {
    /// Microseconds from sending to the complete answer, for each answered attempt. Answers 429 and
    /// 5xx are left out.
    pub(crate) latency: Histogram<u64>,
    /// Answers 429 and 5xx, after which the request was sent again.
    pub(crate) unavailable: u64,
    /// Those of them that were 5xx.
    pub(crate) server_errors: u64,
    /// Attempts without an answer: connection refused, reset, timed out.
    pub(crate) unanswered: u64,
}

impl Default for Meter {
    fn default() -> Self {
        Self {
            latency: histogram(),
            unavailable: 0,
            server_errors: 0,
            unanswered: 0,
        }
    }
}

/// Up to 120 s in microseconds; longer values count as 120 s. Three digits: differences between two
/// runs are far larger than a thousandth.
#[expect(clippy::expect_used, reason = "the library accepts 0 to 5 digits")]
pub(crate) fn histogram() -> Histogram<u64> {
    Histogram::new_with_max(120_000_000, 3).expect("a histogram of three digits")
}

/// How a set of measurements is spread.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Quantiles {
    pub(crate) p50: f64,
    pub(crate) p95: f64,
    pub(crate) p99: f64,
    pub(crate) max: f64,
}

impl Quantiles {
    /// Each value multiplied by `unit`.
    pub(crate) fn of(values: &Histogram<u64>, unit: f64) -> Self {
        let at = |quantile| values.value_at_quantile(quantile) as f64 * unit;
        Self {
            p50: at(0.5),
            p95: at(0.95),
            p99: at(0.99),
            max: values.max() as f64 * unit,
        }
    }

    /// The percentiles, in milliseconds, of values in microseconds.
    pub(crate) fn in_ms(micros: &Histogram<u64>) -> Self {
        Self::of(micros, 0.001)
    }
}

#[derive(Default)]
pub(crate) struct Meters(Mutex<BTreeMap<Call, Meter>>);

impl Meters {
    fn record(&self, call: Call, record: impl FnOnce(&mut Meter)) {
        let mut meters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        record(meters.entry(call).or_default());
    }

    pub(crate) fn answered(&self, call: Call, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.record(call, |meter| meter.latency.saturating_record(micros));
    }

    pub(crate) fn unavailable(&self, call: Call, status: StatusCode) {
        self.record(call, |meter| {
            meter.unavailable += 1;
            meter.server_errors += u64::from(status.is_server_error());
        });
    }

    pub(crate) fn unanswered(&self, call: Call) {
        self.record(call, |meter| meter.unanswered += 1);
    }

    /// Every kind of request that was made.
    pub(crate) fn all(&self) -> BTreeMap<Call, Meter> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn p99_ms(&self, call: Call) -> f64 {
        let meters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let p99 = |meter: &Meter| Quantiles::in_ms(&meter.latency).p99;
        meters.get(&call).map_or(0.0, p99)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_request_has_its_own_measurements() {
        let meters = Meters::default();
        meters.answered(Call::Begin, Duration::from_millis(5));
        meters.unavailable(Call::Order, StatusCode::TOO_MANY_REQUESTS);
        meters.unavailable(Call::Order, StatusCode::SERVICE_UNAVAILABLE);
        let all = meters.all();
        assert!((Quantiles::in_ms(&all[&Call::Begin].latency).p50 - 5.0).abs() < 0.01);
        assert_eq!(all[&Call::Order].latency.len(), 0);
        assert_eq!(all[&Call::Order].unavailable, 2);
        assert_eq!(all[&Call::Order].server_errors, 1);
    }
}
