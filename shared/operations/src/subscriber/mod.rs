//! Subscribers: put, read, list, delete, and the deliveries to them.
//!
//! A message is sent to each subscriber until it answers 2xx, with the pauses of Standard Webhooks,
//! or is given up. A failed delivery delays no other, so their order is not promised.

pub mod backlog;
pub mod claim;
pub mod delete;
pub mod list;
pub mod mark;
pub mod put;
pub mod read;
pub mod signature;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

use crate::ids::text_id;
use crate::utc::Utc;

pub use backlog::{Backlog, backlog};
pub use claim::{Delivery, claim, waiting};
pub use delete::delete;
pub use list::list;
pub use mark::{DeliveryResult, mark};
pub use put::{Put, PutError, put};
pub use read::read;
pub use signature::SigningSecret;

/// Characters of a URL at most.
const URL_CHARS_MAX: usize = 2_000;

/// A subscriber and the state of its deliveries. The database writes it as JSON of this shape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subscriber {
    /// Its name. Its secret has the same name.
    pub name: String,
    pub url: String,
    /// The topics it wants. `None`: all.
    pub types: Option<Vec<String>>,
    pub created_at: Utc,
    /// When it answered 410 Gone. It gets nothing any more.
    pub disabled_at: Option<Utc>,
    /// The answer with which it refused.
    pub disabled_why: Option<String>,
    /// Waiting deliveries.
    pub waiting: i64,
    /// Deliveries that were given up.
    pub given_up: i64,
    /// The last error.
    pub last_error: Option<String>,
}

text_id!(
    /// A subscriber's name. Its secret has the same name.
    Name, 40, |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-',
    "1 to 40 characters of a to z, 0 to 9 and -",
    r"^[a-z0-9-]{1,40}$", "books"
);

/// Why a text is not a valid URL of a subscriber. The sentence follows the field's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be an https URL without user and fragment (http only to this machine itself)")]
pub struct InvalidUrl;

/// Reads a subscriber's URL.
///
/// # Errors
/// [`InvalidUrl`].
pub fn parse_url(text: &str) -> Result<Url, InvalidUrl> {
    let url: Url = text.parse().map_err(|_| InvalidUrl)?;
    let of_this_machine = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    let good = (url.scheme() == "https" || url.scheme() == "http" && of_this_machine)
        && url.username().is_empty()
        && url.password().is_none()
        && url.fragment().is_none()
        && text.len() <= URL_CHARS_MAX;
    good.then_some(url).ok_or(InvalidUrl)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_and_this_machine_will_do() {
        for good in [
            "https://hooks.example.com/a?b=c",
            "http://127.0.0.1:8080/",
            "http://localhost/x",
            "http://[::1]:9/",
        ] {
            parse_url(good).unwrap();
        }
        for bad in [
            "",
            "hooks.example.com",
            "http://hooks.example.com/",
            "http://10.0.0.1/",
            "ftp://hooks.example.com/",
            "https://user@hooks.example.com/",
            "https://hooks.example.com/#x",
            "file:///etc/passwd",
        ] {
            assert_eq!(parse_url(bad), Err(InvalidUrl), "{bad}");
        }
        let is_name = |text: &str| text.parse::<Name>().is_ok();
        assert!(is_name("crm-1") && !is_name("") && !is_name("CRM") && !is_name(&"x".repeat(41)));
    }
}
