//! Stored payment events that are read and applied again.

use holdfast_http::parse::json;
use holdfast_http::problem::Problem;
use holdfast_http::{Reply, refused};
use lambda_http::http::Method;
use operations::ids::OrderId;
use operations::payment::{self, Gateway};
use operations::text::EventKey;
use serde::{Deserialize, Serialize};

use crate::app::Call;

// The key is in the body, because it may contain colons and other characters of gateway ids.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RedriveBody {
    gateway: Gateway,
    event_key: EventKey,
}

#[derive(Serialize)]
struct Redriven {
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    order_id: Option<OrderId>,
}

pub(crate) async fn route(call: &Call<'_>, rest: &[&str]) -> Result<Reply, Problem> {
    let ["redrive"] = rest else {
        return Err(Problem::not_found("path"));
    };
    if *call.request.method() != Method::POST {
        return Err(Problem::method_not_allowed("POST"));
    }
    let body: RedriveBody = json(call.request.body())?;
    let key = body.event_key.as_str();
    match payment::redrive(&call.app.db, &call.shop, body.gateway, key).await {
        Ok(recorded) => Reply::json(
            200,
            &Redriven {
                outcome: recorded.outcome.as_str(),
                order_id: recorded.order_id.map(OrderId::from),
            },
        ),
        Err(error) => Err(refused(&error)),
    }
}
