//! JSON logs: one line an event, with the fields of every span around it (the request id first of
//! all).

use tracing_subscriber::EnvFilter;

/// Sends logs to standard output as JSON, as CloudWatch reads them. `LOG_LEVEL` is a tracing
/// filter, `info` by default; a filter that can't be read is reported and `info` is used: a typing
/// mistake must not keep a function from starting.
pub fn init() {
    let wanted = std::env::var("LOG_LEVEL").unwrap_or_else(|_| "info".to_owned());
    let (filter, complaint) = match EnvFilter::try_new(&wanted) {
        Ok(filter) => (filter, None),
        Err(error) => (EnvFilter::new("info"), Some(error)),
    };
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_env_filter(filter)
        .with_writer(std::io::stdout)
        .init();
    if let Some(error) = complaint {
        tracing::warn!(%error, LOG_LEVEL = wanted, "LOG_LEVEL is not a filter; using info");
    }
}
