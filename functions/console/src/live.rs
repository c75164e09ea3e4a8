//! Live parts of a page. The script asks for the part every two seconds, with the hash of what it
//! shows. If nothing has changed, the answer is short.

use askama::Template;
use axum::response::{Html, IntoResponse as _, Response};
use holdfast_http::Problem;
use holdfast_http::problem::INTERNAL;
use lambda_http::http::{HeaderMap, HeaderValue, StatusCode, header};
use sha2::{Digest as _, Sha256};

use crate::access::Section;
use crate::page::{self, Page};

/// The header by which the script says that nobody has asked for the part.
const POLL: &str = "x-console-poll";

/// Whether the script asks, and nobody did.
pub(crate) fn is_poll(headers: &HeaderMap) -> bool {
    headers.contains_key(POLL)
}

/// A page that is its heading and one live part.
#[derive(Template)]
#[template(path = "now.html")]
pub(crate) struct Now {
    page: Page,
    title: String,
    /// The address of the part.
    live: String,
    part: String,
}

/// The page of a section around its live part.
///
/// # Errors
/// When the template fails.
pub(crate) fn page<T: Template>(
    page: Page,
    section: Section,
    part: &T,
) -> Result<page::Html<Now>, Problem> {
    let name = section.name();
    Ok(page::Html(Now {
        title: page.say(format!("{name}-title")),
        live: page.path(&format!("{name}/now")),
        part: text(part)?,
        page,
    }))
}

/// The text of a part, for the page around it.
///
/// # Errors
/// When the template fails.
pub(crate) fn text<T: Template>(part: &T) -> Result<String, Problem> {
    part.render().map_err(|error| {
        tracing::error!("a template failed: {error}");
        Problem::from(INTERNAL)
    })
}

/// The part, or 304 if the browser shows it already.
///
/// # Errors
/// When the template fails.
pub(crate) fn part<T: Template>(headers: &HeaderMap, part: &T) -> Result<Response, Problem> {
    let text = text(part)?;
    let hash = data_encoding::HEXLOWER.encode(&Sha256::digest(&text)[..16]);
    let tag = format!("\"{hash}\"");
    let shown = headers.get(header::IF_NONE_MATCH);
    let is_same = shown.is_some_and(|shown| shown.as_bytes() == tag.as_bytes());
    let mut response = match is_same {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => Html(text).into_response(),
    };
    if let Ok(tag) = HeaderValue::try_from(tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    Ok(response)
}
