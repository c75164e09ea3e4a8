//! What is asked of every gateway's webhooks: are these bytes the gateway's, may this deployment
//! take them, and what do they say.

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;

use super::{Account, Event};

/// Characters of an event's name in its key.
const NAME_CHARS_MAX: usize = 80;

/// One gateway's way of writing webhooks.
pub trait Adapter: Sync {
    /// How old a signed time may be unless the account says otherwise, in seconds; none where the
    /// gateway signs no time.
    fn tolerance_s_default(&self) -> Option<u32>;

    /// Whether its messages say if they are of the live or of the test mode.
    fn tells_mode(&self) -> bool;

    /// The headers that are kept with the event, in lower case. Never a signature: with it, what is
    /// stored could be sent again.
    fn kept_headers(&self) -> &'static [&'static str];

    /// Whether the bytes are the gateway's: one of the account's secrets has signed them, in the
    /// time that the account allows. Compares in constant time.
    ///
    /// # Errors
    /// [`Forgery`].
    fn verify(&self, account: &Account, webhook: &Webhook<'_>) -> Result<(), Forgery>;

    /// Whether verified bytes are for this deployment at all.
    ///
    /// # Errors
    /// [`Refusal`]: what is wrong with them, which their sender may know.
    fn admit(&self, account: &Account, raw: &[u8]) -> Result<(), Refusal> {
        let _ = (account, raw);
        Ok(())
    }

    /// What a verified body says.
    ///
    /// # Errors
    /// What it lacks to be an event. Never quotes the body: what it says of people is not for logs.
    fn event(&self, payload: String) -> Result<Event, String>;
}

/// One webhook as it came in.
pub struct Webhook<'a> {
    /// The value of a header, by its lower-case name.
    pub header: &'a dyn Fn(&str) -> Option<&'a str>,
    /// The bytes that were signed.
    pub raw: &'a [u8],
    /// When it came in.
    pub now: OffsetDateTime,
}

/// Why a webhook is not believed. For the log; its sender is told nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Forgery {
    /// A header is missing.
    #[error("the header {0} is missing")]
    Missing(&'static str),
    /// A header is not of its form.
    #[error("the header {0} is malformed")]
    Unreadable(&'static str),
    /// The signed time is too far away.
    #[error("it was signed longer ago than the tolerance allows")]
    Old,
    /// The signed time is too far away in the future.
    #[error("it was signed in the future, further than the tolerance allows")]
    Future,
    /// No secret gives this signature.
    #[error("no configured secret gives this signature over the raw body")]
    Mismatch,
}

/// Why a verified webhook is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct Refusal {
    /// The member of the body that is wrong.
    pub field: &'static str,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// Whether one of the secrets gives one of the signatures over these parts, put together.
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

/// Whether the signed time is within the account's tolerance. A clock that is ahead is refused only
/// where the gateway itself says so.
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

/// The key of an event whose fields are not ours to read: the same bytes are the same event.
pub(super) fn digest_key(name: &str, payload: &str) -> String {
    let digest = Sha256::digest(payload.as_bytes());
    // A key is stored as text, and goes to the log: what is no plain character may break both.
    let plain = |c: char| if c.is_ascii_graphic() { c } else { '?' };
    let name: String = name.chars().take(NAME_CHARS_MAX).map(plain).collect();
    format!("{name}:{}", HEXLOWER.encode(&digest))
}
