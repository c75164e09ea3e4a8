//! Who may pass: a person with a session, and a role that opens the section.

use axum::Router;
use axum::extract::{Extension, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Redirect, Response};
use holdfast_http::Problem;
use lambda_http::http::{Method, Uri};
use operations::refusal::Kind;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::access::Section;
use crate::app::Shared;
use crate::live;
use crate::session::{Origin, SIGNED_OUT, Session, now_s};

/// The role does not open the page.
pub(crate) const ROLE_MISSING: Kind = Kind {
    status: 403,
    code: "role_missing",
    title: "Your role does not open this page",
    detail: "Your role does not open this page. Ask the owner of the shop for another role.",
};

/// The token names no shop or no role.
pub(crate) const NOTHING_TO_OPEN: Kind = Kind {
    status: 403,
    code: "nothing_to_open",
    title: "You have no role or no shop",
    detail: "You are signed in, but your account has no role or no shop here. Ask the owner.",
};

/// The pages of a section below `/console/{shop}/<section>`, for the roles that open it.
pub(crate) fn routes(section: Section, pages: Router<Shared>) -> Router<Shared> {
    let prefix = format!("/console/{{shop}}/{}", section.name());
    Router::new().nest(
        &prefix,
        pages.route_layer(from_fn_with_state(section, guard)),
    )
}

async fn guard(
    State(section): State<Section>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let session = request.extensions().get::<Session>();
    let roles = session.map_or(&[][..], |session| &session.roles);
    let may = match *request.method() {
        Method::GET | Method::HEAD => section.may_read(roles),
        _ => section.may_change(roles),
    };
    match may {
        true => Ok(next.run(request).await),
        false => Err(ROLE_MISSING.into()),
    }
}

/// `/console`: the first page of the person's first shop.
pub(crate) async fn first(Extension(session): Extension<Session>) -> Response {
    let section = Section::open_to(&session.roles).next();
    match (section, session.shops.first()) {
        (Some(section), Some(shop)) => {
            Redirect::to(&format!("/console/{shop}/{}", section.name())).into_response()
        }
        _ => Problem::from(NOTHING_TO_OPEN).into_response(),
    }
}

/// Lets a person with a session pass. Others sign in first, and come back to the page.
pub(crate) async fn require(
    State(app): State<Shared>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let secrets = app.secrets().await?;
    let origin = Origin::of(app.settings.origin.as_deref(), request.headers());
    let now = now_s();
    let session = origin.session(&secrets, request.headers());
    let Some(session) = session.filter(|session| !session.has_ended(now)) else {
        return Ok(turned_away(&request));
    };
    let is_poll = live::is_poll(request.headers());
    request.extensions_mut().insert(session.clone());
    request.extensions_mut().insert(origin.clone());
    let mut response = next.run(request).await;
    if !is_poll && session.is_to_renew(now) {
        origin.keep(&mut response, &secrets, &session.seen_at(now));
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
