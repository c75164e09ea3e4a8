//! The state of the process.

use std::sync::Arc;

use operations::config::ConfigError;
use operations::db::Database;

use crate::settings::Settings;
use crate::sign_in::Provider;

/// The state of one process.
pub struct App {
    pub(crate) db: Database,
    pub(crate) settings: Settings,
    /// The provider that people sign in at.
    pub(crate) provider: Provider,
}

/// The state of the handlers.
pub(crate) type Shared = Arc<App>;

impl App {
    /// The state over a database.
    ///
    /// # Errors
    /// When the HTTP client can't be made.
    pub fn new(db: Database, settings: Settings) -> Result<Self, ConfigError> {
        let provider = Provider::new(&settings)?;
        Ok(Self {
            db,
            settings,
            provider,
        })
    }
}
