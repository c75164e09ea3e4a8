//! Routes. A route stands once, beside its handler: its method, its path and its words are in the
//! handler's `#[utoipa::path]` and comment, and the rest of its contract is the types that the
//! handler takes and answers.

use axum::Router;
use axum::handler::Handler;
use axum::middleware::from_fn;
use axum::routing::{MethodFilter, MethodRouter};
use lambda_http::http::Method;
use utoipa::__dev::Tags;
use utoipa::openapi::HttpMethod;

use crate::Problem;
use crate::contract::{Described, Description};
use crate::query::without_query;

/// One route of a function.
pub struct Route<S> {
    /// Its path, such as `/v1/shops/{shop}/availability`.
    pub path: String,
    pub method: Method,
    router: MethodRouter<S>,
    describe: fn() -> Description,
}

impl<S: Clone + Send + Sync + 'static> Route<S> {
    /// The route of a handler. `P` is what `#[utoipa::path]` makes of it: use [`route!`].
    #[must_use]
    pub fn new<P, H, T>(handler: H) -> Self
    where
        P: utoipa::Path + for<'t> Tags<'t>,
        H: Handler<T, S> + Described<T>,
        T: 'static,
    {
        let (method, filter) = match P::methods().first() {
            Some(HttpMethod::Put) => (Method::PUT, MethodFilter::PUT),
            Some(HttpMethod::Post) => (Method::POST, MethodFilter::POST),
            Some(HttpMethod::Patch) => (Method::PATCH, MethodFilter::PATCH),
            Some(HttpMethod::Delete) => (Method::DELETE, MethodFilter::DELETE),
            _ => (Method::GET, MethodFilter::GET),
        };
        Self {
            path: P::path(),
            method,
            router: match H::TAKES_QUERY {
                true => MethodRouter::new().on(filter, handler),
                false => MethodRouter::new()
                    .on(filter, handler)
                    .route_layer(from_fn(without_query)),
            },
            describe: || Description::of::<P, H, T>(),
        }
    }

    /// The route's part of the contract.
    #[must_use]
    pub fn description(&self) -> Description {
        (self.describe)()
    }
}

/// The router of these routes. Every other path is not found.
pub fn routed<S: Clone + Send + Sync + 'static>(routes: Vec<Route<S>>) -> Router<S> {
    let router = routes.into_iter().fold(Router::new(), |router, route| {
        router.route(&route.path, route.router)
    });
    router.fallback(async || Problem::not_found("path"))
}

/// The route of a handler that has `#[utoipa::path]`.
#[macro_export]
macro_rules! route {
    ($handler:ident) => {
        $crate::pastey::paste! {
            $crate::Route::new::<[<__path_ $handler>], _, _>($handler)
        }
    };
}
