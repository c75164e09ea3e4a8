//! Reads from the environment where the database is, how to log in, and which certificates to
//! trust.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use crate::config::{ConfigError, invalid};
use crate::login::{Address, Logins, Signer};
use crate::secret::{self, Rules, Secret, Store};

/// The time after which a connection with unacknowledged data counts as dead. A thawed environment
/// finds a dead peer in this time, not after the kernel's quarter of an hour.
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(5);
/// When and how often the kernel probes a silent peer while a call waits. If too low, it only costs
/// traffic. If too high, a call waits for a vanished server until its time ends.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(10);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(3);
const KEEPALIVE_TRIES: u32 = 3;
/// Time for one address of the server to accept. Connecting as a whole has its own limit in
/// [`crate::db`].
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Connections per process without `DATABASE_POOL_SIZE`: a Lambda environment handles one request
/// at a time.
const POOL_SIZE_DEFAULT: usize = 1;
/// A larger pool is a mistake: PostgreSQL's own limit is a few hundred connections for all
/// processes.
const POOL_SIZE_MAX: usize = 64;
/// The shortest time between two fetches of a refused login. It is shorter than a call's timeout,
/// so a call that began during a rotation succeeds.
const REFUSED_LOGIN_PAUSE: Duration = Duration::from_secs(1);

/// No variable says how to log in.
const NOBODY: ConfigError = ConfigError::Missing(
    "DATABASE_URL",
    "postgresql://user:password@host/database; or DATABASE_SECRET_ARN, the secret that holds it",
);

/// How the connection is protected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tls {
    /// TLS. The server's certificate and name are verified against these authorities only.
    Verify(Authorities),
    /// Plaintext, only to a socket folder or loopback, and only on request.
    Off,
}

/// The trusted authorities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authorities {
    /// The authorities of a PEM file.
    File(PathBuf),
    /// The compiled-in authorities of RDS and Amazon, of one region or of all.
    Rds {
        /// `AWS_REGION`.
        region: Option<String>,
    },
}

/// What the address of the database stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cluster {
    /// One server.
    None,
    /// The coordinator of a Citus cluster. Calls about a shop go to the node that owns it.
    Citus,
}

/// Keeps secrets and signs tokens. This crate knows no cloud, so others implement it.
pub trait Keeper {
    /// The store of the secret with this name.
    fn store(&self, arn: &str) -> Box<dyn Store>;
    /// The signer of tokens for the database.
    fn signer(&self) -> Box<dyn Signer>;
}

/// When an idle connection is checked or replaced. While an environment is frozen, it does not
/// notice that its connection ended.
#[derive(Debug, Clone, Copy)]
pub struct Idle {
    /// After this idle time a connection is checked before its next use. If too low, requests pay a
    /// needless round trip.
    pub ask_after: Duration,
    /// How long the check may take.
    pub answer_within: Duration,
    /// After this idle time a connection is replaced. Address translation and load balancers drop a
    /// silent connection after 350 seconds.
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

/// The settings of the connection.
#[derive(Clone)]
pub struct DatabaseConfig {
    /// Host, user, password, database.
    pub logins: Arc<Logins>,
    /// How the connection is protected.
    pub tls: Tls,
    /// Whether other servers have a part of it.
    pub cluster: Cluster,
    /// Connections per process at most; in a cluster, to each node.
    pub pool_size: usize,
    /// When an idle connection is checked or replaced.
    pub idle: Idle,
}

impl DatabaseConfig {
    /// Reads `DATABASE_URL`, `DATABASE_TLS` (`verify`, the default, or `off`), `DATABASE_CA`,
    /// `DATABASE_CA_FILE`, `DATABASE_CLUSTER` (`citus`, or not set) and `DATABASE_POOL_SIZE` from
    /// any source of variables.
    ///
    /// # Errors
    /// When one of them is missing or wrong.
    pub fn parse(
        application_name: &str,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        Self::parse_with(application_name, variable, None)
    }

    /// The same with a keeper of secrets: `DATABASE_SECRET_ARN` or `DATABASE_AUTH=iam` may replace
    /// the URL.
    ///
    /// # Errors
    /// When one of them is missing or wrong.
    pub fn parse_with(
        application_name: &str,
        variable: impl Fn(&str) -> Option<String>,
        keeper: Option<&dyn Keeper>,
    ) -> Result<Self, ConfigError> {
        // An empty variable counts as missing: a template cannot easily omit one.
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
        let cluster = parse_cluster(&variable)?;
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
            cluster,
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
            "DATABASE_CA_FILE is set, too: set only one of them",
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

fn parse_cluster(variable: &impl Fn(&str) -> Option<String>) -> Result<Cluster, ConfigError> {
    let refused = |reason| Err(invalid("DATABASE_CLUSTER", reason));
    match variable("DATABASE_CLUSTER").as_deref() {
        None => Ok(Cluster::None),
        Some("citus") if variable("DATABASE_AUTH").as_deref() == Some("iam") => {
            refused("`citus` and DATABASE_AUTH=iam exclude each other: RDS has no Citus".to_owned())
        }
        Some("citus") => Ok(Cluster::Citus),
        Some(other) => refused(format!("must be `citus` or not set, got {other:?}")),
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
            "only one of DATABASE_URL, DATABASE_SECRET_ARN and DATABASE_AUTH=iam may be set",
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

/// Adds the settings of every connection. Plaintext must stay on this machine.
pub(super) fn finished(
    mut config: Config,
    application_name: &str,
    tls: &Tls,
) -> Result<Config, &'static str> {
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
