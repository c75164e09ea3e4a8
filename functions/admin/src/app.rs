//! The state of the process, and the call of one request. All handlers use them.

use holdfast_http::problem::Problem;
use lambda_http::Request;
use lambda_http::http::Method;
use operations::db::Database;
use operations::ids::{Actor, Shop, Sku};

use crate::caller::Callers;

/// The state of one process.
pub struct App {
    pub db: Database,
    /// Identifies callers.
    pub callers: Callers,
}

/// One request of a caller who may act for the shop.
pub(crate) struct Call<'a> {
    pub(crate) app: &'a App,
    pub(crate) shop: Shop,
    pub(crate) actor: &'a Actor,
    pub(crate) request: &'a Request,
}

impl Call<'_> {
    /// Refuses every method but GET.
    pub(crate) fn only_get(&self) -> Result<(), Problem> {
        match *self.request.method() {
            Method::GET => Ok(()),
            _ => Err(Problem::method_not_allowed("GET")),
        }
    }
}

/// The sku's code in the path.
pub(crate) fn sku_of(segment: &str) -> Result<Sku, Problem> {
    segment
        .parse()
        .map_err(|error| holdfast_http::parse::invalid("sku", &error))
}
