//! The full check of one shop, page by page.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Violation;
use crate::db::{Database, Failure};
use crate::ids::Shop;
use crate::page::{self, After, Page};
use crate::quantity::PageLimit;

/// Subjects that a page checks at most. If too low, a large shop takes many calls. If too high, one
/// call takes seconds.
const SUBJECTS_MAX: i32 = 2_000;

/// What a promise is about. Each kind has its key in `a` and `b` (`promise_subject`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Sku,
    Movement,
    Checkout,
    Order,
    Event,
    Units,
    Customer,
    Coupon,
    Use,
}

/// The subject that a page begins after.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "Subject")]
pub struct Position {
    kind: Kind,
    a: String,
    b: String,
}

/// A position before its key is looked at.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Subject {
    kind: Kind,
    a: String,
    b: String,
}

impl TryFrom<Subject> for Position {
    type Error = &'static str;

    fn try_from(Subject { kind, a, b }: Subject) -> Result<Self, Self::Error> {
        const NO_KEY: &str = "no key of its kind";
        // As PostgreSQL reads it: Rust takes more spellings of a UUID and of a number.
        let (a, b) = match kind {
            Kind::Checkout | Kind::Order => {
                (Uuid::try_parse(&a).map_err(|_| NO_KEY)?.to_string(), b)
            }
            Kind::Movement => (a, b.parse::<i64>().map_err(|_| NO_KEY)?.to_string()),
            _ => (a, b),
        };
        // PostgreSQL takes no NUL in a text
        if a.contains('\0') || b.contains('\0') {
            return Err(NO_KEY);
        }
        Ok(Self { kind, a, b })
    }
}

impl page::Position for Position {
    const LIST: &'static str = "promises_list";
}

impl Position {
    /// Its kind, as the database names it.
    fn kind(&self) -> &'static str {
        match self.kind {
            Kind::Sku => "sku",
            Kind::Movement => "movement",
            Kind::Checkout => "checkout",
            Kind::Order => "order",
            Kind::Event => "event",
            Kind::Units => "units",
            Kind::Customer => "customer",
            Kind::Coupon => "coupon",
            Kind::Use => "use",
        }
    }
}

/// Checks the promises about the next subjects of a shop, in one snapshot: at most
/// [`SUBJECTS_MAX`], and as far as there are `limit` violations. One subject shows at most `limit`
/// violations. All pages together check every row. Locks nothing.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn list(
    db: &Database,
    shop: &Shop,
    after: Option<&After<Position>>,
    limit: PageLimit,
) -> Result<Page<Violation>, Failure> {
    let after = after.map(|After(position)| position);
    let row = db
        .call_one(
            "select * from holdfast.promises_list($1, $2, $3, $4, $5, $6)",
            &[
                &shop,
                &after.map(Position::kind),
                &after.map(|position| position.a.as_str()),
                &after.map(|position| position.b.as_str()),
                &limit,
                &SUBJECTS_MAX,
            ],
        )
        .await?;
    page::from_row::<Violation, Position>(&row, "o_violations")
}
