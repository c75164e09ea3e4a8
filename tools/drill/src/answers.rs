//! What the deployment says, as the HTTP contract has it. Types of the rehearsal's own: it must not
//! share a mistake with the code that it watches. Unknown fields are ignored.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) sku: String,
    pub(crate) quantity: u32,
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
    /// What a gateway made for it, where it was asked to.
    #[serde(default)]
    pub(crate) gateway_order: Option<GatewayOrder>,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) expires_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) server_time: OffsetDateTime,
}

/// `available` is signed on purpose: a negative one must be seen, not fail to parse.
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

/// An RFC 9457 problem, as far as the rehearsal reads it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Problem {
    pub(crate) code: String,
    pub(crate) shortages: Vec<Shortage>,
}

/// The answer to one request, retries included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said<T> {
    Yes(T),
    /// 409 `shortage`: a correct no.
    Short(Vec<Shortage>),
    /// Any other answer: its status and problem code.
    No(u16, String),
    /// No answer before the deadline, and why.
    Nothing(String),
}

impl<T> Said<T> {
    pub(crate) fn yes(&self) -> Option<&T> {
        match self {
            Self::Yes(answer) => Some(answer),
            _ => None,
        }
    }
}

/// Reads an answer of the checkout API.
pub(crate) fn read<T: for<'de> Deserialize<'de>>(status: u16, body: &[u8]) -> Said<T> {
    if (200..300).contains(&status) {
        return match serde_json::from_slice(body) {
            Ok(answer) => Said::Yes(answer),
            Err(error) => Said::No(status, format!("unreadable answer: {error}")),
        };
    }
    let problem: Problem = serde_json::from_slice(body).unwrap_or_default();
    if status == 409 && problem.code == "shortage" {
        Said::Short(problem.shortages)
    } else {
        Said::No(status, problem.code)
    }
}

/// The lines of a cart with every sku once, sorted: what a hold must hold.
pub(crate) fn merged(lines: &[Line]) -> Vec<(String, u32)> {
    let mut units = std::collections::BTreeMap::new();
    for line in lines {
        *units.entry(line.sku.clone()).or_insert(0_u32) += line.quantity;
    }
    units.into_iter().collect()
}

/// The same for what an answer lists.
pub(crate) fn units_of(lines: &[PricedLine]) -> Vec<(String, u32)> {
    let mut units: Vec<_> = lines.iter().map(|l| (l.sku.clone(), l.quantity)).collect();
    units.sort();
    units
}

/// The JSON of a cart's lines.
pub(crate) fn lines_json(lines: &[Line]) -> Value {
    lines
        .iter()
        .map(|l| serde_json::json!({"sku": l.sku, "quantity": l.quantity}))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_told_from_other_conflicts() {
        let body = br#"{"code":"shortage","shortages":[{"sku":"A","requested":2,"available":1}]}"#;
        let short = Shortage {
            sku: "A".into(),
            requested: 2,
            available: 1,
        };
        assert_eq!(read::<Checkout>(409, body), Said::Short(vec![short]));
        let other = read::<Checkout>(409, br#"{"code":"checkout_conflict"}"#);
        assert_eq!(other, Said::No(409, "checkout_conflict".into()));
        assert!(matches!(read::<Checkout>(200, b"{}"), Said::No(200, _)));
    }
}
