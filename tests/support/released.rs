//! Releases: those that were, from `tests/releases`, and one that is to come, from
//! `tests/fixtures/next_release`.

use std::collections::BTreeSet;
use std::fs;

use holdfast_migrate::{File, Number, Release};
use local::postgres::SUPERUSER;
use serde::Deserialize;
use tokio_postgres::Client;

use crate::stack::root;
use crate::{CLUSTER, connect, empty_database};

/// What a release's folder says of it.
#[derive(Debug, Deserialize)]
pub struct Released {
    /// Its number.
    pub release: String,
    /// What its functions send.
    pub statements: Vec<Statement>,
    /// What its database has.
    pub routines: Vec<Routine>,
}

/// One statement with the types of its parameters, as constants of `tokio_postgres::types::Type`.
#[derive(Debug, Deserialize)]
pub struct Statement {
    pub sql: String,
    pub types: Vec<String>,
}

impl Statement {
    /// The routine that it calls.
    pub fn routine(&self) -> &str {
        let behind = self.sql.split("holdfast.").nth(1).unwrap();
        behind.split('(').next().unwrap()
    }
}

/// One routine: its kind, what it takes and answers, and who may call it.
#[derive(Debug, Deserialize)]
pub struct Routine {
    pub name: String,
    pub arguments: String,
    pub kind: String,
    pub returns: String,
    pub set: bool,
    pub columns: Vec<(String, String)>,
    pub roles: BTreeSet<String>,
}

/// One call of the scenario, and its answer.
#[derive(Debug, Deserialize)]
pub struct Call {
    pub role: String,
    pub sql: String,
    pub rows: Vec<std::collections::BTreeMap<String, Option<String>>>,
}

fn read(release: &str, file: &str) -> String {
    let path = root().join("tests/releases").join(release).join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every release that there was.
pub fn releases() -> Vec<Released> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root().join("tests/releases")).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            let name = entry.file_name().into_string().unwrap();
            found.push(serde_json::from_str(&read(&name, "release.json")).unwrap());
        }
    }
    assert!(!found.is_empty());
    found
}

impl Released {
    /// The scenario's calls, as this release answered them.
    pub fn calls(&self) -> Vec<Call> {
        serde_json::from_str(&read(&self.release, "calls.json")).unwrap()
    }

    /// A database as this release left it, with some rows of every table; its name.
    pub async fn database(&self) -> String {
        let name = empty_database().await;
        // A session of its own: a dump changes its settings.
        let session = connect(&CLUSTER.url(SUPERUSER, &name)).await;
        session.batch_execute(&self.dump()).await.unwrap();
        name
    }

    /// That database, as SQL; it needs the roles that the release had. Money that is parked came
    /// just now: once it has waited for two hours, the promises' check rightly reports it.
    pub fn dump(&self) -> String {
        let now = "update holdfast.payment_events set received_at = clock_timestamp()
            where outcome = 'parked';";
        format!("{}\n{now}\n", read(&self.release, "database.dump"))
    }
}

/// A superuser's connection to a database of the tests' server.
pub async fn superuser(database: &str) -> Client {
    connect(&CLUSTER.url(SUPERUSER, database)).await
}

/// A release that comes after this one: the files of `tests/fixtures/next_release` with it.
pub fn next_release() -> Release {
    let this = Release::this();
    let mut next = Release {
        number: Number(this.number.0, this.number.1 + 1, 0),
        callers_from: this.number,
        ..this
    };
    next.versions.push(fixture("V9001__remember_why_let_go"));
    next.put("checkout_release", |file| {
        file.text = fixture("routines/checkout/release").text;
    });
    next.routines
        .push(fixture("routines/checkout/release.until_0_3"));
    next
}

/// The release after that, which no longer serves this one's functions.
pub fn release_after_next() -> Release {
    let mut after = next_release();
    after.callers_from = after.number;
    after.number.1 += 1;
    after
        .versions
        .push(fixture("V9002__drop_let_go_without_why"));
    after.routines.pop();
    after
}

fn fixture(name: &str) -> File {
    let path = root().join(format!("tests/fixtures/next_release/{name}.sql"));
    File {
        name: name.trim_start_matches("routines/").replace('/', "_"),
        text: fs::read_to_string(path).unwrap(),
    }
}

/// Changes to a release that tests make.
pub trait Put {
    /// Changes the file of one routine.
    fn put(&mut self, routine: &str, change: impl FnOnce(&mut File));
    /// Adds a versioned file.
    fn version(&mut self, name: &str, text: &str);
}

impl Put for Release {
    fn put(&mut self, routine: &str, change: impl FnOnce(&mut File)) {
        let file = self.routines.iter_mut().find(|file| file.name == routine);
        change(file.unwrap_or_else(|| panic!("no routine {routine}")));
    }

    fn version(&mut self, name: &str, text: &str) {
        self.versions.push(File {
            name: name.to_owned(),
            text: text.to_owned(),
        });
    }
}
