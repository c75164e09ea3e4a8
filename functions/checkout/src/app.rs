//! The state of one process.

use std::sync::Arc;

use axum::extract::FromRef;
use gateways::Accounts;
use operations::db::Database;

use crate::caller::Callers;

/// The state of one process.
pub struct App {
    pub db: Database,
    /// The rules about callers.
    pub callers: Callers,
    /// The shops' accounts at payment gateways.
    pub accounts: Accounts,
}

/// The state of the handlers.
pub type Shared = Arc<App>;

impl FromRef<Shared> for Callers {
    fn from_ref(app: &Shared) -> Self {
        app.callers.clone()
    }
}
