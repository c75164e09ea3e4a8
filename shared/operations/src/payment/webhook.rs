//! The interface of a gateway's webhooks: verify the bytes, decide whether this deployment takes
//! them, and parse the event.

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;

use super::{Account, Event};

/// Characters of an event's name in its key.
const NAME_CHARS_MAX: usize = 80;

/// The webhook format of one gateway.
pub trait Adapter: Sync {
    /// The largest age of a signed time in seconds, unless the account sets another. `None` if the
    /// gateway signs no time.
    fn tolerance_s_default(&self) -> Option<u32>;

    /// Whether its webhooks say that they are of the live or of the test mode.
    fn tells_mode(&self) -> bool;

    /// The headers that are stored with the event, in lower case. Never a signature: with it, a
    /// stored webhook could be sent again.
    fn kept_headers(&self) -> &'static [&'static str];

    /// Verifies that one of the account's secrets signed the bytes, within the account's tolerance.
    /// Compares in constant time.
    ///
    /// # Errors
    /// [`Forgery`].
    fn verify(&self, account: &Account, webhook: &Webhook<'_>) -> Result<(), Forgery>;

    /// Whether this deployment takes the verified bytes.
    ///
    /// # Errors
    /// [`Refusal`]. The sender may know it.
    fn admit(&self, account: &Account, raw: &[u8]) -> Result<(), Refusal> {
        let _ = (account, raw);
        Ok(())
    }

    /// Parses the event of a verified body.
    ///
    /// # Errors
    /// The missing field. Never quotes the body, because it contains personal data.
    fn event(&self, payload: String) -> Result<Event, String>;
}

/// One webhook as it arrived.
pub struct Webhook<'a> {
    /// The value of a header, by its lower-case name.
    pub header: &'a dyn Fn(&str) -> Option<&'a str>,
    /// The bytes that were signed.
    pub raw: &'a [u8],
    /// When it arrived.
    pub now: OffsetDateTime,
}

/// Why a webhook is not genuine. For the log: the sender gets no reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Forgery {
    #[error("the header {0} is missing")]
    Missing(&'static str),
    #[error("the header {0} is malformed")]
    Unreadable(&'static str),
    #[error("it was signed longer ago than the tolerance allows")]
    Old,
    #[error("it was signed in the future, further than the tolerance allows")]
    Future,
    #[error("no configured secret gives this signature over the raw body")]
    Mismatch,
}

/// Why a verified webhook is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct Refusal {
    /// The wrong member of the body.
    pub field: &'static str,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// Whether one of the secrets gives one of the signatures over the joined parts.
pub(super) fn signed(account: &Account, parts: &[&[u8]], signatures: &[Vec<u8>]) -> bool {
    account.secrets().iter().any(|secret| {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
            return false;
        };
        for part in parts {
            mac.update(part);
        }
        signatures
            .iter()
            .any(|signature| mac.clone().verify_slice(signature).is_ok())
    })
}

/// Whether the signed time is within the account's tolerance. A time in the future is refused only
/// if the gateway's own documentation says so.
pub(super) fn age_fits(
    account: &Account,
    webhook: &Webhook<'_>,
    signed_at_s: u64,
    both_ways: bool,
) -> Result<(), Forgery> {
    let now = u64::try_from(webhook.now.unix_timestamp()).unwrap_or_default();
    let tolerance = u64::from(account.tolerance_s());
    if now.saturating_sub(signed_at_s) > tolerance {
        return Err(Forgery::Old);
    }
    if both_ways && signed_at_s.saturating_sub(now) > tolerance {
        return Err(Forgery::Future);
    }
    Ok(())
}

/// The key of an event whose fields are unknown: the same bytes are the same event.
pub(super) fn digest_key(name: &str, payload: &str) -> String {
    let digest = Sha256::digest(payload.as_bytes());
    // The key is stored as text and goes to the log. Other characters could break both.
    let plain = |c: char| if c.is_ascii_graphic() { c } else { '?' };
    let name: String = name.chars().take(NAME_CHARS_MAX).map(plain).collect();
    format!("{name}:{}", HEXLOWER.encode(&digest))
}
