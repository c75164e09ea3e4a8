//! The console function in this process, and a person who is signed in at it. The session is a
//! cookie that is sealed with the function's key.

use std::time::{Duration, Instant};

use axum::Router;
use cookie::{Cookie, CookieJar, Key};
use holdfast_console::{App, Secrets, Settings};
use holdfast_http::Front;
use lambda_http::{Body, Context, RequestExt as _, Response};
use operations::config::ConfigError;
use operations::db::Database;
use operations::secret::Secret;
use serde_json::json;
use time::OffsetDateTime;

use crate::server::Failed;

/// Where the console believes to be.
pub const ORIGIN: &str = "http://127.0.0.1:1";
/// The CSRF token of every session.
pub const TOKEN: &str = "token-of-the-session";
const KEY: &str = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHI";

/// The router of a console function on this database. Nobody can sign in at it.
///
/// # Errors
/// When the client of the provider can't be made.
pub fn console(db: Database) -> Result<Router, ConfigError> {
    let secrets = json!({ "cookie_keys": [KEY] }).to_string();
    let settings = Settings {
        issuer: "http://127.0.0.1:2".to_owned(),
        client_id: "console".to_owned(),
        scopes: Vec::new(),
        roles_claim: "roles".to_owned(),
        shops_claim: "shops".to_owned(),
        origin: Some(ORIGIN.to_owned()),
        secrets: Secret::fixed(Secrets::parse(&secrets)?),
    };
    Ok(holdfast_console::router(App::new(db, settings)?))
}

/// The cookie of a person with these roles in these shops, who signs in now.
#[must_use]
pub fn session(roles: &[&str], shops: &[&str]) -> String {
    session_seen(roles, shops, 0)
}

/// The cookie of a person who has signed in, and last opened a page, so many seconds ago.
#[must_use]
pub fn session_seen(roles: &[&str], shops: &[&str], ago_s: i64) -> String {
    let seen = OffsetDateTime::now_utc().unix_timestamp() - ago_s;
    let session = json!({
        "sub": "meera", "name": "Meera", "roles": roles, "shops": shops, "csrf": TOKEN,
        "began_s": seen, "seen_s": seen,
    });
    let mut jar = CookieJar::new();
    jar.private_mut(&Key::derive_from(KEY.as_bytes()))
        .add(Cookie::new("holdfast_session", session.to_string()));
    let sealed = jar.delta().map(|cookie| cookie.encoded().stripped());
    sealed.map(|cookie| cookie.to_string()).collect()
}

/// The answer of a function to one request.
pub async fn answer(router: &Router, request: lambda_http::Request) -> Response<Body> {
    let mut context = Context::default();
    "in-process".clone_into(&mut context.request_id);
    let request = request.with_lambda_context(context);
    holdfast_http::answer(router.clone(), Front::HttpApi, request).await
}

/// One process of the console, and a person who reads its pages.
pub(crate) struct Visitor {
    router: Router,
    cookie: String,
}

/// A page, and the time from the request to its last byte.
pub(crate) struct Seen {
    pub(crate) status: u16,
    pub(crate) etag: Option<String>,
    pub(crate) text: String,
    pub(crate) took: Duration,
}

impl Visitor {
    /// The owner of a shop.
    pub(crate) fn owner(db: Database, shop: &str) -> Result<Self, Failed> {
        Ok(Self {
            router: console(db)?,
            cookie: session(&["owner"], &[shop]),
        })
    }

    /// GET of a path with its query.
    pub(crate) async fn get(&self, path: &str, more: &[(&str, &str)]) -> Result<Seen, Failed> {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let mut headers = json!({ "host": "127.0.0.1:1", "cookie": self.cookie });
        for (name, value) in more {
            headers[*name] = json!(value);
        }
        let event = json!({
            "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query,
            "headers": headers, "body": "", "isBase64Encoded": false,
            "requestContext": {
                "accountId": "000000000000", "apiId": "local", "domainName": "local",
                "stage": "$default", "domainPrefix": "local", "requestId": "r",
                "routeKey": "$default", "time": "21/Nov/2026:10:00:00 +0000", "timeEpoch": 0,
                "http": {
                    "method": "GET", "path": path, "protocol": "HTTP/1.1",
                    "sourceIp": "127.0.0.1", "userAgent": "bench",
                },
            },
        });
        let request = lambda_http::request::from_str(&event.to_string())?;
        let began = Instant::now();
        let answer = answer(&self.router, request).await;
        let took = began.elapsed();
        let etag = answer.headers().get("etag");
        Ok(Seen {
            status: answer.status().as_u16(),
            etag: etag.and_then(|tag| Some(tag.to_str().ok()?.to_owned())),
            text: String::from_utf8(answer.body().to_vec())?,
            took,
        })
    }
}
