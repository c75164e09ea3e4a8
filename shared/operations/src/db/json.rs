//! Routines that answer JSON.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::failure::Failure;

/// Reads the JSON of a routine's answer.
///
/// # Errors
/// [`Failure::Internal`] when it is no `T`: routines and code are of different releases.
pub(crate) fn from_json<T: DeserializeOwned>(json: Value) -> Result<T, Failure> {
    serde_json::from_value(json).map_err(|error| Failure::Internal(error.into()))
}
