//! The OpenID Connect provider. Its metadata and keys are fetched at the first sign-in, and again
//! when they are old or a token has a new key.

mod claims;

use std::pin::Pin;
use std::time::Duration;

use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreAuthenticationFlow, CoreErrorResponseType,
    CoreGenderClaim, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm,
    CoreRevocableToken, CoreRevocationErrorResponse, CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AsyncHttpClient, AuthorizationCode, Client, ClientId, ClientSecret, CsrfToken,
    EmptyExtraTokenFields, EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest,
    HttpResponse, IdTokenFields, IssuerUrl, Nonce, PkceCodeChallenge, PkceCodeVerifier,
    ProviderMetadataWithLogout, RedirectUrl, RequestTokenError, Scope, StandardErrorResponse,
    StandardTokenResponse, TokenResponse as _,
};
use operations::cause::{Cause, causes};
use operations::clock::Reading;
use operations::config::ConfigError;
use operations::ids::Actor;
use tokio::sync::Mutex;

use crate::session::{SHOPS_MAX, Session};
use crate::settings::{Secrets, Settings};

use claims::OtherClaims;

/// Age at which the metadata is fetched again. Providers announce a new key days before.
const METADATA_TTL: Duration = Duration::from_secs(3600);
/// The shortest time between two fetches because of a token whose key is unknown.
const METADATA_PAUSE: Duration = Duration::from_secs(10);
/// For each call of the provider. A person waits for three of them.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Bytes of an answer. Keys and metadata need a hundredth of it.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;
/// Characters of a name that pages show.
const NAME_CHARS_MAX: usize = 80;

type IdFields = IdTokenFields<
    OtherClaims,
    EmptyExtraTokenFields,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;

type Oidc = Client<
    OtherClaims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    StandardTokenResponse<IdFields, CoreTokenType>,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// The provider of this deployment.
pub(crate) struct Provider {
    http: Http,
    // Locked during a fetch, so many sign-ins at once cause one fetch.
    known: Mutex<Option<(ProviderMetadataWithLogout, Reading)>>,
}

/// Calls the provider with this workspace's own HTTP client.
struct Http(reqwest::Client);

/// What the browser asks the provider, and what its answer must agree with.
pub(crate) struct Asked {
    pub(crate) url: String,
    pub(crate) state: String,
    pub(crate) nonce: String,
    pub(crate) verifier: String,
}

/// What the browser comes back with.
pub(crate) struct Answer {
    pub(crate) code: String,
    pub(crate) nonce: String,
    pub(crate) verifier: String,
    pub(crate) redirect_url: String,
}

/// Why a person is not signed in.
pub(crate) enum Error {
    /// The provider does not vouch for the person.
    Refused(String),
    Unavailable(Cause),
}

/// A call of the provider that failed.
#[derive(Debug, thiserror::Error)]
enum CallError {
    #[error("the provider could not be called")]
    Http(#[from] reqwest::Error),
    #[error("the provider's answer is longer than {ANSWER_BYTES_MAX} bytes")]
    TooLong,
    #[error("the provider's answer is malformed")]
    Malformed(#[from] lambda_http::http::Error),
}

impl Provider {
    pub(crate) fn new(_: &Settings) -> Result<Self, ConfigError> {
        let http = reqwest::Client::builder()
            .timeout(CALL_TIMEOUT)
            .connect_timeout(CONNECT_TIMEOUT)
            // A provider that redirects its calls could lead them into this network.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| ConfigError::Invalid {
                variable: "CONSOLE_ISSUER",
                reason: causes(&error),
            })?;
        Ok(Self {
            http: Http(http),
            known: Mutex::new(None),
        })
    }

    /// What to ask the provider for a new sign-in.
    pub(crate) async fn ask(
        &self,
        settings: &Settings,
        secrets: &Secrets,
        redirect_url: &str,
    ) -> Result<Asked, Cause> {
        let client = self.client(settings, secrets, METADATA_TTL).await?;
        let client = client.set_redirect_uri(RedirectUrl::new(redirect_url.to_owned())?);
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let mut request = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                CsrfToken::new_random,
                Nonce::new_random,
            )
            .set_pkce_challenge(challenge);
        for scope in &settings.scopes {
            request = request.add_scope(Scope::new(scope.clone()));
        }
        let (url, state, nonce) = request.url();
        Ok(Asked {
            url: url.into(),
            state: state.secret().clone(),
            nonce: nonce.secret().clone(),
            verifier: verifier.secret().clone(),
        })
    }

    /// The person of an answer, with a new session.
    pub(crate) async fn identify(
        &self,
        settings: &Settings,
        secrets: &Secrets,
        answer: Answer,
    ) -> Result<Session, Error> {
        let client = self.client(settings, secrets, METADATA_TTL).await;
        let client = client.map_err(Error::Unavailable)?;
        let redirect_url = RedirectUrl::new(answer.redirect_url);
        let redirect_url = redirect_url.map_err(|error| Error::Unavailable(error.into()))?;
        let client = client.set_redirect_uri(redirect_url);
        let exchange = client
            .exchange_code(AuthorizationCode::new(answer.code))
            .map_err(|error| Error::Unavailable(error.into()))?
            .set_pkce_verifier(PkceCodeVerifier::new(answer.verifier));
        let tokens = exchange.request_async(&self.http).await;
        let tokens = tokens.map_err(|error| match error {
            RequestTokenError::ServerResponse(refused) => Error::Refused(refused.to_string()),
            other => Error::Unavailable(other.into()),
        })?;
        let token = tokens.id_token();
        let token = token.ok_or_else(|| Error::Refused("no ID token came".to_owned()))?;
        let nonce = Nonce::new(answer.nonce);
        let claims = match token.claims(&client.id_token_verifier(), &nonce) {
            Ok(claims) => claims.clone(),
            // The provider may have a new key. Everything else is refused a second time.
            Err(_) => {
                let newer = self.client(settings, secrets, METADATA_PAUSE).await;
                let newer = newer.map_err(Error::Unavailable)?;
                let claims = token.claims(&newer.id_token_verifier(), &nonce);
                claims
                    .map_err(|error| Error::Refused(causes(&error)))?
                    .clone()
            }
        };
        let other = claims.additional_claims();
        let sub = claims.subject().as_str().to_owned();
        // The ledger could not name any other subject.
        if sub.parse::<Actor>().is_err() {
            return Err(Error::Refused("the subject is no actor".to_owned()));
        }
        let name = claims
            .name()
            .and_then(|name| name.get(None))
            .map(|name| name.as_str())
            .or(claims.preferred_username().map(|name| name.as_str()))
            .or(claims.email().map(|email| email.as_str()))
            .unwrap_or(&sub);
        let name = name.chars().take(NAME_CHARS_MAX).collect();
        let shops = other.words(&settings.shops_claim);
        let shops = shops.into_iter().take(SHOPS_MAX).collect();
        Ok(Session::begin(
            sub,
            name,
            other.roles(&settings.roles_claim),
            shops,
        ))
    }

    /// Where the provider ends its own session, if it says so.
    pub(crate) async fn sign_out_url(&self, settings: &Settings) -> Option<String> {
        let metadata = self.metadata(settings, METADATA_TTL).await.ok()?;
        let url = metadata.additional_metadata().end_session_endpoint.as_ref();
        let mut url = url?.url().clone();
        url.query_pairs_mut()
            .append_pair("client_id", &settings.client_id);
        Some(url.into())
    }

    async fn client(
        &self,
        settings: &Settings,
        secrets: &Secrets,
        ttl: Duration,
    ) -> Result<Oidc, Cause> {
        let metadata = self.metadata(settings, ttl).await?;
        let secret = secrets.client_secret.clone().map(ClientSecret::new);
        let id = ClientId::new(settings.client_id.clone());
        Ok(Oidc::from_provider_metadata(metadata, id, secret))
    }

    /// The provider's metadata and keys, not older than this. Old ones stay in use while the
    /// provider does not answer.
    async fn metadata(
        &self,
        settings: &Settings,
        ttl: Duration,
    ) -> Result<ProviderMetadataWithLogout, Cause> {
        let mut known = self.known.lock().await;
        if let Some((metadata, at)) = &*known
            && at.elapsed() < ttl
        {
            return Ok(metadata.clone());
        }
        let issuer = IssuerUrl::new(settings.issuer.clone())?;
        let fetched = ProviderMetadataWithLogout::discover_async(issuer, &self.http).await;
        match (fetched, &*known) {
            (Ok(metadata), _) => {
                *known = Some((metadata.clone(), Reading::now()));
                Ok(metadata)
            }
            (Err(error), Some((metadata, _))) => {
                let causes = causes(&error);
                tracing::warn!(causes, "the provider's metadata could not be fetched again");
                Ok(metadata.clone())
            }
            (Err(error), None) => Err(error.into()),
        }
    }
}

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = CallError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, CallError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(call(&self.0, request))
    }
}

async fn call(http: &reqwest::Client, request: HttpRequest) -> Result<HttpResponse, CallError> {
    let mut response = http.execute(request.try_into()?).await?;
    let mut answer = lambda_http::http::Response::builder().status(response.status());
    for (name, value) in response.headers() {
        answer = answer.header(name, value);
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(CallError::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(answer.body(body)?)
}
