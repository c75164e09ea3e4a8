//! JSON logs ([`init`]), and metrics as lines among them ([`count`], [`observe`]).
//!
//! Neither contains a customer's id, address or e-mail. The ids of checkouts, orders and payments
//! lead to them, for people who may see them.

mod emf;
mod log;
pub mod metric;

pub use emf::{Flush, count, flush, observe};
pub use metric::Metric;

/// Starts the logs, and the metrics if `METRICS_STACK` is set. Call it once, first of all.
pub fn init() {
    log::init();
    emf::init();
}

/// The id of the trace in an X-Ray trace header: `Root=1-…;Parent=…;Sampled=1`.
#[must_use]
pub fn trace_id(header: &str) -> Option<&str> {
    header
        .split(';')
        .find_map(|part| part.trim().strip_prefix("Root="))
}
