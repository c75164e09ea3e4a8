//! The person at a page of a shop.

use axum::extract::{FromRequestParts, MatchedPath, OriginalUri};
use holdfast_http::{Path, Problem, Refused};
use lambda_http::RequestExt as _;
use lambda_http::http::request::Parts;
use operations::ids::{Actor, Shop};
use operations::shop;

use crate::access::Section;
use crate::app::Shared;
use crate::form::address;
use crate::language;
use crate::page::{Inside, Page, Place};
use crate::session::{SIGNED_OUT, Session};
use crate::show;

/// A person who may act for the shop of the path.
pub(crate) struct Staff {
    pub(crate) shop: Shop,
    /// The actor whom the ledger names.
    pub(crate) actor: Actor,
    pub(crate) page: Page,
}

impl FromRequestParts<Shared> for Staff {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, Problem> {
        let session: Option<Session> = parts.extensions.get().cloned();
        let session = session.ok_or(SIGNED_OUT)?;
        let unknown = || Problem::not_found("shop");
        // A text that is no shop's code names no shop.
        let shop = Path::<Shop>::from_request_parts(parts, app).await;
        let Ok(Path(shop)) = shop else {
            return Err(unknown());
        };
        if !session.shops.iter().any(|code| code == shop.as_str()) {
            return Err(unknown());
        }
        let profile = shop::read(&app.db, &shop).await;
        let profile = profile.map_err(|failure| Refused::from(failure).problem())?;
        let profile = profile.ok_or_else(unknown)?;
        let route = parts.extensions.get::<MatchedPath>();
        let section = route.and_then(|route| Section::of_route(route.as_str()));
        // The path inside the section lacks its beginning.
        let uri = parts.extensions.get::<OriginalUri>();
        let query = parts.query_string_parameters();
        let path = uri.map_or("", |uri| uri.path());
        let inside = Inside {
            place: Place {
                code: profile.shop,
                name: profile.name,
                zone: show::zone(&profile.time_zone),
                currency: profile.currency,
            },
            section,
            address: address(path, query.iter()),
            session,
        };
        Ok(Self {
            shop,
            actor: inside.session.sub.parse().map_err(|_| SIGNED_OUT)?,
            page: Page {
                language: language::of(&parts.headers),
                inside: Some(inside),
            },
        })
    }
}
