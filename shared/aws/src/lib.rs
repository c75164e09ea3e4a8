//! AWS for the functions: secrets of Secrets Manager, tokens that RDS accepts as passwords, and SQS
//! queues. The crate `operations` does not know AWS.
//!
//! Nothing is fetched before it is needed. With a complete `DATABASE_URL` nothing is fetched at
//! all.

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

/// The database that the environment names, with the pool of this process.
///
/// # Errors
/// When a variable is missing or invalid.
pub fn database(application_name: &str) -> Result<Database, ConfigError> {
    Database::new(&database_config(application_name)?)
}

/// The settings of [`database`], without a pool.
///
/// # Errors
/// When a variable is missing or invalid.
pub fn database_config(application_name: &str) -> Result<DatabaseConfig, ConfigError> {
    let variable = |name: &str| env::var(name).ok();
    DatabaseConfig::parse_with(application_name, variable, Some(&Aws))
}

/// The store of the secret with this ARN. Nothing is fetched yet.
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
