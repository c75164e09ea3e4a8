//! A clerk at the admin API: the admin function in the test's own process, on the test's own
//! database, with its own role. The event contains what an authorizer would pass on.

use holdfast_admin::{App, Callers, router};
use holdfast_http::Front;
use holdfast_http::caller::Shops;
use lambda_http::{Context, RequestExt as _};
use operations::db::Database;
use serde_json::{Value, json};
use std::collections::BTreeMap;

use crate::http::{Answer, Call};
use crate::{CLUSTER, MAIN, TestDb, pool};

pub use local::roles::ADMIN;

/// A clerk who may act for `main`, unless the test says otherwise.
pub struct Clerk {
    db: Database,
    callers: Callers,
    claims: Value,
}

impl TestDb {
    /// A clerk named `clerk` of the shop `main`.
    pub fn clerk(&self) -> Clerk {
        self.clerk_of("clerk", MAIN)
    }

    /// A clerk of other shops (separated by spaces), or of another name.
    pub fn clerk_of(&self, actor: &str, shops: &str) -> Clerk {
        Clerk {
            db: pool(&CLUSTER.url(ADMIN, self.name()), 4),
            callers: Callers::new(Shops::of_list(MAIN)),
            claims: json!({ "sub": actor, "shops": shops, "scope": "holdfast:admin" }),
        }
    }

    /// A clerk of a deployment whose tokens need this scope.
    pub fn clerk_by_scope(&self, scope: &str) -> Clerk {
        let clerk = self.clerk();
        let callers = clerk.callers.with_scope(scope).unwrap();
        Clerk { callers, ..clerk }
    }

    /// One connection of the admin function's role.
    pub async fn admin_session(&self) -> tokio_postgres::Client {
        self.session_of(ADMIN).await
    }
}

impl Clerk {
    /// The database as this clerk's function reaches it.
    pub fn db(&self) -> &Database {
        &self.db
    }

    /// GET below `/v1/admin/shops/main`; the path may carry a query.
    pub async fn get(&self, rest: &str) -> Answer {
        self.send(Call::new("GET", &path(rest))).await
    }

    /// PUT below `/v1/admin/shops/main`.
    pub async fn put(&self, rest: &str, body: Value) -> Answer {
        self.send(Call::new("PUT", &path(rest)).json(&body)).await
    }

    /// POST below `/v1/admin/shops/main`.
    pub async fn post(&self, rest: &str, body: Value) -> Answer {
        self.send(Call::new("POST", &path(rest)).json(&body)).await
    }

    /// PATCH below `/v1/admin/shops/main`.
    pub async fn patch(&self, rest: &str, body: Value) -> Answer {
        self.send(Call::new("PATCH", &path(rest)).json(&body)).await
    }

    /// DELETE below `/v1/admin/shops/main`.
    pub async fn delete(&self, rest: &str) -> Answer {
        self.send(Call::new("DELETE", &path(rest))).await
    }

    /// Any call, in this clerk's name.
    pub async fn send(&self, call: Call) -> Answer {
        self.send_as_it_is(call.claims(self.claims.clone())).await
    }

    /// A call as it is. Its answer is held against openapi.yaml.
    pub async fn send_as_it_is(&self, call: Call) -> Answer {
        let request = lambda_http::request::from_str(&call.event().to_string()).unwrap();
        let mut context = Context::default();
        context.request_id = "in-process".to_owned();
        let router = router(App {
            db: self.db.clone(),
            callers: self.callers.clone(),
        });
        let request = request.with_lambda_context(context);
        let answer = holdfast_http::answer(router, Front::HttpApi, request).await;
        let headers: BTreeMap<String, String> = answer
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        let text = std::str::from_utf8(answer.body()).unwrap();
        call.checked(answer.status().as_u16(), headers, text)
    }
}

/// The path of a route of `main`.
pub fn path(rest: &str) -> String {
    format!("/v1/admin/shops/{MAIN}{rest}")
}
