//! Opens connections, and decides when one is replaced.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use deadpool::managed::{Manager, Metrics, RecycleError, RecycleResult};
use postgres_native_tls::MakeTlsConnector;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, NoTls};

use super::authorities;
use super::config::{DatabaseConfig, Idle, Tls, finished};
use super::failure::{Failure, query_failure};
use super::nodes::Address;
use crate::clock::Reading;
use crate::config::ConfigError;
use crate::login::Logins;

/// Time for connecting: name, addresses, TLS and login. If too low, a database that fails over or
/// starts from zero is given up too early. If too high, one attempt uses up the caller's time.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(4);

/// One connection of the pool.
pub(super) struct Connection {
    pub(super) client: Client,
    task: JoinHandle<()>,
    answered_at: Reading,
}

impl Connection {
    /// The server has just answered.
    pub(super) fn has_answered(&mut self) {
        self.answered_at = Reading::now();
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // The task would wait for ever for a silent peer.
        self.task.abort();
    }
}

/// The connection manager of the pool.
pub(super) struct Connections {
    logins: Arc<Logins>,
    /// Instead of the login's own.
    address: Option<Address>,
    tls: Tls,
    wire: Wire,
    idle: Idle,
}

impl Connections {
    pub(super) fn new(
        config: &DatabaseConfig,
        address: Option<Address>,
    ) -> Result<Self, ConfigError> {
        Ok(Self {
            logins: Arc::clone(&config.logins),
            address,
            tls: config.tls.clone(),
            wire: Wire::new(&config.tls)?,
            idle: config.idle,
        })
    }

    async fn open(&self) -> Result<(Client, JoinHandle<()>), Failure> {
        match timeout(CONNECT_TIMEOUT, self.log_in()).await {
            Ok(opened) => opened,
            Err(elapsed) => Err(Failure::Unavailable(elapsed.into())),
        }
    }

    /// Logs in. If the login is refused, tries another one if there is one.
    async fn log_in(&self) -> Result<(Client, JoinHandle<()>), Failure> {
        let unavailable = Failure::Unavailable;
        let login = self.logins.login().await.map_err(unavailable)?;
        let refusal = match self.wire.connect(&*self.moved(&login)?).await {
            Err(error) if is_login_refused(&error) => error,
            opened => return opened.map_err(not_opened),
        };
        let other = self.logins.other_than(&login).await.map_err(unavailable)?;
        let refusal = match other {
            None => refusal,
            Some(other) => match self.wire.connect(&*self.moved(&other)?).await {
                Err(error) if is_login_refused(&error) => error,
                opened => {
                    tracing::info!("the login was refused; the newer secret replaces it");
                    return opened.map_err(not_opened);
                }
            },
        };
        if self.logins.may_change() {
            Err(Failure::Unavailable(refusal.into()))
        } else {
            Err(Failure::Refused(refusal.into()))
        }
    }

    /// The same login at this pool's address.
    fn moved<'a>(&self, login: &'a Config) -> Result<Cow<'a, Config>, Failure> {
        let Some(Address { host, port }) = &self.address else {
            return Ok(Cow::Borrowed(login));
        };
        let mut moved = Config::new();
        moved.host(host).port(*port);
        if let Some(user) = login.get_user() {
            moved.user(user);
        }
        if let Some(password) = login.get_password() {
            moved.password(password);
        }
        if let Some(name) = login.get_dbname() {
            moved.dbname(name);
        }
        if let Some(options) = login.get_options() {
            moved.options(options);
        }
        moved
            .channel_binding(login.get_channel_binding())
            .target_session_attrs(login.get_target_session_attrs());
        let name = login.get_application_name().unwrap_or_default();
        finished(moved, name, &self.tls)
            .map(Cow::Owned)
            .map_err(|reason| Failure::Refused(format!("DATABASE_TLS {reason}").into()))
    }
}

impl Manager for Connections {
    type Type = Connection;
    type Error = Failure;

    async fn create(&self) -> Result<Connection, Failure> {
        // On the heap: this long and rare branch would enlarge every call's future.
        let (client, task) = Box::pin(self.open()).await?;
        Ok(Connection {
            client,
            task,
            answered_at: Reading::now(),
        })
    }

    async fn recycle(
        &self,
        connection: &mut Connection,
        _: &Metrics,
    ) -> RecycleResult<Self::Error> {
        if connection.client.is_closed() {
            return Err(RecycleError::message("closed"));
        }
        let idle = connection.answered_at.elapsed();
        if idle < self.idle.ask_after {
            return Ok(());
        }
        if idle > self.idle.replace_after {
            return Err(RecycleError::message("idle for too long"));
        }
        let asked = connection.client.simple_query("");
        match timeout(self.idle.answer_within, asked).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) | Err(_) => {
                tracing::info!("a connection that was idle does not answer any more");
                Err(RecycleError::message("silent"))
            }
        }
    }
}

/// Opens one connection outside the pool, for work that needs its own session. It closes when the
/// client is dropped.
///
/// # Errors
/// [`Failure`] when the server can't be reached or refuses.
pub async fn connect(config: &DatabaseConfig) -> Result<Client, Failure> {
    let connections =
        Connections::new(config, None).map_err(|error| Failure::Refused(error.into()))?;
    // The task runs until the client is dropped.
    connections.open().await.map(|(client, _)| client)
}

/// The transport: TLS or plaintext.
enum Wire {
    Plain,
    Tls(MakeTlsConnector),
}

impl Wire {
    fn new(tls: &Tls) -> Result<Self, ConfigError> {
        match tls {
            Tls::Off => Ok(Self::Plain),
            Tls::Verify(trusted) => authorities::connector(trusted).map(Self::Tls),
        }
    }

    async fn connect(
        &self,
        config: &Config,
    ) -> Result<(Client, JoinHandle<()>), tokio_postgres::Error> {
        match self {
            Self::Plain => {
                let (client, connection) = config.connect(NoTls).await?;
                Ok((client, tokio::spawn(watched(connection))))
            }
            Self::Tls(connector) => {
                let (client, connection) = config.connect(connector.clone()).await?;
                Ok((client, tokio::spawn(watched(connection))))
            }
        }
    }
}

async fn watched(connection: impl Future<Output = Result<(), tokio_postgres::Error>>) {
    if let Err(error) = connection.await {
        tracing::info!(
            causes = crate::cause::causes(&error),
            "a connection to the database ended"
        );
    }
}

/// The password is wrong, or the role may not log in.
fn is_login_refused(error: &tokio_postgres::Error) -> bool {
    [
        SqlState::INVALID_PASSWORD,
        SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
    ]
    .iter()
    .any(|code| error.code() == Some(code))
}

/// While connecting, an internal error is a wrong setting and no wrong statement.
fn not_opened(error: tokio_postgres::Error) -> Failure {
    match query_failure(error) {
        Failure::Internal(cause) => Failure::Refused(cause),
        failure => failure,
    }
}
