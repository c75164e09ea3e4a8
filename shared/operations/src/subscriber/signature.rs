//! Signatures of Standard Webhooks 1.0.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

const PREFIX: &str = "whsec_";
/// Bytes of a key, as the standard asks for.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// A signing key. It is never shown.
#[derive(Clone)]
pub struct SigningSecret(Vec<u8>);

/// Why a text is no secret. The error never repeats the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a secret must be whsec_ and 24 to 64 bytes in base64")]
pub struct InvalidSecret;

impl std::str::FromStr for SigningSecret {
    type Err = InvalidSecret;

    fn from_str(text: &str) -> Result<Self, InvalidSecret> {
        let key = text.strip_prefix(PREFIX).ok_or(InvalidSecret)?;
        let key = STANDARD.decode(key).map_err(|_| InvalidSecret)?;
        KEY_BYTES
            .contains(&key.len())
            .then_some(Self(key))
            .ok_or(InvalidSecret)
    }
}

/// The header `webhook-signature`: one signature for each secret, so a subscriber may know the old
/// or the new one.
#[must_use]
pub fn sign(secrets: &[SigningSecret], id: &str, timestamp: i64, body: &str) -> String {
    let signed = |secret: &SigningSecret| {
        let mut mac = Hmac::<Sha256>::new_from_slice(&secret.0).ok()?;
        mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
        let code = STANDARD.encode(mac.finalize().into_bytes());
        Some(format!("v1,{code}"))
    };
    let signatures: Vec<String> = secrets.iter().filter_map(signed).collect();
    signatures.join(" ")
}
