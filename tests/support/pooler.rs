//! The whole suite with PgBouncer in transaction mode between the functions and the database: `make
//! test-pgbouncer`. Tests of the server itself bypass it.

/// Whether this run uses the pooler.
pub fn is_wanted() -> bool {
    std::env::var_os("HOLDFAST_TEST_POOLER").is_some_and(|value| value == "1")
}

/// The pooler's sessions, if this run uses it. Enough that nobody waits: the test is that each
/// transaction may get another session.
pub fn sessions() -> Option<u32> {
    is_wanted().then_some(550)
}

/// The same URL, through the pooler beside the server's socket if this run uses it.
pub fn through(url: &str) -> String {
    match is_wanted() {
        true => url.replace("%2Fsocket", "%2Fpooler"),
        false => url.to_owned(),
    }
}
