//! Coupons.

use holdfast_http::parse::{Query, invalid, json, not_null};
use holdfast_http::problem::Problem;
use holdfast_http::{Reply, refused};
use lambda_http::http::Method;
use operations::coupon::{self, Kind, Put, SKUS_MAX};
use operations::ids::{CouponCode, Sku};
use operations::quantity::{Count, CouponValue, PageLimit, PriceMinor, Units};
use operations::utc::Utc;
use serde::Deserialize;

use crate::app::Call;
use crate::listed::listed;

/// 100 %, in basis points.
const PERCENT_MAX: i64 = 10_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PutBody {
    kind: Kind,
    value: CouponValue,
    #[serde(default, deserialize_with = "not_null")]
    minimum_minor: Option<PriceMinor>,
    #[serde(default, deserialize_with = "not_null")]
    valid_from: Option<Utc>,
    #[serde(default, deserialize_with = "not_null")]
    valid_until: Option<Utc>,
    #[serde(default, deserialize_with = "not_null")]
    uses_max: Option<Count>,
    #[serde(default, deserialize_with = "not_null")]
    uses_per_customer_max: Option<Units>,
    #[serde(default, deserialize_with = "not_null")]
    skus: Option<Vec<Sku>>,
}

pub(crate) async fn route(call: &Call<'_>, rest: &[&str]) -> Result<Reply, Problem> {
    let code = match rest {
        [] => return list(call).await,
        [code] => code.parse().map_err(|error| invalid("code", &error))?,
        _ => return Err(Problem::not_found("path")),
    };
    match *call.request.method() {
        Method::GET => read(call, &code).await,
        Method::PUT => put(call, code).await,
        _ => Err(Problem::method_not_allowed("GET, PUT")),
    }
}

async fn list(call: &Call<'_>) -> Result<Reply, Problem> {
    call.only_get()?;
    let query = Query::of(call.request, &["after", "limit"])?;
    let after: Option<CouponCode> = query.get("after")?;
    let limit = query.get("limit")?.unwrap_or(PageLimit::USUAL);
    let page = coupon::list(&call.app.db, &call.shop, after.as_ref(), limit).await;
    listed("coupons", page)
}

async fn read(call: &Call<'_>, code: &CouponCode) -> Result<Reply, Problem> {
    Reply::found("coupon", coupon::read(&call.app.db, &call.shop, code).await)
}

async fn put(call: &Call<'_>, code: CouponCode) -> Result<Reply, Problem> {
    let put = parse(call, code)?;
    match coupon::put(&call.app.db, &put).await {
        Ok((true, coupon)) => Reply::json(201, &coupon),
        Ok((false, coupon)) => Reply::json(200, &coupon),
        Err(error) => Err(refused(&error)),
    }
}

fn parse(call: &Call<'_>, code: CouponCode) -> Result<Put, Problem> {
    let body: PutBody = json(call.request.body())?;
    if body.kind == Kind::Percent && body.value.get() > PERCENT_MAX {
        let message = "must be at most 10000 basis points, which are 100 %";
        return Err(Problem::invalid_request("value", message));
    }
    if let (Some(from), Some(until)) = (body.valid_from, body.valid_until)
        && until <= from
    {
        let message = "must be later than valid_from";
        return Err(Problem::invalid_request("valid_until", message));
    }
    let skus = body.skus.map(|mut skus| {
        skus.sort();
        skus.dedup();
        skus
    });
    if skus
        .as_ref()
        .is_some_and(|skus| !(1..=SKUS_MAX).contains(&skus.len()))
    {
        let message = format!("must be 1 to {SKUS_MAX} codes; leave it out for every sku");
        return Err(Problem::invalid_request("skus", &message));
    }
    Ok(Put {
        shop: call.shop.clone(),
        code,
        kind: body.kind,
        value: body.value,
        minimum_minor: body.minimum_minor,
        valid_from: body.valid_from,
        valid_until: body.valid_until,
        uses_max: body.uses_max,
        uses_per_customer_max: body.uses_per_customer_max,
        skus,
    })
}
