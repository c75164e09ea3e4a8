//! The sections of the console, and the roles that open them.

use axum::Router;
use axum::extract::{Extension, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Redirect, Response};
use holdfast_http::Problem;
use lambda_http::http::Method;
use operations::refusal::Kind;
use serde::{Deserialize, Serialize};

use crate::app::Shared;
use crate::session::Session;

/// A role, as the claim of a person's token writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Role {
    /// Sees the sale and the health, and changes nothing.
    Viewer,
    Desk,
    Stock,
    Support,
    Owner,
}

impl Role {
    /// The role with this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "viewer" => Self::Viewer,
            "desk" => Self::Desk,
            "stock" => Self::Stock,
            "support" => Self::Support,
            "owner" => Self::Owner,
            _ => return None,
        })
    }
}

/// A part of the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    Desk,
}

impl Section {
    /// In the order of the navigation.
    const ALL: &[Self] = &[Self::Desk];

    /// Its name in paths, and in the keys of its texts.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Desk => "desk",
        }
    }

    /// The section of a route, such as `/console/{shop}/desk`.
    pub(crate) fn of_route(route: &str) -> Option<Self> {
        let name = route.split('/').nth(3)?;
        Self::ALL
            .iter()
            .copied()
            .find(|section| section.name() == name)
    }

    /// Who may read it.
    fn readers(self) -> &'static [Role] {
        match self {
            Self::Desk => &[Role::Desk, Role::Owner],
        }
    }

    /// Who may change something.
    fn writers(self) -> &'static [Role] {
        match self {
            Self::Desk => &[Role::Desk, Role::Owner],
        }
    }

    fn may_read(self, roles: &[Role]) -> bool {
        roles.iter().any(|role| self.readers().contains(role))
    }

    /// Whether somebody with these roles may change something.
    pub(crate) fn may_change(self, roles: &[Role]) -> bool {
        roles.iter().any(|role| self.writers().contains(role))
    }

    /// The sections that these roles open.
    pub(crate) fn open_to(roles: &[Role]) -> impl Iterator<Item = Self> {
        let all = Self::ALL.iter().copied();
        all.filter(|section| section.may_read(roles))
    }
}

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
