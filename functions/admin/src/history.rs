//! The search for a purchase and its history.

use holdfast_http::Reply;
use holdfast_http::parse::Query;
use holdfast_http::problem::Problem;
use operations::history;

use crate::app::Call;

pub(crate) async fn route(call: &Call<'_>) -> Result<Reply, Problem> {
    call.only_get()?;
    let query = Query::of(call.request, &["q"])?;
    let wanted = query
        .get("q")?
        .ok_or_else(|| Problem::invalid_request("q", "is missing"))?;
    Reply::of(history::search(&call.app.db, &call.shop, &wanted).await)
}
