//! The check of all promises.

use holdfast_http::problem::Problem;
use holdfast_http::{Reply, refused};
use operations::promises::{self, Violation};
use serde::Serialize;

use crate::app::Call;

#[derive(Serialize)]
struct Checked {
    violations: Vec<Violation>,
}

pub(crate) async fn route(call: &Call<'_>) -> Result<Reply, Problem> {
    call.only_get()?;
    match promises::check(&call.app.db, call.shop.as_str()).await {
        Ok(violations) => Reply::json(200, &Checked { violations }),
        Err(error) => Err(refused(&error)),
    }
}
