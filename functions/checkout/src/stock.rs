//! What a shop can sell right now.

use axum::extract::{FromRequestParts, State};
use holdfast_http::contract::{Description, Input};
use holdfast_http::{Answer, Json, Problem, Route, route};
use lambda_http::RequestExt as _;
use lambda_http::http::request::Parts;
use operations::db::Failure;
use operations::ids::Sku;
use operations::stock::{self, Availability, availability::SKUS_MAX};
use utoipa::openapi::Required;
use utoipa::openapi::path::{ParameterBuilder, ParameterIn, ParameterStyle};
use utoipa::openapi::schema::ArrayBuilder;

use crate::app::Shared;
use crate::caller::Caller;

pub(crate) fn routes() -> Vec<Route<Shared>> {
    vec![route!(availability)]
}

/// Read the availability of many skus
///
/// Titles, prices and available units of up to 100 skus. For display only: available units may
/// be gone a moment later, and only a checkout holds them. Find a sku by its `sku`; the order
/// of the list is not fixed. `unknown` lists skus that the shop does not have.
#[utoipa::path(
    get,
    path = "/v1/shops/{shop}/availability",
    operation_id = "stock_availability",
    tag = "stock",
    responses((status = 200, description = "The shop's skus at `server_time`."))
)]
async fn availability(
    State(app): State<Shared>,
    caller: Caller,
    Skus(skus): Skus,
) -> Answer<Json<Availability>, Failure> {
    let availability = stock::availability(&app.db, &caller.shop, &skus).await?;
    Ok(Json(availability))
}

/// `?skus=A,B`
struct Skus(Vec<Sku>);

impl<S: Sync> FromRequestParts<S> for Skus {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = parts.query_string_parameters();
        if let Some((other, _)) = query.iter().find(|(name, _)| *name != "skus") {
            return Err(Problem::invalid(other, "is not one of skus"));
        }
        // API Gateway joins repeated parameters with a comma. Other front ends do not.
        let lists = query.all("skus").unwrap_or_default();
        let mut skus: Vec<Sku> = Vec::new();
        for code in lists.iter().flat_map(|list| list.split(',')) {
            skus.push(
                code.parse()
                    .map_err(|error| Problem::invalid("skus", error))?,
            );
            if skus.len() > SKUS_MAX {
                let message = format!("must be at most {SKUS_MAX} codes");
                return Err(Problem::invalid("skus", message));
            }
        }
        if skus.is_empty() {
            return Err(Problem::invalid("skus", "must name at least one sku"));
        }
        Ok(Self(skus))
    }
}

impl Input for Skus {
    const TAKES_QUERY: bool = true;

    fn describe(to: &mut Description) {
        to.invalid_request();
        let sku = to.schema::<Sku>();
        let skus = ArrayBuilder::new()
            .items(sku)
            .min_items(Some(1))
            .max_items(Some(SKUS_MAX));
        to.parameters.push(
            ParameterBuilder::new()
                .name("skus")
                .parameter_in(ParameterIn::Query)
                .required(Required::True)
                .description(Some("1 to 100 skus, separated by commas."))
                .style(Some(ParameterStyle::Form))
                .explode(Some(false))
                .schema(Some(skus))
                .example(Some(
                    ["LEHENGA-RED-M", "HAMPI-2027-01-09"].as_slice().into(),
                ))
                .build(),
        );
    }
}
