//! The database roles: each process of the local stack has its own, and a password, as on AWS.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use uuid::Uuid;

/// Owns the database and may create roles, as the master user of a cloud database: no superuser.
/// It migrates first, and so makes the others.
pub const MASTER: &str = "holdfast_master";
/// Acts as the owner of everything: later migrations, and what a person does by hand.
pub const MIGRATOR: &str = "holdfast_migrator";
/// The checkout function.
pub const CHECKOUT: &str = "holdfast_checkout";
/// The payments function.
pub const PAYMENTS: &str = "holdfast_payments";
/// The sweeper.
pub const SWEEPER: &str = "holdfast_sweeper";
/// The admin function.
pub const ADMIN: &str = "holdfast_admin";
/// A person who looks things up.
pub const READONLY: &str = "holdfast_readonly";

const MADE_BY_MIGRATIONS: [&str; 6] = [MIGRATOR, CHECKOUT, PAYMENTS, SWEEPER, ADMIN, READONLY];

/// The passwords of one stack.
#[derive(Clone)]
pub(crate) struct Passwords(BTreeMap<&'static str, String>);

/// They are worth nothing once the stack has ended, but a log is no place for them.
impl std::fmt::Debug for Passwords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Passwords")
    }
}

impl Passwords {
    pub(crate) fn generate() -> Self {
        let password = |role| (role, Uuid::new_v4().simple().to_string());
        Self(
            MADE_BY_MIGRATIONS
                .into_iter()
                .chain([MASTER])
                .map(password)
                .collect(),
        )
    }

    /// What a URL has in front of its `@`.
    pub(crate) fn login(&self, role: &str) -> String {
        match self.0.get(role) {
            Some(password) => format!("{role}:{password}"),
            None => role.to_owned(),
        }
    }

    /// What a pooler logs in with.
    pub(crate) fn by_role(&self) -> BTreeMap<String, String> {
        let owned = |(role, password): (&&str, &String)| ((*role).to_owned(), password.clone());
        self.0.iter().map(owned).collect()
    }

    /// SQL of the superuser, before the first migration.
    pub(crate) fn create_master(&self) -> String {
        format!(
            "create role {MASTER} login createrole password '{}'",
            self.0[MASTER]
        )
    }

    /// SQL of the operator, after it: until then these roles can't log in.
    pub(crate) fn set_all(&self) -> String {
        let mut sql = String::new();
        for role in MADE_BY_MIGRATIONS {
            // Writing to a String can't fail.
            let _ = writeln!(sql, "alter role {role} password '{}';", self.0[role]);
        }
        sql
    }
}
