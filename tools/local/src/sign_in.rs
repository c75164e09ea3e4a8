//! An OpenID Connect provider on this machine, for the console. It asks for no password: a click
//! signs in as one of the demo's people.

use std::path::Path;
use std::sync::Arc;

use serde_json::json;
use uuid::Uuid;

use crate::Error;
use crate::python::{Package, Server};
use crate::reaper::Reaper;

const PACKAGE: Package = Package {
    module: "oidc_provider_mock",
    what: "oidc-provider-mock (sign-in on this machine)",
    log: "sign-in.log",
};

/// The console's client id there.
pub(crate) const CLIENT_ID: &str = "holdfast-console";

/// The console's secrets on this machine. The key changes with each start, so no session outlives
/// the stack that began it.
pub(crate) fn secrets() -> String {
    let key = [Uuid::new_v4(), Uuid::new_v4()].map(|id| id.simple().to_string());
    json!({ "client_secret": "local", "cookie_keys": [key.concat()] }).to_string()
}

/// A person of the demo.
pub struct Person {
    /// The subject: the name to sign in with, and the actor in the ledger.
    pub sub: &'static str,
    pub name: &'static str,
    pub roles: &'static [&'static str],
    pub shops: &'static [&'static str],
}

/// The five people of the demo.
pub const PEOPLE: [Person; 5] = [
    Person {
        sub: "dispatcher",
        name: "Devi, dispatcher",
        roles: &["desk"],
        shops: &["tour"],
    },
    Person {
        sub: "clerk",
        name: "Kiran, stock clerk",
        roles: &["stock"],
        shops: &["dress", "tour"],
    },
    Person {
        sub: "owner",
        name: "Meera, owner",
        roles: &["owner"],
        shops: &["dress", "tour"],
    },
    Person {
        sub: "support",
        name: "Sam, support",
        roles: &["support"],
        shops: &["dress", "tour"],
    },
    Person {
        sub: "on-call",
        name: "Omar, on call",
        roles: &["viewer", "support"],
        shops: &["dress", "tour"],
    },
];

/// Starts it.
pub(crate) async fn start(
    folder: &Path,
    logs: &Path,
    reaper: Arc<Reaper>,
) -> Result<Server, Error> {
    let set = |command: &mut std::process::Command, port: u16| {
        command.args(["--host", "127.0.0.1", "--port", &port.to_string()]);
        for person in PEOPLE {
            let claims = json!({
                "sub": person.sub,
                "name": person.name,
                "roles": person.roles,
                "shops": person.shops,
            });
            command.args(["--user-claims", &claims.to_string()]);
        }
    };
    Server::start(&PACKAGE, folder, logs, reaper, set).await
}
