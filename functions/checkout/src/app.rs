//! What one process needs.

use gateways::Accounts;
use operations::db::Database;

use crate::caller::Callers;

/// What one process needs to answer.
pub struct App {
    /// The database.
    pub db: Database,
    /// Who may call.
    pub callers: Callers,
    /// The shops' accounts at gateways.
    pub accounts: Accounts,
}
