//! What became of a purchase.

use holdfast_http::parse::Query;
use holdfast_http::problem::Problem;
use holdfast_http::{Reply, refused};
use operations::history;

use crate::app::Call;

pub(crate) async fn route(call: &Call<'_>) -> Result<Reply, Problem> {
    call.only_get()?;
    let query = Query::of(call.request, &["q"])?;
    let wanted = query
        .get("q")?
        .ok_or_else(|| Problem::invalid_request("q", "is missing"))?;
    match history::search(&call.app.db, &call.shop, &wanted).await {
        Ok(found) => Reply::json(200, &found),
        Err(error) => Err(refused(&error)),
    }
}
