//! Which announcements a shop wants to be told.

use holdfast_http::Reply;
use holdfast_http::parse::json;
use holdfast_http::problem::Problem;
use lambda_http::http::Method;
use operations::announcement;

use crate::app::Call;

pub(crate) async fn route(call: &Call<'_>) -> Result<Reply, Problem> {
    match *call.request.method() {
        Method::GET => read(call).await,
        Method::PUT => put(call).await,
        _ => Err(Problem::method_not_allowed("GET, PUT")),
    }
}

async fn read(call: &Call<'_>) -> Result<Reply, Problem> {
    Reply::found("shop", announcement::read(&call.app.db, &call.shop).await)
}

async fn put(call: &Call<'_>) -> Result<Reply, Problem> {
    let wanted = json(call.request.body())?;
    Reply::found(
        "shop",
        announcement::put(&call.app.db, &call.shop, wanted).await,
    )
}
