//! The demo catalogue: the first two users of Holdfast as two shops, loaded through the same
//! routines that a stock office calls.

use serde::Deserialize;
use serde_json::Value;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, NoTls};

use crate::Error;

const SHOPS: [&str; 2] = [
    include_str!("../catalogue/dress.json"),
    include_str!("../catalogue/tour.json"),
];

const SHOP_PUT: &str = "select holdfast.shop_put($1, $2, $3)";
const SKU_PUT: &str = "select holdfast.sku_put($1, $2, $3, $4, $5, $6)";
const STOCK_ADJUST: &str = "select o_outcome from holdfast.stock_adjust(\
     $1, $2, $3, null, 'received', 'holdfast up', 'opening stock')";
const COUPON_PUT: &str = "select holdfast.coupon_put($1, $2, $3, $4, $5, null, null, $6)";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shop {
    shop: String,
    name: String,
    currency: String,
    /// The piece that everybody wants; `--hot-units` sets its stock.
    hot_sku: Option<String>,
    skus: Vec<Sku>,
    coupons: Vec<Coupon>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sku {
    sku: String,
    title: String,
    attributes: Value,
    price_minor: i64,
    units: i32,
    low_stock: i32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Coupon {
    code: String,
    kind: String,
    value: i64,
    minimum_minor: i64,
    uses_max: Option<i32>,
}

/// Loads both shops as the owner, each in one transaction.
pub(crate) async fn load(owner_url: &str, hot_units: Option<u32>) -> Result<(), Error> {
    let failed = |error: tokio_postgres::Error| {
        let told = error.as_db_error().map(ToString::to_string);
        Error::Catalogue(told.unwrap_or_else(|| error.to_string()))
    };
    let (mut client, connection) = tokio_postgres::connect(owner_url, NoTls)
        .await
        .map_err(failed)?;
    // It ends with the client; its errors reach us through the client.
    tokio::spawn(async { drop(connection.await) });
    for text in SHOPS {
        let mut shop: Shop =
            serde_json::from_str(text).map_err(|error| Error::Catalogue(error.to_string()))?;
        if let (Some(units), Some(hot)) = (hot_units, shop.hot_sku.take()) {
            let units = i32::try_from(units).unwrap_or(i32::MAX);
            shop.skus
                .iter_mut()
                .filter(|sku| sku.sku == hot)
                .for_each(|sku| sku.units = units);
        }
        load_shop(&mut client, &shop).await.map_err(failed)?;
    }
    Ok(())
}

async fn load_shop(client: &mut Client, shop: &Shop) -> Result<(), tokio_postgres::Error> {
    let code = &shop.shop;
    let transaction = client.transaction().await?;
    transaction
        .query_typed(
            SHOP_PUT,
            &[
                (code, Type::TEXT),
                (&shop.name, Type::TEXT),
                (&shop.currency, Type::TEXT),
            ],
        )
        .await?;
    for sku in &shop.skus {
        transaction
            .query_typed(
                SKU_PUT,
                &[
                    (code, Type::TEXT),
                    (&sku.sku, Type::TEXT),
                    (&sku.title, Type::TEXT),
                    (&sku.attributes, Type::JSONB),
                    (&sku.price_minor, Type::INT8),
                    (&sku.low_stock, Type::INT4),
                ],
            )
            .await?;
        if sku.units > 0 {
            let stock = [
                (code as _, Type::TEXT),
                (&sku.sku as _, Type::TEXT),
                (&sku.units as _, Type::INT4),
            ];
            transaction.query_typed(STOCK_ADJUST, &stock).await?;
        }
    }
    for coupon in &shop.coupons {
        transaction
            .query_typed(
                COUPON_PUT,
                &[
                    (code, Type::TEXT),
                    (&coupon.code, Type::TEXT),
                    (&coupon.kind, Type::TEXT),
                    (&coupon.value, Type::INT8),
                    (&coupon.minimum_minor, Type::INT8),
                    (&coupon.uses_max, Type::INT4),
                ],
            )
            .await?;
    }
    transaction.commit().await
}
