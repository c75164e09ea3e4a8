//! Who is signed in. A session is an encrypted and authenticated cookie; the database knows none.
//!
//! A page writes the cookie again while the person works, so the copy that a thief has grows old.
//! Polls of live parts do not prolong it: an unattended page signs out.

use axum::response::Response;
use cookie::{Cookie, CookieJar, Key, SameSite};
use lambda_http::http::{HeaderMap, HeaderValue, header};
use operations::refusal::Kind;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::access::Role;
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

const YEAR_S: i64 = 365 * 24 * 60 * 60;

/// The cookie of the session, without its prefix.
const SESSION: &str = "holdfast_session";

/// Nobody is signed in, or no longer.
pub(crate) const SIGNED_OUT: Kind = Kind {
    status: 401,
    code: "signed_out",
    title: "You are signed out",
    detail: "Your session has ended. Nothing was changed, and what you typed is lost. Sign in, and \
             fill in the form again.",
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

    /// Whether it has lasted too long, or too long without a page.
    pub(crate) fn has_ended(&self, now: i64) -> bool {
        now - self.seen_s > IDLE_S || now - self.began_s > LIFE_S
    }

    /// Whether a page writes its cookie again.
    pub(crate) fn is_to_renew(&self, now: i64) -> bool {
        now - self.seen_s >= RENEWED_AFTER_S
    }

    /// The session after a page at this time.
    pub(crate) fn seen_at(self, now: i64) -> Self {
        Self {
            seen_s: now,
            ..self
        }
    }
}

pub(crate) fn now_s() -> i64 {
    time::OffsetDateTime::now_utc().unix_timestamp()
}

/// Where browsers find the console, and how its cookies are set.
#[derive(Debug, Clone)]
pub(crate) struct Origin(String);

impl Origin {
    /// The origin of this deployment, or of a request.
    pub(crate) fn of(own: Option<&str>, headers: &HeaderMap) -> Self {
        let host = headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok());
        let asked = || format!("https://{}", host.unwrap_or_default());
        Self(own.map_or_else(asked, str::to_owned))
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

    /// The session that a browser sends.
    pub(crate) fn session(&self, secrets: &Secrets, headers: &HeaderMap) -> Option<Session> {
        self.open(&secrets.keys, headers, SESSION)
    }

    /// Keeps the session in the browser.
    pub(crate) fn keep(&self, response: &mut Response, secrets: &Secrets, session: &Session) {
        let seconds = (session.began_s + LIFE_S - now_s()).max(0);
        self.seal(response, secrets, SESSION, session, seconds);
    }

    /// Whether an answer says already what becomes of the session: a person signs out.
    pub(crate) fn sets_session(&self, response: &Response) -> bool {
        let begin = format!("{}=", self.name(SESSION));
        let mut set = response.headers().get_all(header::SET_COOKIE).iter();
        set.any(|cookie| cookie.as_bytes().starts_with(begin.as_bytes()))
    }

    /// Ends the session in the browser.
    pub(crate) fn end_session(&self, response: &mut Response) {
        self.forget(response, SESSION);
    }

    /// Takes a cookie back.
    pub(crate) fn forget(&self, response: &mut Response, name: &str) {
        set(response, &self.cookie(name, String::new(), 0));
    }

    /// Keeps a choice for a year, in a cookie that is no secret.
    pub(crate) fn remember(&self, response: &mut Response, name: &str, value: &str) {
        set(response, &self.cookie(name, value.to_owned(), YEAR_S));
    }

    /// A choice that the browser remembers.
    pub(crate) fn remembered(headers: &HeaderMap, name: &str) -> Option<String> {
        let lines = headers.get_all(header::COOKIE).iter();
        lines
            .filter_map(|line| line.to_str().ok())
            .flat_map(Cookie::split_parse)
            .filter_map(Result::ok)
            .find(|cookie| cookie.name().trim_start_matches("__Host-") == name)
            .map(|cookie| cookie.value().to_owned())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn session() -> Session {
        Session::begin(
            "sub".to_owned(),
            "Name".to_owned(),
            vec![Role::Desk],
            Vec::new(),
        )
    }

    fn secrets(keys: &[&str]) -> Secrets {
        let keys: Vec<String> = keys.iter().map(|key| key.repeat(43)).collect();
        let json = serde_json::json!({ "cookie_keys": keys });
        Secrets::parse(&json.to_string()).unwrap()
    }

    /// The cookie of a response, as a browser sends it back.
    fn sent(response: &Response) -> HeaderMap {
        let set = response.headers()[header::SET_COOKIE].to_str().unwrap();
        let pair = set.split(';').next().unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_str(pair).unwrap());
        headers
    }

    #[test]
    fn a_session_ends_by_idle_time_and_by_its_life() {
        let session = session();
        let began = session.began_s;
        assert!(!session.has_ended(began + IDLE_S));
        assert!(session.has_ended(began + IDLE_S + 1));
        let busy = session.seen_at(began + LIFE_S);
        assert!(!busy.has_ended(began + LIFE_S));
        assert!(busy.has_ended(began + LIFE_S + 1));
    }

    #[test]
    fn the_previous_key_opens_a_cookie_and_another_key_does_not() {
        let origin = Origin::of(Some("https://desk.example.com"), &HeaderMap::new());
        let mut response = Response::default();
        origin.keep(&mut response, &secrets(&["a"]), &session());
        let set = response.headers()[header::SET_COOKIE].to_str().unwrap();
        assert!(set.starts_with("__Host-holdfast_session="), "{set}");
        for part in ["Secure", "HttpOnly", "SameSite=Lax", "Path=/"] {
            assert!(set.contains(part), "{set}");
        }
        assert!(!set.contains("Name"), "{set}");
        let headers = sent(&response);
        let opened = |keys: &[&str]| origin.session(&secrets(keys), &headers);
        assert_eq!(opened(&["b", "a"]).unwrap().name, "Name");
        assert!(opened(&["b"]).is_none());
        // a copy under another name is another cookie
        let text = headers[header::COOKIE].to_str().unwrap();
        let mut moved = HeaderMap::new();
        let renamed = text.replace("holdfast_session", "holdfast_sign_in");
        moved.insert(header::COOKIE, HeaderValue::from_str(&renamed).unwrap());
        let other: Option<Session> = origin.open(&secrets(&["a"]).keys, &moved, "holdfast_sign_in");
        assert!(other.is_none());
    }
}
