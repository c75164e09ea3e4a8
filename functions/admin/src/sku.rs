//! The catalogue.

use holdfast_http::parse::{Query, json, not_null};
use holdfast_http::problem::Problem;
use holdfast_http::{Reply, refused};
use lambda_http::http::Method;
use operations::ids::Sku;
use operations::page::After;
use operations::quantity::{Count, PageLimit, PriceMinor, Units};
use operations::sku::manifest::Position;
use operations::sku::{self, Attributes, Put};
use operations::text::{Currency, Title};
use operations::utc::Utc;
use serde::Deserialize;

use crate::app::{Call, sku_of};
use crate::listed::listed;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PutBody {
    title: Title,
    #[serde(default)]
    attributes: Attributes,
    price_minor: PriceMinor,
    #[serde(default, deserialize_with = "not_null")]
    currency: Option<Currency>,
    #[serde(default, deserialize_with = "not_null")]
    sale_opens_at: Option<Utc>,
    #[serde(default, deserialize_with = "not_null")]
    sale_closes_at: Option<Utc>,
    #[serde(default = "none")]
    low_stock_threshold: Count,
    #[serde(default, deserialize_with = "not_null")]
    limit_per_customer: Option<Units>,
    #[serde(default, deserialize_with = "not_null")]
    retired: Option<bool>,
}

fn none() -> Count {
    Count::NONE
}

pub(crate) async fn route(call: &Call<'_>, rest: &[&str]) -> Result<Reply, Problem> {
    match (rest, call.request.method()) {
        ([], _) => list(call).await,
        ([sku], &Method::GET) => read(call, &sku_of(sku)?).await,
        ([sku], &Method::PUT) => put(call, sku_of(sku)?).await,
        ([sku], &Method::DELETE) => retire(call, &sku_of(sku)?).await,
        ([_], _) => Err(Problem::method_not_allowed("GET, PUT, DELETE")),
        ([sku, "manifest"], &Method::GET) => manifest(call, &sku_of(sku)?).await,
        ([_, "manifest"], _) => Err(Problem::method_not_allowed("GET")),
        _ => Err(Problem::not_found("path")),
    }
}

async fn list(call: &Call<'_>) -> Result<Reply, Problem> {
    call.only_get()?;
    let query = Query::of(call.request, &["after", "limit"])?;
    let after: Option<Sku> = query.get("after")?;
    let limit = query.get("limit")?.unwrap_or(PageLimit::USUAL);
    let page = sku::list(&call.app.db, &call.shop, after.as_ref(), limit).await;
    listed("skus", page)
}

async fn read(call: &Call<'_>, sku: &Sku) -> Result<Reply, Problem> {
    Reply::found("sku", sku::read(&call.app.db, &call.shop, sku).await)
}

async fn put(call: &Call<'_>, sku: Sku) -> Result<Reply, Problem> {
    let put = parse(call, sku)?;
    match sku::put(&call.app.db, &put).await {
        Ok((true, entry)) => Reply::json(201, &entry),
        Ok((false, entry)) => Reply::json(200, &entry),
        Err(error) => Err(refused(&error)),
    }
}

async fn retire(call: &Call<'_>, sku: &Sku) -> Result<Reply, Problem> {
    Reply::found("sku", sku::retire(&call.app.db, &call.shop, sku).await)
}

async fn manifest(call: &Call<'_>, sku: &Sku) -> Result<Reply, Problem> {
    let query = Query::of(call.request, &["cursor", "limit"])?;
    let after: Option<After<Position>> = query.get("cursor")?;
    let limit = query.get("limit")?.unwrap_or(PageLimit::USUAL);
    Reply::found(
        "sku",
        sku::manifest(&call.app.db, &call.shop, sku, after.as_ref(), limit).await,
    )
}

fn parse(call: &Call<'_>, sku: Sku) -> Result<Put, Problem> {
    let body: PutBody = json(call.request.body())?;
    if let (Some(opens), Some(closes)) = (body.sale_opens_at, body.sale_closes_at)
        && closes <= opens
    {
        let message = "must be later than sale_opens_at";
        return Err(Problem::invalid_request("sale_closes_at", message));
    }
    Ok(Put {
        shop: call.shop.clone(),
        sku,
        title: body.title,
        attributes: body.attributes,
        price_minor: body.price_minor,
        currency: body.currency,
        sale_opens_at: body.sale_opens_at,
        sale_closes_at: body.sale_closes_at,
        low_stock_threshold: body.low_stock_threshold,
        limit_per_customer: body.limit_per_customer,
        retired: body.retired,
    })
}
