//! Tokens of RDS IAM authentication. A token is a signed request that is never sent: the database
//! accepts it as a password for a limited time. Signing needs no network.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_sigv4::http_request::{
    SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign as sign_request,
};
use aws_sigv4::sign::v4;
use operations::cause::Cause;
use operations::login::Signer;
use operations::secret::Fetching;

use crate::sdk;

/// The lifetime of a token, set by RDS. It only has to last until the connection is open.
const LASTS: Duration = Duration::from_secs(15 * 60);

/// Signs with the function's own role.
pub struct Tokens;

impl Tokens {
    async fn signed(&self, host: &str, port: u16, user: &str) -> Result<String, Cause> {
        let config = sdk::config().await;
        let region = config
            .region()
            .ok_or("AWS_REGION is not set, and a token is for a region")?;
        let credentials = config
            .credentials_provider()
            .ok_or("there are no AWS credentials to sign a token with")?
            .provide_credentials()
            .await?;
        let server = format!("{host}:{port}");
        sign(
            &server,
            user,
            region.as_ref(),
            credentials,
            SystemTime::now(),
        )
    }
}

impl Signer for Tokens {
    fn token<'a>(&'a self, host: &'a str, port: u16, user: &'a str) -> Fetching<'a> {
        Box::pin(self.signed(host, port, user))
    }
}

/// The token of a user at a server (`host:port`), signed at this time.
///
/// # Errors
/// When the server's name cannot be part of a URL.
pub fn sign(
    server: &str,
    user: &str,
    region: &str,
    credentials: Credentials,
    at: SystemTime,
) -> Result<String, Cause> {
    let mut settings = SigningSettings::default();
    settings.expires_in = Some(LASTS);
    settings.signature_location = SignatureLocation::QueryParams;
    let identity = credentials.into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("rds-db")
        .time(at)
        .settings(settings)
        .build()?
        .into();
    let user = percent_encoded(user);
    let request = format!("{server}/?Action=connect&DBUser={user}");
    let url = format!("https://{request}");
    let signable = SignableRequest::new("GET", &url, std::iter::empty(), SignableBody::empty())?;
    let (instructions, _) = sign_request(signable, &params)?.into_parts();
    let signed = instructions
        .params()
        .iter()
        .map(|(name, value)| format!("&{name}={}", percent_encoded(value)));
    Ok(signed.fold(request, |token, parameter| token + &parameter))
}

/// Percent-encodes as AWS does: everything but letters, digits and `-._~`.
fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests;
