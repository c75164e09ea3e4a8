//! The language of the pages: a choice in the page, or what the browser asks for.

use axum::extract::Extension;
use axum::response::{IntoResponse as _, Redirect, Response};
use holdfast_http::Problem;
use lambda_http::http::{HeaderMap, header};
use serde::Deserialize;

use crate::form::{Checked, local_path};
use crate::session::Origin;
use crate::texts::Language;

/// The cookie of the choice. It is no secret.
const CHOICE: &str = "holdfast_language";

/// The language of a request.
pub(crate) fn of(headers: &HeaderMap) -> Language {
    let chosen = Origin::remembered(headers, CHOICE);
    let chosen = chosen.and_then(|code| Language::coded(&code));
    let asked = headers.get(header::ACCEPT_LANGUAGE);
    let asked = asked.and_then(|asked| asked.to_str().ok()).unwrap_or("");
    chosen.unwrap_or_else(|| Language::asked_for(asked))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Choice {
    language: String,
    back: String,
}

pub(crate) async fn choose(
    Extension(origin): Extension<Origin>,
    Checked(choice): Checked<Choice>,
) -> Result<Response, Problem> {
    let language = Language::coded(&choice.language);
    let language = language
        .ok_or_else(|| Problem::invalid("language", "must be a language of the console"))?;
    let mut response = Redirect::to(local_path(&choice.back)).into_response();
    origin.remember(&mut response, CHOICE, language.code());
    Ok(response)
}
