//! The database roles. Each process of the local stack has its own role and password, as on AWS.

use std::collections::BTreeMap;
use std::fmt;

use uuid::Uuid;

/// Owns the database and may create roles, as the master user of a cloud database does; it is no
/// superuser. It migrates first, and makes the other roles.
pub const MASTER: &str = "holdfast_master";
/// Acts as the owner of everything: later migrations, and a person's work by hand.
pub const MIGRATOR: &str = "holdfast_migrator";
/// The checkout function.
pub const CHECKOUT: &str = "holdfast_checkout";
/// The payments function.
pub const PAYMENTS: &str = "holdfast_payments";
/// The sweeper.
pub const SWEEPER: &str = "holdfast_sweeper";
/// The admin function.
pub const ADMIN: &str = "holdfast_admin";
/// The console function.
pub const CONSOLE: &str = "holdfast_console";
/// A person who only reads.
pub const READONLY: &str = "holdfast_readonly";

/// The roles that the migrations make.
pub(crate) const MIGRATED: [&str; 7] = [
    MIGRATOR, CHECKOUT, PAYMENTS, SWEEPER, ADMIN, CONSOLE, READONLY,
];

/// The passwords of one stack, by role.
#[derive(Clone)]
pub(crate) struct Passwords(BTreeMap<String, String>);

/// A log is no place for passwords.
impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passwords")
    }
}

impl Passwords {
    pub(crate) fn generate() -> Self {
        let roles = MIGRATED.into_iter().chain([MASTER]);
        let password = |role: &str| (role.to_owned(), Uuid::new_v4().simple().to_string());
        Self(roles.map(password).collect())
    }

    /// A URL has this in front of its `@`.
    pub(crate) fn login(&self, role: &str) -> String {
        match self.0.get(role) {
            Some(password) => format!("{role}:{password}"),
            None => role.to_owned(),
        }
    }

    pub(crate) fn by_role(&self) -> BTreeMap<String, String> {
        self.0.clone()
    }

    /// SQL for the superuser, before the first migration.
    pub(crate) fn create_master(&self) -> String {
        let password = &self.0[MASTER];
        format!("create role {MASTER} login createrole password '{password}'")
    }

    /// SQL for the operator, after the first migration: it made the roles without passwords.
    pub(crate) fn set_all(&self) -> String {
        let set = |role| format!("alter role {role} password '{}';", self.0[role]);
        MIGRATED.map(set).concat()
    }
}
