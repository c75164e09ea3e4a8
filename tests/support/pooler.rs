//! The whole suite once more, with PgBouncer in transaction mode between the functions and the
//! database: `make test-pgbouncer`. What looks at the server itself goes to it directly.

/// Whether this run is that one.
pub fn is_wanted() -> bool {
    std::env::var_os("HOLDFAST_TEST_POOLER").is_some_and(|value| value == "1")
}

/// The same way in, through the pooler beside the server's socket, if this run wants one.
pub fn through(url: &str) -> String {
    match is_wanted() {
        true => url.replace("%2Fsocket", "%2Fpooler"),
        false => url.to_owned(),
    }
}
