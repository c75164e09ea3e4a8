//! Refusals and failures as pages.

use askama::Template;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use holdfast_http::{Problem, Refused};
use operations::refusal::{Refusal, Said};

use crate::language;
use crate::page::{Html, Page};

#[derive(Template)]
#[template(path = "refusal.html")]
struct Shown {
    page: Page,
    title: String,
    detail: String,
    may_sign_in: bool,
}

/// Shows a problem as a page in the language of the request.
pub(crate) async fn as_page(request: Request, next: Next) -> Response {
    let page = Page::outside(language::of(request.headers()));
    let mut response = next.run(request).await;
    let Some(problem) = response.extensions_mut().remove::<Problem>() else {
        return response;
    };
    let said = &problem.0;
    // The log's line of the answer knows the codes of problems, and no page's.
    tracing::info!(code = said.kind.code, "refused");
    let title = format!("title-{}", said.kind.code.replace('_', "-"));
    let shown = Shown {
        title: page
            .language
            .find(&title, &[])
            .unwrap_or_else(|| said.kind.title.to_owned()),
        detail: page.refusal(said),
        may_sign_in: said.kind.status == 401,
        page,
    };
    let mut shown = Html(shown).into_response();
    *shown.status_mut() = response.status();
    shown
}

pub(crate) async fn no_such_page() -> Problem {
    Problem::not_found("page")
}

/// The refusal of an operation, to show it beside the form. A failure becomes a page.
///
/// # Errors
/// The failure.
pub(crate) fn said<E: Refusal>(error: E) -> Result<Said, Refused<E>> {
    if let Ok(said) = error.said() {
        return Ok(said);
    }
    Err(error.into())
}
