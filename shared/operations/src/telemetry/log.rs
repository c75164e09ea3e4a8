//! JSON logs: one line per event, with the fields of the span around it, such as the request id.

use tracing::{Level, Metadata};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

/// The crates whose log lines contain no personal data at any level. Others (the Lambda runtime,
/// the SDK) write whole requests below `info`, addresses included.
const OWN: [&str; 3] = ["operations", "gateways", "holdfast_"];

/// Writes JSON logs to standard output, for CloudWatch. `LOG_LEVEL` is a tracing filter, `info` by
/// default. An invalid filter is reported, and `info` is used: a typing mistake must not stop a
/// function from starting.
pub(super) fn init() {
    let wanted = std::env::var("LOG_LEVEL").unwrap_or_else(|_| "info".to_owned());
    let (filter, complaint) = match EnvFilter::try_new(&wanted) {
        Ok(filter) => (filter, None),
        Err(error) => (EnvFilter::new("info"), Some(error)),
    };
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_writer(std::io::stdout)
        .with_filter(filter_fn(is_careful));
    tracing_subscriber::registry()
        .with(filter)
        .with(lines)
        .init();
    if let Some(error) = complaint {
        tracing::warn!(%error, LOG_LEVEL = wanted, "LOG_LEVEL is not a filter; using info");
    }
}

fn is_careful(line: &Metadata<'_>) -> bool {
    *line.level() <= Level::INFO || OWN.iter().any(|own| line.target().starts_with(own))
}
