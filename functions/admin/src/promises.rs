//! Whether every promise is kept.

use edge::{Reply, refused};
use serde::Serialize;
use shared::problem::Problem;
use shared::promises::{self, Violation};

use crate::Call;

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
