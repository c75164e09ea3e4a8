//! A cart: at least one line, one line a sku, sorted in lock order.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, de};
use utoipa::openapi::schema::ArrayBuilder;
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema as _, ToSchema};

use super::Shortage;
use crate::ids::Sku;
use crate::object::Object;
use crate::quantity::{OutOfBounds, Quantity};

/// One line of a request.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CartLine)]
pub struct Line {
    pub sku: Sku,
    pub quantity: Quantity,
}

/// Why lines are not a valid cart.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CartError {
    #[error("must hold at least one line")]
    Empty,
    #[error("must hold at most {max} lines, got {0}", max = Cart::LINES_MAX)]
    TooManyLines(usize),
    #[error("the quantities of {sku} add up to too much: {source}")]
    TooMuch {
        /// The sku.
        sku: Sku,
        /// The bound.
        source: OutOfBounds,
    },
}

/// Lines merged by sku and sorted bytewise. Every routine locks stock levels in this order:
/// unsorted carts that share two skus would deadlock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cart(BTreeMap<Sku, Quantity>);

impl<'de> Deserialize<'de> for Cart {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let lines = Vec::<Object<Line>>::deserialize(deserializer)?;
        Self::new(lines.into_iter().map(|line| line.0).collect()).map_err(de::Error::custom)
    }
}

impl utoipa::PartialSchema for Cart {
    fn schema() -> RefOr<Schema> {
        ArrayBuilder::new()
            .items(Ref::from_schema_name(Line::name()))
            .min_items(Some(1))
            .max_items(Some(Self::LINES_MAX))
            .into()
    }
}

impl ToSchema for Cart {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((Line::name().to_string(), Line::schema()));
        Line::schemas(schemas);
    }
}

impl Cart {
    /// Lines at most.
    pub const LINES_MAX: usize = 50;

    /// Merges the lines by sku and sorts them.
    ///
    /// # Errors
    /// [`CartError`].
    pub fn new(lines: Vec<Line>) -> Result<Self, CartError> {
        if lines.is_empty() {
            return Err(CartError::Empty);
        }
        if lines.len() > Self::LINES_MAX {
            return Err(CartError::TooManyLines(lines.len()));
        }
        let mut merged: BTreeMap<Sku, Quantity> = BTreeMap::new();
        for Line { sku, quantity } in lines {
            let sum = match merged.get(&sku) {
                None => quantity,
                Some(before) => before.plus(quantity).map_err(|source| CartError::TooMuch {
                    sku: sku.clone(),
                    source,
                })?,
            };
            merged.insert(sku, sum);
        }
        Ok(Self(merged))
    }

    /// The lines in lock order.
    pub fn lines(&self) -> impl ExactSizeIterator<Item = (&Sku, Quantity)> {
        self.0.iter().map(|(sku, quantity)| (sku, *quantity))
    }

    /// The lines in lock order, as the two arrays that routines take.
    #[must_use]
    pub fn columns(&self) -> (Vec<&Sku>, Vec<Quantity>) {
        self.lines().unzip()
    }

    /// The shortages of this cart: the requested and the available units.
    pub(crate) fn shortages(&self, skus: Vec<String>, available: Vec<i32>) -> Vec<Shortage> {
        let requested = |sku: &str| {
            self.lines()
                .find(|(wanted, _)| wanted.as_str() == sku)
                .map_or(0, |(_, quantity)| quantity.get())
        };
        skus.into_iter()
            .zip(available)
            .map(|(sku, available)| Shortage {
                requested: requested(&sku),
                sku,
                available,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(sku: &str, quantity: i64) -> Line {
        Line {
            sku: sku.parse().unwrap(),
            quantity: Quantity::try_from(quantity).unwrap(),
        }
    }

    #[test]
    fn lines_are_merged_and_sorted_bytewise() {
        let cart = Cart::new(vec![line("b", 1), line("B", 2), line("b", 3), line("a", 1)]).unwrap();
        let lines: Vec<_> = cart
            .lines()
            .map(|(sku, quantity)| (sku.as_str(), quantity.get()))
            .collect();
        assert_eq!(lines, [("B", 2), ("a", 1), ("b", 4)]);
    }

    #[test]
    fn a_cart_has_bounds() {
        assert_eq!(Cart::new(vec![]), Err(CartError::Empty));
        let many = (0..51).map(|n| line(&format!("s{n}"), 1)).collect();
        assert_eq!(Cart::new(many), Err(CartError::TooManyLines(51)));
        let error = Cart::new(vec![line("a", 100_000), line("a", 1)]).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("the quantities of a add up to too much"),
            "{error}"
        );
    }
}
