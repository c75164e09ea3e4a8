//! An API call and its answer.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::http::{HeaderMap, Method};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// Decoded fields of a form or a query.
pub(crate) type Form = BTreeMap<String, String>;

/// One API call.
pub(crate) struct Call {
    pub(crate) method: Method,
    /// The path below the gateway's name.
    pub(crate) path: String,
    pub(crate) query: Form,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Call {
    /// The method and the path's segments, for `match`.
    pub(crate) fn route(&self) -> (&str, Vec<&str>) {
        let segments = self.path.split('/').filter(|segment| !segment.is_empty());
        (self.method.as_str(), segments.collect())
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(crate) fn changes(&self) -> bool {
        self.method != Method::GET
    }

    pub(crate) fn json(&self) -> Option<Value> {
        let body: Option<Value> = serde_json::from_slice(&self.body).ok();
        body.filter(Value::is_object)
    }

    pub(crate) fn form(&self) -> Form {
        form(&self.body)
    }

    /// The user and the password of HTTP basic authentication.
    pub(crate) fn basic(&self) -> Option<(String, String)> {
        let encoded = self.header("authorization")?.strip_prefix("Basic ")?;
        let text = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
        let (user, password) = text.split_once(':')?;
        Some((user.to_owned(), password.to_owned()))
    }
}

pub(crate) fn form(encoded: &[u8]) -> Form {
    url::form_urlencoded::parse(encoded).into_owned().collect()
}

/// The answer to a call.
#[derive(Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Value,
}
