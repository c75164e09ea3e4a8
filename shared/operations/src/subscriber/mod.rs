//! Subscribers: put, read, list, delete, enable, test, and the deliveries to them.
//!
//! A message is sent to each subscriber until it answers 2xx, with the pauses of Standard Webhooks,
//! or is given up. A failed delivery delays no other, so their order is not promised.

pub mod backlog;
pub mod claim;
pub mod delete;
pub mod enable;
pub mod list;
pub mod mark;
pub mod put;
pub mod read;
pub mod signature;
pub mod test;

use serde::{Deserialize, Deserializer, Serialize};
use url::{Host, Url};
use utoipa::ToSchema;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};

use crate::db::sent_as;
use crate::ids::{read_text, text_id};
use crate::outbox::Topic;
use crate::refusal::Kind;
use crate::utc::Utc;

pub use backlog::{Backlog, backlog};
pub use claim::{Delivery, claim, waiting};
pub use delete::delete;
pub use enable::{Enable, enable};
pub use list::{Subscribers, list};
pub use mark::{DeliveryResult, mark};
pub use put::{Put, PutError, put};
pub use read::read;
pub use signature::SigningSecret;
pub use test::{Test, TestError, Tested, test};

/// Characters of a URL at most.
const URL_CHARS_MAX: usize = 2_000;

pub(crate) const SUBSCRIBER_DISABLED: Kind = Kind {
    status: 409,
    code: "subscriber_disabled",
    title: "The subscriber is disabled",
    detail: "The subscriber answered 410 and gets nothing. Enable it first.",
};

/// A subscriber and the state of its deliveries.
// The database writes it as JSON of this shape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Subscriber {
    #[schema(value_type = Name)]
    pub name: String,
    pub url: String,
    /// Null: all.
    #[schema(required = true, value_type = Option<Vec<Topic>>)]
    pub types: Option<Vec<String>>,
    pub created_at: Utc,
    /// Since when it gets nothing, because it answered 410.
    #[schema(required = true)]
    pub disabled_at: Option<Utc>,
    /// The answer with which it refused.
    #[schema(required = true)]
    pub disabled_why: Option<String>,
    /// Deliveries that wait for their first or a later try. At most 10,000 are counted.
    #[schema(minimum = 0, maximum = 10000)]
    pub waiting: i64,
    /// Deliveries that are no longer tried: ten tries failed, the subscriber failed for four
    /// days, or it answered 410. Counted for 30 days; at most 10,000 are counted.
    #[schema(minimum = 0, maximum = 10000)]
    pub given_up: i64,
    /// The last error of an undelivered announcement.
    #[schema(required = true)]
    pub last_error: Option<String>,
}

text_id!(
    /// A subscriber's name. Its secret has the same name.
    Name, 40, |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-',
    "1 to 40 characters of a to z, 0 to 9 and -",
    r"^[a-z0-9-]{1,40}$", "crm"
);

const URL_RULE: &str = "an https URL without user and fragment (http only to this machine itself)";

/// Why a text is not a valid URL of a subscriber. The sentence follows the field's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be {URL_RULE}")]
pub struct InvalidUrl;

/// The URL of a subscriber.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriberUrl(Url);

sent_as!(SubscriberUrl, &str, |url| url.0.as_str());

impl TryFrom<String> for SubscriberUrl {
    type Error = InvalidUrl;

    fn try_from(text: String) -> Result<Self, InvalidUrl> {
        parse_url(&text).map(Self)
    }
}

impl<'de> Deserialize<'de> for SubscriberUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_text(deserializer, URL_RULE)
    }
}

impl utoipa::PartialSchema for SubscriberUrl {
    fn schema() -> RefOr<Schema> {
        let about = "An https URL without user and fragment. http is allowed only to the machine \
                     itself, for trials.";
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some(about))
            .pattern(Some(concat!(
                r"^(https://[^\s\x00-\x1f\x7f-\x9f/?#@]+|",
                r"http://(localhost|127(\.[0-9]{1,3}){3}|\[::1\])(:[0-9]+)?)",
                r"([/?][^\s\x00-\x1f\x7f-\x9f#]*)?$"
            )))
            .min_length(Some(1))
            .max_length(Some(URL_CHARS_MAX))
            .examples(["https://crm.example.com/hooks/holdfast"])
            .into()
    }
}

impl ToSchema for SubscriberUrl {}

/// Reads a subscriber's URL.
///
/// # Errors
/// [`InvalidUrl`].
pub fn parse_url(text: &str) -> Result<Url, InvalidUrl> {
    // The parser leaves white space and control characters out.
    if text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '\u{feff}') {
        return Err(InvalidUrl);
    }
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
            " https://hooks.example.com/",
            "https://hooks.example.com/\n",
            "https://hooks.exa\tmple.com/",
            "\0https://hooks.example.com/",
            "https://hooks.example.com/\u{2028}",
        ] {
            assert_eq!(parse_url(bad), Err(InvalidUrl), "{bad}");
        }
        let is_name = |text: &str| text.parse::<Name>().is_ok();
        assert!(is_name("crm-1") && !is_name("") && !is_name("CRM") && !is_name(&"x".repeat(41)));
    }
}
