//! HMAC-SHA256, which signs the webhooks of all three gateways.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// Signs the parts, joined.
pub(crate) fn hmac(secret: &str, parts: &[&[u8]]) -> Vec<u8> {
    // HMAC accepts keys of every length. If it did not, no webhook would be accepted.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return Vec::new();
    };
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}
