//! The whole suite once more, with PgBouncer in transaction mode between the functions and the
//! database: `make test-pgbouncer`. What looks at the server itself goes to it directly.

/// Whether this run is that one.
pub fn is_wanted() -> bool {
    std::env::var_os("HOLDFAST_TEST_POOLER").is_some_and(|value| value == "1")
}

/// Sessions of the pooler, if this run wants one. They are never the limit: what is tried is that a
/// session is another one with each transaction, and not the waiting for one.
pub fn sessions() -> Option<u32> {
    is_wanted().then_some(550)
}

/// The same way in, through the pooler beside the server's socket, if this run wants one.
pub fn through(url: &str) -> String {
    match is_wanted() {
        true => url.replace("%2Fsocket", "%2Fpooler"),
        false => url.to_owned(),
    }
}
