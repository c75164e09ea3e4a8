//! Metrics as log lines in CloudWatch's embedded metric format (EMF). CloudWatch makes metrics of
//! them, so no request waits for a call.
//!
//! Rejected: the crate `metrics_cloudwatch_embedded`. It repeats a gauge until the next value, so a
//! failing sweep would repeat a good lag. It loses values after the hundredth of one invocation. It
//! writes a line in pieces, so lines of two processes mix. It accepts any name as a metric.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};

use super::metric::{Metric, Scope, Unit};

/// The namespace of all metrics.
const NAMESPACE: &str = "Holdfast";
/// Values of one metric in one line: CloudWatch's limit. A full line is written at once.
const VALUES_MAX: usize = 100;

static EMITTER: OnceLock<Emitter> = OnceLock::new();

/// The values since the last line.
struct Emitter {
    stack: String,
    function: String,
    series: Series,
    gathered: Mutex<Gathered>,
}

type Gathered = BTreeMap<Metric, Vec<f64>>;

/// Which metrics CloudWatch makes series of. It bills each series. The line has all values in
/// either case, for queries of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Series {
    All,
    /// Those that an alarm reads.
    Alarms,
}

impl Series {
    fn include(self, metric: Metric) -> bool {
        self == Self::All || Metric::ALARMED.contains(&metric)
    }
}

/// Metrics are written if `METRICS_STACK` is set. It is the dimension `Stack`, so two deployments
/// in one account stay apart. `METRICS` is `all` (default) or `alarms`. Another value is reported,
/// and all metrics are series: a typing mistake must not stop a function from starting.
pub(super) fn init() {
    let variable = |name| std::env::var(name).ok().filter(|text| !text.is_empty());
    let Some(stack) = variable("METRICS_STACK") else {
        return;
    };
    let series = match variable("METRICS").as_deref() {
        None | Some("all") => Series::All,
        Some("alarms") => Series::Alarms,
        Some(other) => {
            tracing::warn!(
                METRICS = other,
                "METRICS is neither all nor alarms; using all"
            );
            Series::All
        }
    };
    let function = variable("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_else(|| "unknown".to_owned());
    let gathered = Mutex::default();
    let emitter = Emitter {
        stack,
        function,
        series,
        gathered,
    };
    if EMITTER.set(emitter).is_ok() {
        count(Metric::ColdStarts, 1);
    }
}

/// Adds to a counter. A zero is written, too: it says that the function looked.
pub fn count(metric: Metric, more: usize) {
    debug_assert!(metric.unit() == Unit::Count, "{metric:?} is observed");
    #[expect(
        clippy::cast_precision_loss,
        reason = "nobody counts to 2^52 between two lines"
    )]
    let more = more as f64;
    gather(metric, |values| match values.first_mut() {
        Some(sum) => *sum += more,
        None => values.push(more),
    });
}

/// Adds one value of a measurement.
pub fn observe(metric: Metric, value: f64) {
    debug_assert!(metric.unit() != Unit::Count, "{metric:?} is counted");
    if value.is_finite() {
        gather(metric, |values| values.push(value));
    }
}

fn gather(metric: Metric, add: impl FnOnce(&mut Vec<f64>)) {
    let Some(emitter) = EMITTER.get() else { return };
    let mut gathered = emitter
        .gathered
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    let values = gathered.entry(metric).or_default();
    add(values);
    if values.len() >= VALUES_MAX {
        let full = std::mem::take(&mut *gathered);
        drop(gathered);
        write(emitter, &full);
    }
}

/// Writes the values at the end of every invocation. After that the process may be frozen, or never
/// run again.
pub fn flush() {
    let Some(emitter) = EMITTER.get() else { return };
    let gathered = emitter
        .gathered
        .lock()
        .map(|mut gathered| std::mem::take(&mut *gathered))
        .unwrap_or_default();
    if !gathered.is_empty() {
        write(emitter, &gathered);
    }
}

/// Calls [`flush`] when it is dropped, however the invocation ends.
#[must_use]
pub struct Flush;

impl Drop for Flush {
    fn drop(&mut self) {
        flush();
    }
}

/// In one write, because other threads and processes write into the same log.
fn write(emitter: &Emitter, gathered: &Gathered) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let timestamp_ms = now.map_or(0, |since| since.as_millis());
    let mut text = line(emitter, timestamp_ms, gathered).to_string();
    text.push('\n');
    let mut stdout = std::io::stdout().lock();
    // If the log cannot be written, there is no place to report that.
    let _ = stdout.write_all(text.as_bytes());
    let _ = stdout.flush();
}

fn line(emitter: &Emitter, timestamp_ms: u128, gathered: &Gathered) -> Value {
    let directives: Vec<Value> = [Scope::Stack, Scope::Function]
        .into_iter()
        .filter_map(|scope| {
            let metrics: Vec<Value> = gathered
                .keys()
                .filter(|metric| metric.scope() == scope && emitter.series.include(**metric))
                .map(|metric| json!({ "Name": metric.name(), "Unit": metric.unit().name() }))
                .collect();
            (!metrics.is_empty()).then(|| {
                json!({
                    "Namespace": NAMESPACE,
                    "Dimensions": [scope.dimensions()],
                    "Metrics": metrics,
                })
            })
        })
        .collect();
    let mut line = Map::new();
    let aws = json!({ "Timestamp": timestamp_ms, "CloudWatchMetrics": directives });
    line.insert("_aws".to_owned(), aws);
    line.insert("Stack".to_owned(), emitter.stack.as_str().into());
    line.insert("Function".to_owned(), emitter.function.as_str().into());
    for (metric, values) in gathered {
        let value = match values.as_slice() {
            [value] => json!(value),
            values => json!(values),
        };
        line.insert(metric.name().to_owned(), value);
    }
    Value::Object(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn emitter(series: Series) -> Emitter {
        Emitter {
            stack: "holdfast".to_owned(),
            function: "holdfast-checkout".to_owned(),
            series,
            gathered: Mutex::default(),
        }
    }

    #[test]
    fn a_line_tells_each_metric_once_under_the_dimensions_of_its_scope() {
        let gathered = Gathered::from([
            (Metric::HoldsGranted, vec![2.0]),
            (Metric::DatabaseCall, vec![1.5, 3.0]),
        ]);
        assert_eq!(
            line(&emitter(Series::All), 1_700_000_000_000, &gathered),
            json!({
                "_aws": { "Timestamp": 1_700_000_000_000_u64, "CloudWatchMetrics": [
                    { "Namespace": "Holdfast", "Dimensions": [["Stack"]],
                      "Metrics": [{ "Name": "HoldsGranted", "Unit": "Count" }] },
                    { "Namespace": "Holdfast", "Dimensions": [["Stack", "Function"]],
                      "Metrics": [{ "Name": "DatabaseCall", "Unit": "Milliseconds" }] },
                ] },
                "Stack": "holdfast", "Function": "holdfast-checkout",
                "HoldsGranted": 2.0, "DatabaseCall": [1.5, 3.0],
            })
        );
    }

    #[test]
    fn without_a_series_the_value_is_still_in_the_line() {
        let gathered = Gathered::from([
            (Metric::HoldsGranted, vec![2.0]),
            (Metric::PromisesBroken, vec![0.0]),
        ]);
        let line = line(&emitter(Series::Alarms), 1_700_000_000_000, &gathered);
        assert_eq!(
            line["_aws"]["CloudWatchMetrics"],
            json!([{ "Namespace": "Holdfast", "Dimensions": [["Stack"]],
                "Metrics": [{ "Name": "PromisesBroken", "Unit": "Count" }] }])
        );
        assert_eq!(line["HoldsGranted"], 2.0);
    }

    #[test]
    fn nothing_is_gathered_where_nobody_asked_for_metrics() {
        count(Metric::HoldsGranted, 1);
        observe(Metric::SweepLag, 1.0);
        assert!(EMITTER.get().is_none());
    }
}
