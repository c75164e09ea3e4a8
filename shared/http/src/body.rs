//! Bodies, parsed strictly. A problem names the wrong field.

use axum::body::{Bytes, to_bytes};
use axum::extract::{FromRequest, OptionalFromRequest, Request};
use axum::response::{IntoResponse, Response};
use lambda_http::http::{HeaderMap, HeaderValue, StatusCode, header};
use operations::object::Object;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_path_to_error::{Path, Segment};

use crate::problem::{INTERNAL, Problem};

/// The content type of JSON.
pub const JSON: &str = "application/json";
/// Bytes of a body. Fifty lines with the longest codes need a tenth of it.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// JSON: the body of a request, which is one object and nothing else, or an answer with status 200.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        media_type(request.headers(), &[JSON])?;
        parse(&bytes(request, BODY_BYTES_MAX).await?).map(Self)
    }
}

/// The body may be empty.
impl<T: DeserializeOwned, S: Send + Sync> OptionalFromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Option<Self>, Problem> {
        let is_json = media_type(request.headers(), &[JSON]);
        let body = bytes(request, BODY_BYTES_MAX).await?;
        if body.is_empty() {
            return Ok(None);
        }
        is_json?;
        parse(&body).map(|body| Some(Self(body)))
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        json(StatusCode::OK, &self.0)
    }
}

/// The answer with this status and body.
pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    match serde_json::to_string(body) {
        Ok(text) => {
            let kind = HeaderValue::from_static(JSON);
            (status, [(header::CONTENT_TYPE, kind)], text).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "an answer could not be written");
            Problem::from(INTERNAL).into_response()
        }
    }
}

/// The type of a body, one of `known`. `None` if the request does not say it: many clients don't,
/// and a body is parsed strictly in any case.
///
/// # Errors
/// 415 when it is another type, another charset than UTF-8, or compressed.
pub fn media_type(
    headers: &HeaderMap,
    known: &[&'static str],
) -> Result<Option<&'static str>, Problem> {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let coding = text(header::CONTENT_ENCODING).unwrap_or("identity").trim();
    if !coding.eq_ignore_ascii_case("identity") {
        let message = "must be identity: send the body as it is";
        return Err(Problem::unsupported("content-encoding", message));
    }
    let Some(content_type) = text(header::CONTENT_TYPE) else {
        return Ok(None);
    };
    let mut parts = content_type.split(';').map(str::trim);
    let named = parts.next().unwrap_or_default();
    let Some(known) = known.iter().find(|known| known.eq_ignore_ascii_case(named)) else {
        let message = format!("must be {}", known.join(" or "));
        return Err(Problem::unsupported("content-type", &message));
    };
    let charset = parts
        .filter_map(|parameter| parameter.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))
        .map_or("utf-8", |(_, charset)| charset.trim().trim_matches('"'));
    // The texts of ASCII are texts of UTF-8, too.
    if !["utf-8", "utf8", "us-ascii"].contains(&charset.to_ascii_lowercase().as_str()) {
        return Err(Problem::unsupported(
            "content-type",
            "must have the charset utf-8",
        ));
    }
    Ok(Some(known))
}

/// The raw bytes of a body.
///
/// # Errors
/// 413 when they are more than `bytes_max`.
pub async fn bytes(request: Request, bytes_max: usize) -> Result<Bytes, Problem> {
    let body = to_bytes(request.into_body(), bytes_max).await;
    body.map_err(|_| Problem::body_too_large(bytes_max))
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let parsed: Object<T> =
        serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
            let field = field(error.path());
            Problem::invalid(&field, without_position(&error.into_inner()))
        })?;
    // more text after the object is an error, too
    deserializer
        .end()
        .map_err(|error| Problem::invalid("body", error))?;
    Ok(parsed.0)
}

/// The name of the wrong field. The parser may stop before a field has a name, as in
/// `{"lines":[{bad`. The field around it is named then.
fn field(path: &Path) -> String {
    let mut name = path.to_string();
    if matches!(path.iter().next_back(), Some(Segment::Unknown)) {
        name.truncate(name.len() - "?".len());
        name.truncate(name.trim_end_matches('.').len());
    }
    match name.as_str() {
        "" | "." => "body".to_owned(),
        _ => name,
    }
}

/// The parser's message without " at line 1 column 20": the field says where.
fn without_position(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(end) if !error.is_syntax() && !error.is_eof() => text[..end].to_owned(),
        _ => text,
    }
}
