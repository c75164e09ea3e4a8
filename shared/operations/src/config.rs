//! Settings from the environment: the error of a wrong setting, and the exit of a function with it.

use std::error::Error;
use std::fmt;

use crate::cause::causes;

/// A missing or invalid setting. The message names the variable and says what to do.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("{0} is not set: {1}")]
    Missing(&'static str, &'static str),
    #[error("{variable} can't be used: {reason}")]
    Invalid {
        /// The variable's name.
        variable: &'static str,
        /// What is wrong. Never the value, which may contain a password.
        reason: String,
    },
}

/// The error that ends a function's `main`. Rust prints its `Debug` form, so that form is the
/// sentence with its causes, for the log.
pub struct Fatal(Box<dyn Error + Send + Sync>);

impl<E: Into<Box<dyn Error + Send + Sync>>> From<E> for Fatal {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl fmt::Debug for Fatal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&causes(&*self.0))
    }
}

pub(crate) fn invalid(variable: &'static str, reason: impl Into<String>) -> ConfigError {
    ConfigError::Invalid {
        variable,
        reason: reason.into(),
    }
}
