//! Sign-in by OpenID Connect: the code flow with PKCE, state and nonce.
//!
//! `/console/sign-in` sends the browser to the provider, `/console/callback` gets it back. What
//! must agree between the two is in an encrypted cookie for ten minutes.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use holdfast_http::{Problem, Query};
use lambda_http::http::HeaderMap;
use operations::cause::causes;
use operations::refusal::Kind;
use serde::{Deserialize, Serialize};

use crate::app::Shared;
use crate::form::{Checked, local_path};
use crate::language;
use crate::page::{Html, Page};
use crate::provider;
use crate::session::{self, Origin};

/// The cookie of a sign-in that is under way, without its prefix. Each tab of a browser has its
/// own: the beginning of its state follows.
const UNDER_WAY: &str = "holdfast_sign_in";
/// Characters of the state in the cookie's name.
const STATE_CHARS: usize = 8;
/// Seconds to sign in at the provider.
const UNDER_WAY_S: i64 = 600;
const CALLBACK: &str = "/console/callback";

/// The provider, or the browser, came back with something else than was begun.
const SIGN_IN_FAILED: Kind = Kind {
    status: 401,
    code: "sign_in_failed",
    title: "You are not signed in",
    detail: "The sign-in was cancelled, took too long, or was refused by the provider. Try again.",
};

/// A sign-in that is under way.
#[derive(Serialize, Deserialize)]
struct UnderWay {
    state: String,
    nonce: String,
    verifier: String,
    /// The page to come back to.
    to: String,
    began_s: i64,
}

pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route("/console/sign-in", get(begin))
        .route(CALLBACK, get(finish))
        .route("/console/signed-out", get(signed_out))
}

/// The route that needs a session.
pub(crate) fn routes_inside() -> Router<Shared> {
    Router::new().route("/console/sign-out", post(end))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Begin {
    to: Option<String>,
}

async fn begin(
    State(app): State<Shared>,
    headers: HeaderMap,
    Query(begin): Query<Begin>,
) -> Result<Response, Problem> {
    let secrets = app.secrets().await?;
    let origin = Origin::of(app.settings.origin.as_deref(), &headers);
    let back = origin.url(CALLBACK);
    let asked = app.provider.ask(&app.settings, &secrets, &back).await;
    let asked = asked.map_err(|cause| unavailable(&*cause))?;
    let under_way = UnderWay {
        state: asked.state,
        nonce: asked.nonce,
        verifier: asked.verifier,
        to: local_path(begin.to.as_deref().unwrap_or_default()).to_owned(),
        began_s: session::now_s(),
    };
    let mut response = Redirect::to(&asked.url).into_response();
    let name = cookie_of(&under_way.state);
    origin.seal(&mut response, &secrets, &name, &under_way, UNDER_WAY_S);
    Ok(response)
}

fn cookie_of(state: &str) -> String {
    let begin: String = state.chars().take(STATE_CHARS).collect();
    format!("{UNDER_WAY}_{begin}")
}

/// What the provider adds to the callback. Providers add more, such as `iss` and `session_state`.
#[derive(Deserialize)]
struct Callback {
    code: Option<String>,
    state: Option<String>,
}

async fn finish(
    State(app): State<Shared>,
    headers: HeaderMap,
    Query(callback): Query<Callback>,
) -> Result<Response, Problem> {
    let secrets = app.secrets().await?;
    let origin = Origin::of(app.settings.origin.as_deref(), &headers);
    let (Some(state), Some(code)) = (callback.state, callback.code) else {
        return Err(SIGN_IN_FAILED.into());
    };
    let name = cookie_of(&state);
    let under_way: Option<UnderWay> = origin.open(&secrets.keys, &headers, &name);
    let under_way = under_way.ok_or(SIGN_IN_FAILED)?;
    let is_late = session::now_s() - under_way.began_s > UNDER_WAY_S;
    // Anybody can lead a browser here with a code of their own: the state must be this browser's.
    if is_late || state != under_way.state {
        return Err(SIGN_IN_FAILED.into());
    }
    let callback = provider::Answer {
        code,
        nonce: under_way.nonce,
        verifier: under_way.verifier,
        redirect_url: origin.url(CALLBACK),
    };
    let person = app
        .provider
        .identify(&app.settings, &secrets, callback)
        .await;
    let session = person.map_err(|error| match error {
        provider::Error::Refused(why) => {
            tracing::warn!(why, "a sign-in was refused");
            Problem::from(SIGN_IN_FAILED)
        }
        provider::Error::Unavailable(cause) => unavailable(&*cause),
    })?;
    let mut response = Redirect::to(&under_way.to).into_response();
    origin.forget(&mut response, &name);
    origin.keep(&mut response, &secrets, &session);
    Ok(response)
}

fn unavailable(cause: &(dyn std::error::Error + 'static)) -> Problem {
    let causes = causes(cause);
    tracing::error!(causes, "the OpenID Connect provider did not answer");
    holdfast_http::problem::UNAVAILABLE.into()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct End {}

async fn end(
    axum::extract::Extension(origin): axum::extract::Extension<Origin>,
    Checked(End {}): Checked<End>,
) -> Response {
    let mut response = Redirect::to("/console/signed-out").into_response();
    origin.end_session(&mut response);
    response
}

#[derive(askama::Template)]
#[template(path = "signed_out.html")]
struct SignedOut {
    page: Page,
    /// Where the provider ends its own session.
    provider: Option<String>,
}

/// The console's session has ended. The provider's goes on until the person ends it there, too.
async fn signed_out(State(app): State<Shared>, headers: HeaderMap) -> Html<SignedOut> {
    Html(SignedOut {
        page: Page::outside(language::of(&headers)),
        provider: app.provider.sign_out_url(&app.settings).await,
    })
}
