//! Reads the numbers of a sale.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

use crate::db::{Database, Failure, from_json};
use crate::ids::{CheckoutId, Customer, Shop, Sku, read_text};
use crate::quantity::{Minutes, OnHand, Version};
use crate::text::{Currency, Title};
use crate::utc::Utc;

/// Rows of each source that a call reads at most: a sale of ten payments a second for an hour. More
/// would make a page that is read every two seconds slow.
const SCAN_MAX: i32 = 36_000;
/// Skus that a filter names at most, and that an answer shows.
const SKUS_MAX: usize = 50;

/// Up to 50 codes of skus, separated by commas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skus(Vec<Sku>);

const SKUS: &str = "1 to 50 codes of skus, separated by commas";

impl TryFrom<String> for Skus {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let codes: Result<Vec<Sku>, _> = text.split(',').map(str::parse).collect();
        match codes {
            Ok(codes) if codes.len() <= SKUS_MAX => Ok(Self(codes)),
            _ => Err(format!("must be {SKUS}")),
        }
    }
}

impl Serialize for Skus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let codes: Vec<&str> = self.0.iter().map(Sku::as_str).collect();
        codes.join(",").serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Skus {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_text(deserializer, SKUS)
    }
}

impl PartialSchema for Skus {
    fn schema() -> RefOr<Schema> {
        let about = "Up to 50 codes of skus, separated by commas.";
        let pattern = r"^[A-Za-z0-9._:-]{1,64}(,[A-Za-z0-9._:-]{1,64}){0,49}$";
        crate::schema::text(about, pattern, 65 * SKUS_MAX, "LEHENGA-RED-M,VEIL-WHITE")
    }
}

impl ToSchema for Skus {}

/// What a sale is asked for.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = SaleFilter)]
pub struct Filter {
    /// Only these skus. Default: those that had a sale in these minutes or are held, the busiest
    /// first.
    pub skus: Option<Skus>,
    /// How many minutes, the present one included.
    #[schema(default = 30)]
    pub minutes: Minutes,
}

/// The numbers of a sale.
// The database writes it as JSON of this shape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Sale {
    #[schema(value_type = Currency)]
    pub currency: String,
    #[schema(max_items = 50)]
    pub skus: Vec<SaleSku>,
    /// Of the whole shop. Null if it has more than 10,000 skus.
    #[schema(required = true)]
    pub totals: Option<Totals>,
    /// Oldest first. The last one is under way.
    #[schema(max_items = 60)]
    pub minutes: Vec<Minute>,
    /// From this minute on, every number is whole. Earlier ones are at least what is shown: a call
    /// reads 36,000 rows of each source at most.
    pub complete_from: Utc,
    /// The holds that end next.
    #[schema(max_items = 10)]
    pub ending_next: Vec<EndingHold>,
    /// The database's clock at the answer.
    pub server_time: Utc,
}

/// One sku of a sale.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SaleSku {
    #[schema(value_type = Sku)]
    pub sku: String,
    #[schema(value_type = Title)]
    pub title: String,
    /// Units that were ever sold and have not come back.
    pub sold: i64,
    #[schema(value_type = OnHand)]
    pub held: i32,
    #[schema(value_type = OnHand)]
    pub available: i32,
    #[schema(value_type = OnHand)]
    pub on_hand: i32,
    /// The version of its stock level.
    #[schema(value_type = Version)]
    pub version: i64,
    /// Units sold in these minutes.
    #[schema(minimum = 0)]
    pub sold_lately: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sale_opens_at: Option<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sale_closes_at: Option<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retired_at: Option<Utc>,
}

/// The units of all skus of a shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SaleTotals)]
pub struct Totals {
    pub sold: i64,
    #[schema(minimum = 0)]
    pub held: i64,
    #[schema(minimum = 0)]
    pub available: i64,
}

/// One minute of a sale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SaleMinute)]
pub struct Minute {
    /// Its beginning.
    pub at: Utc,
    /// Checkouts that began to hold stock. A cart that replaces another one does not count.
    #[schema(minimum = 0)]
    pub grants: i64,
    /// Units that were sold, online and at the desk.
    #[schema(minimum = 0)]
    pub sold: i64,
    /// Payments that a gateway reported.
    #[schema(minimum = 0)]
    pub payments: i64,
    /// Those that came after their hold had ended.
    #[schema(minimum = 0)]
    pub late_payments: i64,
}

/// A checkout whose hold ends soon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EndingHold {
    #[schema(value_type = CheckoutId)]
    pub checkout_id: Uuid,
    #[schema(value_type = Customer)]
    pub customer: String,
    /// `open`, or `ordered` if a payment is awaited.
    #[schema(example = "open")]
    pub status: String,
    pub expires_at: Utc,
    #[schema(minimum = 1)]
    pub units: i64,
    #[schema(value_type = Vec<Sku>, max_items = 50)]
    pub skus: Vec<String>,
}

/// Reads a sale. `None`: there is no such shop. Locks nothing.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn read(db: &Database, shop: &Shop, filter: &Filter) -> Result<Option<Sale>, Failure> {
    let row = db
        .call_one(
            "select holdfast.sale_read($1, $2, $3, $4)",
            &[
                &shop,
                &filter.skus.as_ref().map(|Skus(skus)| skus.as_slice()),
                &filter.minutes,
                &SCAN_MAX,
            ],
        )
        .await?;
    let json: Option<serde_json::Value> = row.get(0);
    json.map(from_json).transpose()
}
