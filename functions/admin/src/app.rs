//! The state of the process.

use std::sync::Arc;

use axum::extract::FromRef;
use operations::db::Database;

use crate::caller::Callers;

/// The state of one process.
pub struct App {
    pub db: Database,
    /// Identifies callers.
    pub callers: Callers,
}

/// The state of the handlers.
pub type Shared = Arc<App>;

impl FromRef<Shared> for Callers {
    fn from_ref(app: &Shared) -> Self {
        app.callers.clone()
    }
}
