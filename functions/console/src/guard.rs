//! Who may pass: a person with a session, and a role that opens the section.

use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Extension, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Redirect, Response};
use holdfast_http::Problem;
use lambda_http::RequestExt as _;
use lambda_http::http::{HeaderMap, Method};
use operations::health::Health;
use operations::refusal::Kind;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::access::Section;
use crate::app::Shared;
use crate::form::address;
use crate::health::fault;
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

/// Time to look which shop needs somebody.
const LOOK_WITHIN: Duration = Duration::from_secs(3);

/// The cookie of the shop whose page was open last.
const SHOP: &str = "holdfast_shop";

/// The shop that a person goes back to: the last one, or the first of the claim.
fn shop_of<'a>(session: &'a Session, headers: &HeaderMap) -> Option<&'a String> {
    let last = Origin::remembered(headers, SHOP);
    let shops = &session.shops;
    let last = last.and_then(|last| shops.iter().find(|shop| **shop == last));
    last.or_else(|| shops.first())
}

/// `/console`: where this person's work begins.
pub(crate) async fn first(
    Extension(session): Extension<Session>,
    headers: HeaderMap,
) -> Result<Redirect, Problem> {
    let section = Section::first(&session.roles).ok_or(NOTHING_TO_OPEN)?;
    to(section, &session, &headers)
}

/// `/console/health`: alarms lead here, and know no shop. Looks first at the shop that the person
/// left, then at the others, for three seconds at most. Opens the first that needs somebody. If it
/// finds none, it opens the shop that the person left.
pub(crate) async fn health(
    State(app): State<Shared>,
    Extension(session): Extension<Session>,
    headers: HeaderMap,
) -> Result<Redirect, Problem> {
    let may_read = Section::Health.may_read(&session.roles);
    let last = shop_of(&session, &headers);
    let others = session.shops.iter().filter(|shop| Some(*shop) != last);
    let until = Instant::now() + LOOK_WITHIN;
    for shop in last.into_iter().chain(others).filter(|_| may_read) {
        let Ok(code) = shop.parse() else {
            continue;
        };
        if Instant::now() >= until {
            break;
        }
        // A database that does not answer says so on the page itself.
        let Ok(health) = operations::health::read(&app.db.until(until), &code).await else {
            break;
        };
        let needs = |health: Health| fault::all(&health).iter().any(|fault| fault.rings);
        if health.is_some_and(needs) {
            return Ok(Redirect::to(&format!("/console/{shop}/health")));
        }
    }
    to(Section::Health, &session, &headers)
}

fn to(section: Section, session: &Session, headers: &HeaderMap) -> Result<Redirect, Problem> {
    let shop = shop_of(session, headers).ok_or(NOTHING_TO_OPEN)?;
    Ok(Redirect::to(&format!("/console/{shop}/{}", section.name())))
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
    let opened = newly_opened(&session, &request);
    request.extensions_mut().insert(session.clone());
    request.extensions_mut().insert(origin.clone());
    let mut response = next.run(request).await;
    if !is_poll && session.is_to_renew(now) && !origin.sets_session(&response) {
        origin.keep(&mut response, &secrets, &session.seen_at(now));
    }
    if let Some(shop) = opened {
        origin.remember(&mut response, SHOP, &shop);
    }
    Ok(response)
}

/// The shop of the page, if the browser remembers another one.
fn newly_opened(session: &Session, request: &Request) -> Option<String> {
    let shop = request.uri().path().split('/').nth(2)?;
    let is_new = session.shops.iter().any(|own| own == shop)
        && Origin::remembered(request.headers(), SHOP).as_deref() != Some(shop);
    is_new.then(|| shop.to_owned())
}

fn turned_away(request: &Request) -> Response {
    if request.method() == Method::GET && !live::is_poll(request.headers()) {
        return Redirect::to(&sign_in_path(request)).into_response();
    }
    Problem::from(SIGNED_OUT).into_response()
}

/// Where to sign in, to come back to this page.
fn sign_in_path(request: &Request) -> String {
    let query = request.query_string_parameters();
    let back = address(request.uri().path(), query.iter());
    let back = utf8_percent_encode(&back, NON_ALPHANUMERIC);
    format!("/console/sign-in?to={back}")
}
