//! What a process tells about itself: JSON logs ([`init`]), and metrics as lines among them
//! ([`count`], [`observe`]).
//!
//! Neither ever holds a customer's id, address or e-mail: ids of checkouts, orders and payments
//! lead to them for those who may see them.

mod emf;
mod log;
pub mod metric;

pub use emf::{Flush, count, flush, observe};
pub use metric::Metric;

/// Starts the logs, and the metrics where `METRICS_STACK` asks for them. Once, before anything
/// else.
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
