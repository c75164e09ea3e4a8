//! Blocking calls to the server, whether or not the caller is inside an async runtime.

use std::time::Duration;

use tokio_postgres::{Client, NoTls};

use crate::Error;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Whether the server accepts connections; the error says why not.
pub(super) fn probe(url: &str) -> Result<(), String> {
    blocking(url, async |_client| Ok(()))
}

pub(super) fn execute(url: &str, sql: &str) -> Result<(), Error> {
    blocking(url, async |client| client.batch_execute(sql).await)
        .map_err(|detail| Error::postgres("running SQL", detail))
}

/// A runtime cannot start inside another one, so each call has a thread of its own. It is for
/// set-up, not for load.
fn blocking<F>(url: &str, work: F) -> Result<(), String>
where
    F: AsyncFnOnce(&Client) -> Result<(), tokio_postgres::Error> + Send,
{
    let call = || -> Result<(), String> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| error.to_string())?;
        runtime.block_on(async {
            let connecting = tokio_postgres::connect(url, NoTls);
            let connected = tokio::time::timeout(CONNECT_TIMEOUT, connecting).await;
            let (client, connection) = match connected {
                Ok(done) => done.map_err(|error| detail(&error))?,
                Err(_) => return Err(String::from("no answer")),
            };
            // It ends with the client, which also gets its errors.
            tokio::spawn(connection);
            work(&client).await.map_err(|error| detail(&error))
        })
    };
    std::thread::scope(|scope| scope.spawn(call).join())
        .unwrap_or_else(|_| Err(String::from("the calling thread panicked")))
}

/// tokio-postgres prints `db error` alone; the server's message is what helps.
fn detail(error: &tokio_postgres::Error) -> String {
    error
        .as_db_error()
        .map_or_else(|| error.to_string(), ToString::to_string)
}
