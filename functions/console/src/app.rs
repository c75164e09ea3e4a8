//! The state of the process.

use std::sync::Arc;

use holdfast_http::Problem;
use holdfast_http::problem::UNAVAILABLE;
use operations::cause::causes;
use operations::config::ConfigError;
use operations::db::Database;

use crate::provider::Provider;
use crate::settings::{Secrets, Settings};
use crate::watched::Watched;

/// The state of one process.
pub struct App {
    pub(crate) db: Database,
    pub(crate) settings: Settings,
    /// The provider that people sign in at.
    pub(crate) provider: Provider,
    /// What the watchers of a sale share.
    pub(crate) watched: Watched,
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
            watched: Watched::default(),
        })
    }

    /// The secrets of the function.
    pub(crate) async fn secrets(&self) -> Result<Arc<Secrets>, Problem> {
        self.settings.secrets.value().await.map_err(|cause| {
            let causes = causes(&*cause);
            tracing::error!(causes, "the console's secrets could not be fetched");
            Problem::from(UNAVAILABLE)
        })
    }
}
