//! The login at the database: a URL, a fetched secret, or a token that is signed for each
//! connection.

use std::sync::Arc;

use serde::Deserialize;
use tokio_postgres::Config;
use tokio_postgres::config::Host;

use crate::cause::Cause;
use crate::secret::{Fetching, Secret};

/// Signs tokens that the database accepts as passwords.
pub trait Signer: Send + Sync {
    /// A token for this user at this server. An error never contains it.
    fn token<'a>(&'a self, host: &'a str, port: u16, user: &'a str) -> Fetching<'a>;
}

/// The source of a connection's address, user and password.
pub enum Logins {
    /// From a URL or a secret.
    Kept(Secret<Config>),
    /// The password is a token, a new one for each connection.
    Signed {
        /// Everything but the password.
        config: Box<Config>,
        /// The signer.
        signer: Box<dyn Signer>,
    },
}

impl Logins {
    /// The login for a new connection.
    pub(crate) async fn login(&self) -> Result<Arc<Config>, Cause> {
        match self {
            Self::Kept(secret) => secret.value().await,
            Self::Signed { config, signer } => {
                let host = match config.get_hosts() {
                    [Host::Tcp(host)] => host,
                    _ => return Err("a token is for one host that is reached by TCP".into()),
                };
                let port = config.get_ports().first().copied().unwrap_or(PORT_DEFAULT);
                let user = config.get_user().unwrap_or_default();
                let token = signer.token(host, port, user).await?;
                let mut config = Config::clone(config);
                config.password(token);
                Ok(Arc::new(config))
            }
        }
    }

    /// A login other than the refused one, if there is one.
    pub(crate) async fn other_than(
        &self,
        refused: &Arc<Config>,
    ) -> Result<Option<Arc<Config>>, Cause> {
        match self {
            Self::Kept(secret) => secret.other_than(refused).await,
            Self::Signed { .. } => Ok(None),
        }
    }

    /// Whether a refused login may soon be replaced.
    pub(crate) fn may_change(&self) -> bool {
        match self {
            Self::Kept(secret) => secret.may_change(),
            Self::Signed { .. } => true,
        }
    }
}

/// PostgreSQL's default port.
pub const PORT_DEFAULT: u16 = 5432;

/// The address in the environment. It replaces the address in a secret.
#[derive(Debug, Clone, Default)]
pub struct Address {
    /// `DATABASE_HOST`.
    pub host: Option<String>,
    /// `DATABASE_PORT`.
    pub port: Option<u16>,
    /// `DATABASE_NAME`.
    pub name: Option<String>,
    /// `DATABASE_USER`.
    pub user: Option<String>,
}

/// A secret in RDS's form. Its other fields (engine, identifiers) are not needed.
#[derive(Deserialize, Default)]
struct Members {
    username: Option<String>,
    password: Option<String>,
    host: Option<String>,
    port: Option<Port>,
    dbname: Option<String>,
}

/// Rotation functions write either name.
#[derive(Deserialize)]
#[serde(untagged)]
enum Port {
    Number(u16),
    Text(String),
}

impl Address {
    /// The login in a secret's text: RDS's JSON, or a database URL. The environment's address
    /// replaces the secret's.
    ///
    /// # Errors
    /// When it is neither, or something is missing in both. Never holds the text.
    pub fn with_secret(&self, text: &str) -> Result<Config, Cause> {
        let text = text.trim();
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return self.over_url(text);
        }
        // the parser quotes its input, which may be a password
        let members: Members = serde_json::from_str(text).map_err(|error| {
            format!(
                "it is neither a database URL nor JSON with username and password \
                 (line {}, column {})",
                error.line(),
                error.column()
            )
        })?;
        let port = match members.port {
            None => None,
            Some(Port::Number(port)) => Some(port),
            Some(Port::Text(text)) => {
                Some(text.parse().map_err(|_| "its port is not a port number")?)
            }
        };
        let missing = |member: &str, variable: &str| {
            format!("it has no member {member}, and {variable} is not set")
        };
        let host = self.host.clone().or(members.host);
        let user = self.user.clone().or(members.username);
        let name = self.name.clone().or(members.dbname);
        let mut config = Config::new();
        config
            .host(host.ok_or_else(|| missing("host", "DATABASE_HOST"))?)
            .port(self.port.or(port).unwrap_or(PORT_DEFAULT))
            .user(user.ok_or_else(|| missing("username", "DATABASE_USER"))?)
            .dbname(name.ok_or_else(|| missing("dbname", "DATABASE_NAME"))?)
            .password(members.password.ok_or("it has no member password")?);
        Ok(config)
    }

    fn over_url(&self, url: &str) -> Result<Config, Cause> {
        let told: Config = url.parse().map_err(|_| "its database URL can't be read")?;
        if self.host.is_none() && self.port.is_none() {
            let mut config = told;
            self.name.as_ref().map(|name| config.dbname(name));
            self.user.as_ref().map(|user| config.user(user));
            return Ok(config);
        }
        // A config's host can only be added to, so the rest moves to a new config.
        let mut config = Config::new();
        match (&self.host, told.get_hosts()) {
            (Some(host), _) => config.host(host),
            (None, [Host::Tcp(host)]) => config.host(host),
            (None, _) => return Err("DATABASE_PORT is for a secret with one host".into()),
        };
        let port = self.port.or_else(|| told.get_ports().first().copied());
        config.port(port.unwrap_or(PORT_DEFAULT));
        let or_told = |own: &Option<String>, told: Option<&str>| {
            own.clone().or_else(|| told.map(ToOwned::to_owned))
        };
        or_told(&self.user, told.get_user()).map(|user| config.user(user));
        or_told(&self.name, told.get_dbname()).map(|name| config.dbname(name));
        told.get_options().map(|options| config.options(options));
        told.get_password()
            .map(|password| config.password(password));
        Ok(config)
    }

    /// Everything but the password, for tokens.
    ///
    /// # Errors
    /// The variable that is missing.
    pub fn without_password(&self) -> Result<Config, &'static str> {
        let mut config = Config::new();
        config
            .host(self.host.as_ref().ok_or("DATABASE_HOST")?)
            .port(self.port.unwrap_or(PORT_DEFAULT))
            .dbname(self.name.as_ref().ok_or("DATABASE_NAME")?)
            .user(self.user.as_ref().ok_or("DATABASE_USER")?);
        Ok(config)
    }
}

#[cfg(test)]
mod tests;
