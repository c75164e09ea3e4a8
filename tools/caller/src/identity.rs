//! An AWS identity: credentials of the environment, as every AWS program finds them, and requests
//! that are signed with them.

use std::env;
use std::error::Error;
use std::time::{Duration, SystemTime};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_credential_types::provider::error::CredentialsError;
use aws_sigv4::http_request::{
    SignableBody, SignableRequest, SigningSettings, sign as sign_request,
};
use aws_sigv4::sign::v4;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use reqwest::Request;
use reqwest::header::{HeaderName, HeaderValue};
use tokio::sync::Mutex;

/// The service of every HTTP API.
const SERVICE: &str = "execute-api";
/// Credentials that end sooner are fetched again.
const SPARE: Duration = Duration::from_secs(120);

/// Signs for one region.
#[derive(Debug)]
pub struct Identity {
    region: String,
    /// Whether a caller without credentials is an error. Otherwise it calls without a signature:
    /// the storefront's routes may be open.
    required: bool,
    known: Mutex<Known>,
}

#[derive(Debug)]
enum Known {
    NotAsked,
    Nothing,
    Credentials(Credentials),
}

impl Identity {
    pub(crate) fn new(region: &str, required: bool) -> Self {
        Self {
            region: region.to_owned(),
            required,
            known: Mutex::new(Known::NotAsked),
        }
    }

    pub(crate) async fn prove(&self, mut request: Request) -> Result<Request, String> {
        if let Some(credentials) = self.credentials().await? {
            sign(&mut request, &self.region, credentials, SystemTime::now())?;
        }
        Ok(request)
    }

    async fn credentials(&self) -> Result<Option<Credentials>, String> {
        let mut known = self.known.lock().await;
        match &*known {
            Known::Nothing => return Ok(None),
            Known::Credentials(credentials) if lasts(credentials) => {
                return Ok(Some(credentials.clone()));
            }
            Known::Credentials(_) | Known::NotAsked => {}
        }
        let config = sdk_config().await;
        let fetched = match config.credentials_provider() {
            Some(provider) => provider.provide_credentials().await,
            None => Err(CredentialsError::not_loaded("no provider")),
        };
        match fetched {
            Ok(credentials) => {
                *known = Known::Credentials(credentials.clone());
                Ok(Some(credentials))
            }
            Err(CredentialsError::CredentialsNotLoaded(_)) if !self.required => {
                *known = Known::Nothing;
                Ok(None)
            }
            Err(error) => Err(no_credentials(&error)),
        }
    }
}

fn lasts(credentials: &Credentials) -> bool {
    let ends = credentials.expiry();
    ends.is_none_or(|at| at > SystemTime::now() + SPARE)
}

/// How to give a tool credentials, and why it has none.
#[must_use]
pub fn no_credentials(error: &CredentialsError) -> String {
    format!(
        "no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; \
         for a profile with single sign-on, first run \
         `eval \"$(aws configure export-credentials --format env)\"` ({})",
        causes(error)
    )
}

/// Region and credentials, from where every AWS program reads them.
pub async fn sdk_config() -> SdkConfig {
    let http = Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https();
    let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http);
    if let Ok(region) = env::var("AWS_REGION") {
        loader = loader.region(Region::new(region));
    }
    loader.load().await
}

/// Signs a request for a region's HTTP APIs, at this time.
///
/// # Errors
/// When a header or the URL cannot be signed.
fn sign(
    request: &mut Request,
    region: &str,
    credentials: Credentials,
    at: SystemTime,
) -> Result<(), String> {
    let identity = credentials.into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(SERVICE)
        .time(at)
        .settings(SigningSettings::default())
        .build()
        .map_err(|error| causes(&error))?
        .into();
    let body = request.body().map_or(Some(&[][..]), |body| body.as_bytes());
    let body = body.ok_or("the body of a signed request must be in memory")?;
    let signable = SignableRequest::new(
        request.method().as_str(),
        request.url().as_str(),
        std::iter::empty(),
        SignableBody::Bytes(body),
    );
    let signed = signable.and_then(|signable| sign_request(signable, &params));
    let (instructions, _) = signed.map_err(|error| causes(&error))?.into_parts();
    for (name, value) in instructions.headers() {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| causes(&error))?;
        let mut value = HeaderValue::from_str(value).map_err(|error| causes(&error))?;
        value.set_sensitive(true);
        request.headers_mut().insert(name, value);
    }
    Ok(())
}

/// An error with its causes.
#[must_use]
pub fn causes(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |&cause| cause.source());
    causes
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use reqwest::{Client, Method};
    use serde_json::Value;

    use super::*;

    const GOLDEN: &str = include_str!("../../../tests/fixtures/call_signatures.json");

    /// botocore, AWS's own library, signed the same requests.
    #[test]
    fn a_request_is_signed_as_aws_signs_it() {
        let golden: Vec<Value> = serde_json::from_str(GOLDEN).unwrap();
        assert!(golden.len() >= 4);
        for case in golden {
            let text = |name: &str| case[name].as_str().unwrap();
            let method = Method::from_bytes(text("method").as_bytes()).unwrap();
            let mut request = Client::new().request(method, text("url"));
            if let Some(body) = case["body"].as_str() {
                request = request.body(body.to_owned());
            }
            let mut request = request.build().unwrap();
            let token = case["session_token"].as_str().map(str::to_owned);
            let credentials =
                Credentials::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG", token, None, "test");
            let at = UNIX_EPOCH + Duration::from_secs(case["at_unix_s"].as_u64().unwrap());
            sign(&mut request, text("region"), credentials, at).unwrap();
            for (name, value) in case["headers"].as_object().unwrap() {
                let sent = request.headers().get(name).map(|it| it.to_str().unwrap());
                assert_eq!(sent, value.as_str(), "{} {name}", text("url"));
            }
        }
    }

    #[test]
    fn credentials_that_end_are_fetched_again_in_time() {
        let ends = |s: u64| {
            let at = SystemTime::now() + Duration::from_secs(s);
            Credentials::new("a", "b", None, Some(at), "test")
        };
        assert!(!lasts(&ends(60)));
        assert!(lasts(&ends(600)));
        assert!(lasts(&Credentials::new("a", "b", None, None, "test")));
    }
}
