//! Reads from the environment where the database is, how to log in, and which certificates to trust.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use crate::config::{ConfigError, invalid};
use crate::login::{Address, Logins, Signer};
use crate::secret::{self, Rules, Secret, Store};

/// How long sent data may stay unacknowledged before the connection counts as dead: an environment
/// that was frozen finds a dead peer in this time, and not after the kernel's quarter of an hour.
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(5);
/// How soon, and how often, the kernel asks a silent peer whether it is still there, while a call
/// waits for its answer. Too low is chatter; too high, and a server that vanished in the middle of
/// a call is waited for until the caller's time ends.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(10);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(3);
const KEEPALIVE_TRIES: u32 = 3;
/// How long one address of the server may take to accept. The whole of connecting has a limit of
/// its own in [`crate::db`].
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Connections per process when `DATABASE_POOL_SIZE` says nothing: a Lambda environment handles one
/// request at a time.
const POOL_SIZE_DEFAULT: usize = 1;
/// More than this per process is a mistake in the setting: PostgreSQL's own limit is a few hundred
/// for all processes.
const POOL_SIZE_MAX: usize = 64;
/// A login that is refused is looked for anew at most this often. Shorter than a call's timeout,
/// so that a call that began in the middle of a rotation ends well.
const REFUSED_LOGIN_PAUSE: Duration = Duration::from_secs(1);

/// Nothing says as whom to come to the database.
const NOBODY: ConfigError = ConfigError::Missing(
    "DATABASE_URL",
    "postgresql://user:password@host/database; or DATABASE_SECRET_ARN, the secret that holds it",
);

/// How the connection is protected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tls {
    /// TLS, with the server's certificate and name verified against these authorities and no
    /// others.
    Verify(Authorities),
    /// Plaintext: only to a socket folder or to loopback, and only when asked for.
    Off,
}

/// Whose certificates are trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authorities {
    /// Those of a PEM file.
    File(PathBuf),
    /// Those of RDS and Amazon, which are compiled in; of a region, or of all of them.
    Rds {
        /// `AWS_REGION`.
        region: Option<String>,
    },
}

/// Who keeps secrets and signs tokens: what this crate leaves to others.
pub trait Keeper {
    /// The secret with this name.
    fn store(&self, arn: &str) -> Box<dyn Store>;
    /// Tokens for the database.
    fn signer(&self) -> Box<dyn Signer>;
}

/// When a connection that nobody used is trusted no more. An environment is frozen between
/// requests, and what ended its connection meanwhile could not tell it.
#[derive(Debug, Clone, Copy)]
pub struct Idle {
    /// Unused for this long, it is asked whether it still works before it gets a request. Too low
    /// costs a round trip on requests that need none.
    pub ask_after: Duration,
    /// How long it may take to answer.
    pub answer_within: Duration,
    /// Unused for this long, it is not asked any more but replaced. Network address translation and
    /// load balancers forget a silent connection after 350 seconds.
    pub replace_after: Duration,
}

impl Default for Idle {
    fn default() -> Self {
        Self {
            ask_after: Duration::from_secs(5),
            answer_within: Duration::from_secs(1),
            replace_after: Duration::from_secs(300),
        }
    }
}

/// The way to the database.
#[derive(Clone)]
pub struct DatabaseConfig {
    /// Host, user, password, database.
    pub logins: Arc<Logins>,
    /// How the connection is protected.
    pub tls: Tls,
    /// Connections per process at most.
    pub pool_size: usize,
    /// When a connection is trusted no more.
    pub idle: Idle,
}

impl DatabaseConfig {
    /// Reads `DATABASE_URL`, `DATABASE_TLS` (`verify`, the default, or `off`), `DATABASE_CA`,
    /// `DATABASE_CA_FILE` and `DATABASE_POOL_SIZE` from any source of variables.
    ///
    /// # Errors
    /// When one of them is missing or wrong.
    pub fn parse(
        application_name: &str,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        Self::parse_with(application_name, variable, None)
    }

    /// As [`Self::parse`], where there is somebody who keeps secrets: then `DATABASE_SECRET_ARN`,
    /// or `DATABASE_AUTH=iam`, may stand instead of the URL.
    ///
    /// # Errors
    /// When one of them is missing or wrong.
    pub fn parse_with(
        application_name: &str,
        variable: impl Fn(&str) -> Option<String>,
        keeper: Option<&dyn Keeper>,
    ) -> Result<Self, ConfigError> {
        // A template can leave a variable empty more easily than out.
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let nobody = ["DATABASE_URL", "DATABASE_SECRET_ARN", "DATABASE_AUTH"]
            .iter()
            .all(|name| variable(name).is_none());
        if nobody {
            return Err(NOBODY);
        }
        let url = variable("DATABASE_URL").map(|url| url.parse::<Config>());
        let url = url
            .transpose()
            .map_err(|error| invalid("DATABASE_URL", error.to_string()))?;
        let tls = parse_tls(&variable)?;
        let logins = parse_logins(application_name, url, &variable, &tls, keeper)?;
        let pool_size = match variable("DATABASE_POOL_SIZE") {
            None => POOL_SIZE_DEFAULT,
            Some(text) => text
                .parse()
                .ok()
                .filter(|size| (1..=POOL_SIZE_MAX).contains(size))
                .ok_or_else(|| {
                    let reason =
                        format!("must be a whole number from 1 to {POOL_SIZE_MAX}, got {text:?}");
                    invalid("DATABASE_POOL_SIZE", reason)
                })?,
        };
        Ok(Self {
            logins: Arc::new(logins),
            tls,
            pool_size,
            idle: Idle::default(),
        })
    }
}

fn parse_tls(variable: &impl Fn(&str) -> Option<String>) -> Result<Tls, ConfigError> {
    let verify = || match (
        variable("DATABASE_CA").as_deref(),
        variable("DATABASE_CA_FILE"),
    ) {
        (None, Some(file)) => Ok(Authorities::File(file.into())),
        (Some("rds"), None) => Ok(Authorities::Rds {
            region: variable("AWS_REGION"),
        }),
        (None, None) => Err(ConfigError::Missing(
            "DATABASE_CA_FILE",
            "the PEM file of the certificate authorities that the database's certificate is \
             checked against; or DATABASE_CA=rds for RDS and Aurora",
        )),
        (Some("rds"), Some(_)) => Err(invalid(
            "DATABASE_CA",
            "DATABASE_CA_FILE is set too: one of them says whom to trust",
        )),
        (Some(other), _) => Err(invalid(
            "DATABASE_CA",
            format!("must be `rds` or not set, got {other:?}"),
        )),
    };
    match variable("DATABASE_TLS").as_deref() {
        None | Some("verify") => verify().map(Tls::Verify),
        Some("off") => Ok(Tls::Off),
        Some(other) => Err(invalid(
            "DATABASE_TLS",
            format!("must be `verify` or `off`, got {other:?}"),
        )),
    }
}

fn parse_logins(
    application_name: &str,
    url: Option<Config>,
    variable: &impl Fn(&str) -> Option<String>,
    tls: &Tls,
    keeper: Option<&dyn Keeper>,
) -> Result<Logins, ConfigError> {
    let finish = {
        let (name, tls) = (application_name.to_owned(), tls.clone());
        move |config: Config| finished(config, &name, &tls)
    };
    let arn = variable("DATABASE_SECRET_ARN");
    let auth = variable("DATABASE_AUTH");
    let iam = match auth.as_deref() {
        None | Some("password") => false,
        Some("iam") => true,
        Some(other) => {
            let reason = format!("must be `password` or `iam`, got {other:?}");
            return Err(invalid("DATABASE_AUTH", reason));
        }
    };
    match (url, arn, iam, keeper) {
        (Some(config), None, false, _) => {
            let config = finish(config).map_err(|reason| invalid("DATABASE_TLS", reason))?;
            Ok(Logins::Kept(Secret::fixed(config)))
        }
        (None, Some(arn), false, Some(keeper)) => {
            let address = parse_address(variable)?;
            let rules = Rules {
                ttl: secret::ttl(variable)?,
                pause: REFUSED_LOGIN_PAUSE,
                try_pending: true,
            };
            let parse = move |text: &str| {
                let unusable =
                    |cause| format!("the secret of DATABASE_SECRET_ARN can't be used: {cause}");
                let config = address.with_secret(text).map_err(unusable)?;
                finish(config)
                    .map_err(|reason| format!("DATABASE_TLS can't be used: {reason}").into())
            };
            let secret = Secret::kept(keeper.store(&arn), rules, parse);
            Ok(Logins::Kept(secret))
        }
        (None, None, true, Some(keeper)) => {
            if *tls == Tls::Off {
                let reason = "`off` and DATABASE_AUTH=iam exclude each other: a token needs TLS";
                return Err(invalid("DATABASE_TLS", reason));
            }
            let config = parse_address(variable)?
                .without_password()
                .map_err(|missing| ConfigError::Missing(missing, "DATABASE_AUTH=iam needs it"))?;
            let config = finish(config).map_err(|reason| invalid("DATABASE_TLS", reason))?;
            Ok(Logins::Signed {
                config: Box::new(config),
                signer: keeper.signer(),
            })
        }
        (None, None, false, _) => Err(NOBODY),
        (None, _, _, None) => Err(invalid(
            "DATABASE_SECRET_ARN",
            "this program fetches no secrets and signs no tokens: use DATABASE_URL",
        )),
        _ => Err(invalid(
            "DATABASE_URL",
            "only one of DATABASE_URL, DATABASE_SECRET_ARN and DATABASE_AUTH=iam may say who \
             comes to the database",
        )),
    }
}

fn parse_address(variable: &impl Fn(&str) -> Option<String>) -> Result<Address, ConfigError> {
    let port = variable("DATABASE_PORT")
        .map(|text| {
            let port = text.parse().ok().filter(|port| *port > 0);
            port.ok_or_else(|| {
                invalid(
                    "DATABASE_PORT",
                    format!("must be a port from 1 to 65535, got {text:?}"),
                )
            })
        })
        .transpose()?;
    Ok(Address {
        host: variable("DATABASE_HOST"),
        port,
        name: variable("DATABASE_NAME"),
        user: variable("DATABASE_USER"),
    })
}

/// What every connection has, whoever it is for. Plaintext stays on this machine.
fn finished(mut config: Config, application_name: &str, tls: &Tls) -> Result<Config, &'static str> {
    if *tls == Tls::Off && !stays_on_this_machine(&config) {
        return Err(
            "`off` is for a socket folder or a loopback address, and the database is elsewhere",
        );
    }
    config
        .application_name(application_name)
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_user_timeout(TCP_USER_TIMEOUT)
        .keepalives_idle(KEEPALIVE_IDLE)
        .keepalives_interval(KEEPALIVE_INTERVAL)
        .keepalives_retries(KEEPALIVE_TRIES)
        .ssl_mode(match tls {
            Tls::Verify(_) => SslMode::Require,
            Tls::Off => SslMode::Disable,
        });
    Ok(config)
}

/// Whether every host is a socket folder or loopback.
fn stays_on_this_machine(config: &Config) -> bool {
    let local = |host: &Host| match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost"
                || name
                    .parse::<std::net::IpAddr>()
                    .is_ok_and(|address| address.is_loopback())
        }
    };
    let addresses_local = config
        .get_hostaddrs()
        .iter()
        .all(std::net::IpAddr::is_loopback);
    !config.get_hosts().is_empty() && config.get_hosts().iter().all(local) && addresses_local
}

#[cfg(test)]
mod tests;
