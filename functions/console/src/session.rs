//! Who is signed in. A session is an encrypted and authenticated cookie; the database knows none.
//!
//! A page writes the cookie again while the person works, so the copy that a thief has grows old.
//! Polls of live parts do not prolong it: an unattended page signs out.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Redirect, Response};
use cookie::{Cookie, CookieJar, Key, SameSite};
use holdfast_http::Problem;
use lambda_http::http::{HeaderMap, HeaderValue, Method, Uri, header};
use operations::cause::causes;
use operations::refusal::Kind;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::app::{App, Shared};
use crate::live;
use crate::section::Role;
use crate::settings::Secrets;

/// How long a session lasts without a page. If too low, a dispatcher signs in after each longer
/// call. If too high, a screen that somebody left stays open.
const IDLE_S: i64 = 30 * 60;
/// How long it lasts at all: one shift.
const LIFE_S: i64 = 12 * 60 * 60;
/// The age at which a page writes the cookie again.
const RENEWED_AFTER_S: i64 = 60;
/// Shops of one session. A cookie has at most 4,096 bytes.
pub(crate) const SHOPS_MAX: usize = 100;

/// The cookie of the session, without its prefix.
const SESSION: &str = "holdfast_session";

/// Nobody is signed in, or no longer.
pub(crate) const SIGNED_OUT: Kind = Kind {
    status: 401,
    code: "signed_out",
    title: "You are signed out",
    detail: "Your session has ended. Nothing was changed. Sign in, and send the form again.",
};

/// A person who is signed in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Session {
    /// The token's subject: the actor in the ledger.
    pub(crate) sub: String,
    /// The name to show.
    pub(crate) name: String,
    pub(crate) roles: Vec<Role>,
    pub(crate) shops: Vec<String>,
    /// In every form of the session.
    pub(crate) csrf: String,
    began_s: i64,
    seen_s: i64,
}

impl Session {
    /// A new session.
    pub(crate) fn begin(sub: String, name: String, roles: Vec<Role>, shops: Vec<String>) -> Self {
        let now = now_s();
        Self {
            sub,
            name,
            roles,
            shops,
            csrf: Uuid::new_v4().simple().to_string(),
            began_s: now,
            seen_s: now,
        }
    }

    fn has_ended(&self, now: i64) -> bool {
        now - self.seen_s > IDLE_S || now - self.began_s > LIFE_S
    }
}

pub(crate) fn now_s() -> i64 {
    time::OffsetDateTime::now_utc().unix_timestamp()
}

/// Lets a person with a session pass. Others sign in first, and come back to the page.
pub(crate) async fn require(
    State(app): State<Shared>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let secrets = secrets(&app).await?;
    let origin = Origin::of(&app, request.headers());
    let now = now_s();
    let session: Option<Session> = origin.open(&secrets.keys, request.headers(), SESSION);
    let Some(session) = session.filter(|session| !session.has_ended(now)) else {
        return Ok(turned_away(&request));
    };
    let is_poll = live::is_poll(request.headers());
    request.extensions_mut().insert(session.clone());
    request.extensions_mut().insert(origin.clone());
    let mut response = next.run(request).await;
    if !is_poll && now - session.seen_s >= RENEWED_AFTER_S {
        let renewed = Session {
            seen_s: now,
            ..session
        };
        origin.keep(&mut response, &secrets, &renewed);
    }
    Ok(response)
}

fn turned_away(request: &Request) -> Response {
    if request.method() == Method::GET && !live::is_poll(request.headers()) {
        return Redirect::to(&sign_in_path(request.uri())).into_response();
    }
    Problem::from(SIGNED_OUT).into_response()
}

/// Where to sign in, to come back to this page.
fn sign_in_path(back: &Uri) -> String {
    let back = utf8_percent_encode(back.path(), NON_ALPHANUMERIC);
    format!("/console/sign-in?to={back}")
}

/// The secrets of the function.
///
/// # Errors
/// When they can't be fetched.
pub(crate) async fn secrets(app: &App) -> Result<std::sync::Arc<Secrets>, Problem> {
    app.settings.secrets.value().await.map_err(|cause| {
        let causes = causes(&*cause);
        tracing::error!(causes, "the console's secrets could not be fetched");
        Problem::from(holdfast_http::problem::UNAVAILABLE)
    })
}

/// Where browsers find the console, and how its cookies are set.
#[derive(Debug, Clone)]
pub(crate) struct Origin(String);

impl Origin {
    /// The origin of this deployment, or of a request.
    pub(crate) fn of(app: &App, headers: &HeaderMap) -> Self {
        let host = headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok());
        let asked = || format!("https://{}", host.unwrap_or_default());
        Self(app.settings.origin.clone().unwrap_or_else(asked))
    }

    /// Where the provider sends people back.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }

    pub(crate) fn is(&self, origin: &str) -> bool {
        self.0 == origin
    }

    /// Browsers take a cookie with this prefix only from this host, by https, for all paths. A
    /// browser on loopback gets no https.
    fn name(&self, name: &str) -> String {
        match self.is_https() {
            true => format!("__Host-{name}"),
            false => name.to_owned(),
        }
    }

    fn is_https(&self) -> bool {
        self.0.starts_with("https://")
    }

    /// The value of a cookie, if one of the keys opens it.
    pub(crate) fn open<T: DeserializeOwned>(
        &self,
        keys: &[Key],
        headers: &HeaderMap,
        name: &str,
    ) -> Option<T> {
        let name = self.name(name);
        let sent = headers.get_all(header::COOKIE).iter();
        let sent = sent.filter_map(|line| line.to_str().ok());
        let sealed = sent
            .flat_map(Cookie::split_parse_encoded)
            .filter_map(Result::ok)
            .find(|cookie| cookie.name() == name)?;
        let jar = CookieJar::new();
        let open = |key| jar.private(key).decrypt(sealed.clone().into_owned());
        let opened = keys.iter().find_map(open)?;
        serde_json::from_str(opened.value()).ok()
    }

    /// Sets a cookie that only this function can read, for some seconds.
    pub(crate) fn seal<T: Serialize>(
        &self,
        response: &mut Response,
        secrets: &Secrets,
        name: &str,
        value: &T,
        seconds: i64,
    ) {
        let (Ok(json), Some(key)) = (serde_json::to_string(value), secrets.keys.first()) else {
            return;
        };
        let mut jar = CookieJar::new();
        let cookie = self.cookie(name, json, seconds);
        jar.private_mut(key).add(cookie);
        for cookie in jar.delta() {
            set(response, cookie);
        }
    }

    /// Keeps the session in the browser.
    pub(crate) fn keep(&self, response: &mut Response, secrets: &Secrets, session: &Session) {
        let seconds = (session.began_s + LIFE_S - now_s()).max(0);
        self.seal(response, secrets, SESSION, session, seconds);
    }

    /// Ends the session in the browser.
    pub(crate) fn end_session(&self, response: &mut Response) {
        self.forget(response, SESSION);
    }

    /// Takes a cookie back.
    pub(crate) fn forget(&self, response: &mut Response, name: &str) {
        set(response, &self.cookie(name, String::new(), 0));
    }

    /// A cookie that anybody may read.
    pub(crate) fn plain(&self, response: &mut Response, name: &str, value: &str, seconds: i64) {
        set(response, &self.cookie(name, value.to_owned(), seconds));
    }

    fn cookie(&self, name: &str, value: String, seconds: i64) -> Cookie<'static> {
        Cookie::build((self.name(name), value))
            .path("/")
            .http_only(true)
            .same_site(SameSite::Lax)
            .secure(self.is_https())
            .max_age(time::Duration::seconds(seconds))
            .build()
    }
}

fn set(response: &mut Response, cookie: &Cookie<'_>) {
    if let Ok(value) = HeaderValue::try_from(cookie.encoded().to_string()) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}
