//! Forms. A form has the session's CSRF token, which is checked before anything else, and an id
//! that was made when it was shown: a second click, a reload or the back button has no second
//! effect.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use axum::body::Bytes;
use axum::extract::{FromRequest, Multipart, Request};
use holdfast_http::{Problem, bytes, fields, media_type};
use lambda_http::http::header;
use operations::refusal::{Kind, Said};
use serde::de::DeserializeOwned;
use subtle::ConstantTimeEq as _;

use crate::session::{Origin, SIGNED_OUT, Session};

/// Bytes of a form. An imported file is the largest.
pub(crate) const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;
/// The name of the token in every form.
const TOKEN: &str = "csrf";

/// The form does not come from a page of this session.
const FORM_STALE: Kind = Kind {
    status: 403,
    code: "form_stale",
    title: "This page is from an earlier session",
    detail: "The form was not made in this session. Nothing was changed. Open the page again, and \
             send the form from there.",
};

/// A form of this session.
pub(crate) struct Checked<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Checked<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let token = token_of(&request)?;
        media_type(request.headers(), &["application/x-www-form-urlencoded"])?;
        let body = bytes(request, BODY_BYTES_MAX).await?;
        let mut typed = BTreeMap::new();
        let mut is_twice = None;
        for (name, value) in url::form_urlencoded::parse(&body) {
            // A text field ends with what the browser adds; a pasted one begins with spaces.
            let value = value.trim().to_owned();
            if typed.insert(name.to_string(), value).is_some() {
                is_twice = Some(name.to_string());
            }
        }
        let sent = typed.remove(TOKEN).unwrap_or_default();
        if !is_token(&sent, &token) {
            return Err(FORM_STALE.into());
        }
        match is_twice {
            Some(name) => Err(Problem::invalid(&name, "must be given once")),
            None => fields(typed).map(Self),
        }
    }
}

/// The token that the form of a request must have.
fn token_of(request: &Request) -> Result<String, Problem> {
    let session = request.extensions().get::<Session>();
    let token = session
        .map(|session| session.csrf.clone())
        .ok_or(SIGNED_OUT)?;
    match comes_from_here(request) {
        true => Ok(token),
        false => Err(FORM_STALE.into()),
    }
}

fn is_token(sent: &str, token: &str) -> bool {
    sent.as_bytes().ct_eq(token.as_bytes()).into()
}

/// A form with a file.
pub(crate) struct Upload {
    fields: BTreeMap<String, String>,
    /// The name that the browser gives the file.
    pub(crate) name: String,
    pub(crate) file: Bytes,
}

impl Upload {
    /// A field's text; nothing if it is missing.
    pub(crate) fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }
}

impl<S: Send + Sync> FromRequest<S> for Upload {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let token = token_of(&request)?;
        let unreadable = || Problem::invalid("body", "is no form with a file of at most 4 MiB");
        let multipart = Multipart::from_request(request, state).await;
        let mut multipart = multipart.map_err(|_| unreadable())?;
        let mut upload = Self {
            fields: BTreeMap::new(),
            name: String::new(),
            file: Bytes::new(),
        };
        while let Some(part) = multipart.next_field().await.map_err(|_| unreadable())? {
            let field = part.name().unwrap_or_default().to_owned();
            if let Some(name) = part.file_name() {
                upload.name = name.to_ascii_lowercase();
                upload.file = part.bytes().await.map_err(|_| unreadable())?;
            } else {
                let text = part.text().await.map_err(|_| unreadable())?;
                upload.fields.insert(field, text);
            }
        }
        match is_token(upload.field(TOKEN), &token) {
            true => Ok(upload),
            false => Err(FORM_STALE.into()),
        }
    }
}

/// A browser says which page sends a form. Another site's page is refused, whatever it knows.
fn comes_from_here(request: &Request) -> bool {
    let sent = request.headers().get(header::ORIGIN);
    let origin = request.extensions().get::<Origin>();
    match (sent.map(|sent| sent.to_str()), origin) {
        (None, _) => true,
        (Some(Ok(sent)), Some(origin)) => origin.is(sent),
        _ => false,
    }
}

/// A typed value, or the refusal that names its field.
pub(crate) fn typed<T>(field: &str, text: &str) -> Result<T, Said>
where
    T: FromStr<Err: Display>,
{
    match text {
        "" => Err(Said::invalid(field, "is missing")),
        text => text
            .parse()
            .map_err(|error: T::Err| Said::invalid(field, &error.to_string())),
    }
}

/// The address of a page, to come back to it: the path of a request, and its query.
pub(crate) fn address<'a>(path: &str, query: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut sent = url::form_urlencoded::Serializer::new(String::new());
    let sent = sent.extend_pairs(query).finish();
    match &*sent {
        "" => path.to_owned(),
        query => format!("{path}?{query}"),
    }
}

/// A path of the console, and nothing else: a link must not lead people to another site.
pub(crate) fn local_path(path: &str) -> &str {
    let is_plain = path.chars().all(|c| c.is_ascii_graphic() && c != '\\');
    match path.starts_with("/console/") && !path.contains("//") && is_plain {
        true => path,
        false => "/console",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_to_no_other_site() {
        for good in ["/console/dress/desk", "/console/tour/desk/GOA%2D1?day=2"] {
            assert_eq!(local_path(good), good);
        }
        for bad in [
            "",
            "//evil.example",
            "/console//evil.example",
            "/console/\\evil.example",
            "https://evil.example",
            "/v1/shops",
            "/console/a\nb",
        ] {
            assert_eq!(local_path(bad), "/console");
        }
    }
}
