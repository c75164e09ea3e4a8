//! What one process of the function needs.

use gateways::Accounts;
use operations::db::Database;

use crate::caller::Callers;

/// What one process needs to answer.
pub struct App {
    pub db: Database,
    /// The rules about callers.
    pub callers: Callers,
    /// The shops' accounts at payment gateways.
    pub accounts: Accounts,
}
