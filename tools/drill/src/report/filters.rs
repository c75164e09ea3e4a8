//! The template's filters.

#![expect(unreachable_pub, reason = "the macro makes each filter a public type")]

use std::borrow::Borrow;

use askama::{Result, Values};
use serde::Serialize;

use crate::meters::Quantiles;
use crate::promises::State;

/// The name of a value in the JSON.
#[askama::filter_fn]
pub(crate) fn name<T: Serialize>(value: T, _: &dyn Values) -> Result<String> {
    Ok(json_name(value))
}

/// The same in words.
#[askama::filter_fn]
pub(crate) fn words<T: Serialize>(value: T, _: &dyn Values) -> Result<String> {
    Ok(json_name(value).replace('_', " "))
}

#[askama::filter_fn]
pub(crate) fn state(state: &State, _: &dyn Values) -> Result<&'static str> {
    Ok(match state {
        State::Passed => "✓ passed",
        State::Failed => "✗ FAILED",
        State::NotChecked => "not checked",
    })
}

/// Milliseconds for people.
#[askama::filter_fn]
pub(crate) fn ms<T: Borrow<f64>>(value: T, _: &dyn Values) -> Result<String> {
    Ok(milliseconds(*value.borrow()))
}

#[askama::filter_fn]
pub(crate) fn quantiles(all: &Quantiles, _: &dyn Values, separator: &str) -> Result<String> {
    let all = [all.p50, all.p95, all.p99, all.max].map(milliseconds);
    Ok(all.join(separator))
}

#[askama::filter_fn]
pub(crate) fn money(minor: &i64, _: &dyn Values, currency: &str) -> Result<String> {
    Ok(amount(*minor, currency))
}

fn json_name(value: impl Serialize) -> String {
    let json = serde_json::to_value(value).unwrap_or_default();
    json.as_str().unwrap_or_default().to_owned()
}

fn milliseconds(value: f64) -> String {
    match value {
        value if value < 10.0 => format!("{value:.1}"),
        value => thousands(&format!("{value:.0}")),
    }
}

fn amount(minor: i64, currency: &str) -> String {
    let major = thousands(&(minor / 100).to_string());
    format!("{currency} {major}.{:02}", minor % 100)
}

fn thousands(digits: &str) -> String {
    let groups: Vec<&[u8]> = digits.as_bytes().rchunks(3).rev().collect();
    String::from_utf8_lossy(&groups.join(&b","[..])).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!(milliseconds(3.26), "3.3");
        assert_eq!(milliseconds(12_345.6), "12,346");
        assert_eq!(amount(123_456_789, "INR"), "INR 1,234,567.89");
    }
}
