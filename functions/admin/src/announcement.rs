//! Which announcements a shop wants.

use edge::parse::json;
use edge::{Reply, refused};
use lambda_http::http::Method;
use shared::announcement;
use shared::problem::Problem;

use crate::Call;

pub(crate) async fn route(call: &Call<'_>) -> Result<Reply, Problem> {
    match *call.request.method() {
        Method::GET => read(call).await,
        Method::PUT => put(call).await,
        _ => Err(Problem::method_not_allowed("GET, PUT")),
    }
}

async fn read(call: &Call<'_>) -> Result<Reply, Problem> {
    match announcement::read(&call.app.db, &call.shop).await {
        Ok(wanted) => Reply::json(200, &wanted),
        Err(error) => Err(refused(&error)),
    }
}

async fn put(call: &Call<'_>) -> Result<Reply, Problem> {
    let wanted = json(call.request.body())?;
    match announcement::put(&call.app.db, &call.shop, wanted).await {
        Ok(wanted) => Reply::json(200, &wanted),
        Err(error) => Err(refused(&error)),
    }
}
