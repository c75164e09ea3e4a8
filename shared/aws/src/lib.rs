//! What the functions have from AWS and `shared` knows nothing of: secrets that Secrets Manager
//! keeps, tokens that RDS takes for passwords, and queues of SQS. A library and no function.
//!
//! Nothing is asked for before it is needed, and nothing at all where a URL says everything.

mod announcements;
mod sdk;
mod secrets;
mod sqs;
mod token;

use std::env;

use operations::config::ConfigError;
use operations::db::Database;
use operations::db::{DatabaseConfig, Keeper};
use operations::login::Signer;
use operations::secret::Store;

pub use announcements::Announcements;
pub use secrets::SecretsManager;
pub use sqs::{CallLimits, Queue};
pub use token::{Tokens, sign};

/// The database that the environment names, over the pool of this process.
///
/// # Errors
/// When a variable is missing or wrong.
pub fn database(application_name: &str) -> Result<Database, ConfigError> {
    Database::new(&database_config(application_name)?)
}

/// As [`database`], before any pool.
///
/// # Errors
/// When a variable is missing or wrong.
pub fn database_config(application_name: &str) -> Result<DatabaseConfig, ConfigError> {
    let variable = |name: &str| env::var(name).ok();
    DatabaseConfig::parse_with(application_name, variable, Some(&Aws))
}

/// Whoever keeps the secret of this ARN. Nothing is asked yet.
#[must_use]
pub fn store(arn: &str) -> Box<dyn Store> {
    Box::new(SecretsManager::new(arn))
}

struct Aws;

impl Keeper for Aws {
    fn store(&self, arn: &str) -> Box<dyn Store> {
        store(arn)
    }

    fn signer(&self) -> Box<dyn Signer> {
        Box::new(Tokens)
    }
}
