//! The sweep: what nobody waits for. Each shop's due holds, then its parked payment events,
//! its old journal, and its promises.

pub mod run_once;

pub use run_once::{BATCH_MAX, ShopSweep, SweepReport, run_once};
