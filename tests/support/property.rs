//! Properties that random calls must have, on a real database.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use rand::Rng as _;

use crate::TestDb;

/// Repeats the calls of a failure, which printed its seed.
const SEED: &str = "HOLDFAST_MODEL_SEED";

/// Plays so many random cases on one database, each with its number. A case that panics is made
/// smaller, in at most `shrinks` tries, and then fails with its seed.
pub fn play<S: Strategy>(
    cases: u32,
    shrinks: u32,
    strategy: &S,
    case: impl AsyncFn(&TestDb, usize, S::Value),
) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let test = runtime.block_on(TestDb::new());
    let seed: u64 = match std::env::var(SEED) {
        Ok(seed) => seed.parse().unwrap(),
        Err(_) => rand::rng().random(),
    };
    println!("{SEED}={seed}");
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config {
        cases,
        max_shrink_iters: shrinks,
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let numbers = AtomicUsize::new(0);
    let outcome = TestRunner::new_with_rng(config, rng).run(strategy, |value| {
        let number = numbers.fetch_add(1, Ordering::Relaxed);
        let played = AssertUnwindSafe(|| runtime.block_on(case(&test, number, value)));
        catch_unwind(played).map_err(|_| TestCaseError::fail("see the panic above"))
    });
    if let Err(failure) = outcome {
        panic!("{SEED}={seed}: {failure}");
    }
}
