//! The deployment's answers, as the HTTP contract has them. These types are the drill's own: it
//! must not share a mistake with the code that it tests. Unknown fields are ignored.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) sku: String,
    pub(crate) quantity: u32,
}

impl Line {
    pub(crate) fn new(sku: &str, quantity: u32) -> Self {
        let sku = sku.to_owned();
        Self { sku, quantity }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct PricedLine {
    pub(crate) sku: String,
    pub(crate) quantity: u32,
    pub(crate) price_minor: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Checkout {
    pub(crate) checkout_id: Uuid,
    pub(crate) customer: String,
    pub(crate) status: String,
    pub(crate) revision: u32,
    pub(crate) lines: Vec<PricedLine>,
    pub(crate) total_minor: i64,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) expires_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) server_time: OffsetDateTime,
}

impl Checkout {
    /// How long it is still held, by the deployment's own clock.
    pub(crate) fn remaining(&self) -> Duration {
        Duration::try_from(self.expires_at - self.server_time).unwrap_or_default()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Payment {
    pub(crate) reference: String,
    pub(crate) status: String,
    pub(crate) amount_minor: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct GatewayOrder {
    pub(crate) gateway: String,
    pub(crate) gateway_order_id: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Order {
    pub(crate) order_id: Uuid,
    pub(crate) checkout_id: Uuid,
    pub(crate) status: String,
    pub(crate) lines: Vec<PricedLine>,
    pub(crate) subtotal_minor: i64,
    pub(crate) discount_minor: i64,
    pub(crate) total_minor: i64,
    pub(crate) currency: String,
    pub(crate) payment: Payment,
    /// The gateway's order, where the deployment made one.
    #[serde(default)]
    pub(crate) gateway_order: Option<GatewayOrder>,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) expires_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) server_time: OffsetDateTime,
}

impl Order {
    pub(crate) fn remaining(&self) -> Duration {
        Duration::try_from(self.expires_at - self.server_time).unwrap_or_default()
    }

    /// Two answers show one order.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.order_id == other.order_id
            && self.payment.reference == other.payment.reference
            && self.total_minor == other.total_minor
            && self.lines == other.lines
    }
}

/// `available` is signed, so that a negative number is judged instead of failing to parse.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Shortage {
    pub(crate) sku: String,
    pub(crate) requested: i64,
    pub(crate) available: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Sku {
    pub(crate) sku: String,
    pub(crate) title: String,
    pub(crate) price_minor: i64,
    pub(crate) currency: String,
    pub(crate) available: i64,
    pub(crate) on_sale: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Availability {
    pub(crate) skus: Vec<Sku>,
    #[serde(default)]
    pub(crate) unknown: Vec<String>,
}

/// An RFC 9457 problem, as far as the drill reads it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Problem {
    pub(crate) code: String,
    pub(crate) shortages: Vec<Shortage>,
}

/// The answer to one request, after its repetitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer<T> {
    Done(T),
    /// 409 `shortage`
    Short(Vec<Shortage>),
    /// Any other answer: its status and problem code.
    Refused(u16, String),
    /// No answer before the deadline, and why.
    Missing(String),
}

impl<T: for<'de> Deserialize<'de>> Answer<T> {
    /// From the status and the body of an answer.
    pub(crate) fn read(status: u16, body: &[u8]) -> Self {
        if (200..300).contains(&status) {
            return match serde_json::from_slice(body) {
                Ok(answer) => Self::Done(answer),
                Err(error) => Self::Refused(status, format!("unreadable answer: {error}")),
            };
        }
        let problem: Problem = serde_json::from_slice(body).unwrap_or_default();
        if status == 409 && problem.code == "shortage" {
            Self::Short(problem.shortages)
        } else {
            Self::Refused(status, problem.code)
        }
    }
}

impl<T> Answer<T> {
    pub(crate) fn done(&self) -> Option<&T> {
        match self {
            Self::Done(answer) => Some(answer),
            _ => None,
        }
    }
}

/// The lines of a cart with every sku once, sorted: what a hold must hold.
pub(crate) fn merged(lines: &[Line]) -> Vec<(String, u32)> {
    let mut units = BTreeMap::new();
    for line in lines {
        *units.entry(line.sku.clone()).or_insert(0_u32) += line.quantity;
    }
    units.into_iter().collect()
}

/// The lines of an answer in the same form.
pub(crate) fn units_of(lines: &[PricedLine]) -> Vec<(String, u32)> {
    let mut units: Vec<_> = lines.iter().map(|l| (l.sku.clone(), l.quantity)).collect();
    units.sort();
    units
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shortage_differs_from_other_conflicts() {
        let body = br#"{"code":"shortage","shortages":[{"sku":"A","requested":2,"available":1}]}"#;
        let short = Shortage {
            sku: "A".into(),
            requested: 2,
            available: 1,
        };
        let read = Answer::<Checkout>::read;
        assert_eq!(read(409, body), Answer::Short(vec![short]));
        let other = read(409, br#"{"code":"checkout_conflict"}"#);
        assert_eq!(other, Answer::Refused(409, "checkout_conflict".into()));
        assert!(matches!(read(200, b"{}"), Answer::Refused(200, _)));
    }
}
