//! The sweep: what nobody waits for. Each shop's due holds, then its old journal, then its
//! promises.

pub mod run_once;

pub use run_once::{BATCH_MAX, ShopSweep, SweepReport, run_once};
