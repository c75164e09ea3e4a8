//! What every measurement needs: percentiles, and a line that says how far it is.

use std::io::IsTerminal as _;

/// On a terminal, writes over the line before.
pub(crate) fn progress(text: &str) {
    if std::io::stderr().is_terminal() {
        eprint!("\r\x1b[K{text}");
    }
}

pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (lower, upper) = ((sorted.len() - 1) / 2, sorted.len() / 2);
    f64::midpoint(sorted[lower], sorted[upper])
}

/// The least value that so many hundredths of all do not exceed.
pub(crate) fn percentile(values: &[f64], hundredths: usize) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let nth = (sorted.len() * hundredths).div_ceil(100).max(1) - 1;
    sorted.get(nth).copied().unwrap_or(f64::NAN)
}
