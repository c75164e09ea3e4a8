//! Where the database is and how it is trusted, from the environment. One struct per concern; every
//! variable is documented.

use std::env;
use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::config::Host;

/// How long one attempt to connect may take. Too low and a database that is failing over is given
/// up too early; too high and the caller's 29 seconds at API Gateway are spent on one attempt.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long sent data may stay unacknowledged before the connection counts as dead: an environment
/// that was frozen finds a dead peer in this time, and not after the kernel's quarter of an hour.
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(5);
/// Connections per process when `DATABASE_POOL_SIZE` says nothing: a Lambda environment handles one
/// request at a time.
const POOL_SIZE_DEFAULT: usize = 1;
/// More than this per process is a mistake in the setting: PostgreSQL's own limit is a few hundred
/// for all processes.
const POOL_SIZE_MAX: usize = 64;

/// A setting that is missing or wrong: names the variable and says what to do.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A required variable is not set.
    #[error("{0} is not set: {1}")]
    Missing(&'static str, &'static str),
    /// A variable has a value that can't be used.
    #[error("{variable} can't be used: {reason}")]
    Invalid {
        /// The variable's name.
        variable: &'static str,
        /// What is wrong with it. Never the value: it may hold a password.
        reason: String,
    },
}

/// How the connection is protected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tls {
    /// TLS, with the server's certificate and name verified against these PEM certificates and no
    /// others.
    Verify {
        /// The file of the certificate authorities to trust.
        ca_file: PathBuf,
    },
    /// Plaintext: only to a socket folder or to loopback, and only when asked for.
    Off,
}

/// The database's address.
#[derive(Clone)]
pub struct DatabaseConfig {
    /// Host, user, password, database.
    pub postgres: tokio_postgres::Config,
    /// How the connection is protected.
    pub tls: Tls,
    /// Connections per process at most.
    pub pool_size: usize,
}

impl DatabaseConfig {
    /// Reads `DATABASE_URL`, `DATABASE_TLS` (`verify`, the default, or `off`), `DATABASE_CA_FILE`
    /// and `DATABASE_POOL_SIZE`.
    ///
    /// # Errors
    /// When one of them is missing or wrong.
    pub fn from_env(application_name: &str) -> Result<Self, ConfigError> {
        Self::parse(application_name, |name| env::var(name).ok())
    }

    /// As [`Self::from_env`], from any source of variables.
    ///
    /// # Errors
    /// When one of them is missing or wrong.
    pub fn parse(
        application_name: &str,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let url = variable("DATABASE_URL").ok_or(ConfigError::Missing(
            "DATABASE_URL",
            "postgresql://user:password@host/database",
        ))?;
        let mut postgres =
            url.parse::<tokio_postgres::Config>()
                .map_err(|error| ConfigError::Invalid {
                    variable: "DATABASE_URL",
                    reason: error.to_string(),
                })?;
        let tls = match variable("DATABASE_TLS").as_deref() {
            None | Some("verify") => Tls::Verify {
                ca_file: variable("DATABASE_CA_FILE").map(PathBuf::from).ok_or(
                    ConfigError::Missing(
                        "DATABASE_CA_FILE",
                        "the PEM file of the certificate authorities that the database's \
                         certificate is checked against",
                    ),
                )?,
            },
            Some("off") if stays_on_this_machine(&postgres) => Tls::Off,
            Some("off") => {
                return Err(ConfigError::Invalid {
                    variable: "DATABASE_TLS",
                    reason: "`off` is for a socket folder or a loopback address, and DATABASE_URL \
                             names another host"
                        .to_owned(),
                });
            }
            Some(other) => {
                return Err(ConfigError::Invalid {
                    variable: "DATABASE_TLS",
                    reason: format!("must be `verify` or `off`, got {other:?}"),
                });
            }
        };
        postgres
            .application_name(application_name)
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_user_timeout(TCP_USER_TIMEOUT)
            .ssl_mode(match tls {
                Tls::Verify { .. } => tokio_postgres::config::SslMode::Require,
                Tls::Off => tokio_postgres::config::SslMode::Disable,
            });
        let pool_size = match variable("DATABASE_POOL_SIZE") {
            None => POOL_SIZE_DEFAULT,
            Some(text) => text
                .parse()
                .ok()
                .filter(|size| (1..=POOL_SIZE_MAX).contains(size))
                .ok_or_else(|| ConfigError::Invalid {
                    variable: "DATABASE_POOL_SIZE",
                    reason: format!(
                        "must be a whole number from 1 to {POOL_SIZE_MAX}, got {text:?}"
                    ),
                })?,
        };
        Ok(Self {
            postgres,
            tls,
            pool_size,
        })
    }
}

/// Whether every host is a socket folder or loopback.
fn stays_on_this_machine(config: &tokio_postgres::Config) -> bool {
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
mod tests {
    use super::*;

    fn parse(variables: &[(&str, &str)]) -> Result<DatabaseConfig, ConfigError> {
        let variables: std::collections::HashMap<_, _> = variables.iter().copied().collect();
        DatabaseConfig::parse("test", |name| variables.get(name).map(ToString::to_string))
    }

    #[test]
    fn plaintext_never_leaves_the_machine() {
        for url in [
            "postgresql://u@127.0.0.1/d",
            "postgresql://u@localhost/d",
            "postgresql://u@%2Ftmp%2Fs/d",
        ] {
            assert_eq!(
                parse(&[("DATABASE_URL", url), ("DATABASE_TLS", "off")])
                    .unwrap()
                    .tls,
                Tls::Off
            );
        }
        for url in [
            "postgresql://u@db.example.com/d",
            "postgresql://u@127.0.0.1,db.example.com/d",
            "postgresql://u@localhost/d?hostaddr=10.0.0.1",
            "postgresql:///d?user=u",
        ] {
            let error = parse(&[("DATABASE_URL", url), ("DATABASE_TLS", "off")])
                .err()
                .unwrap();
            assert!(
                error.to_string().starts_with("DATABASE_TLS can't be used"),
                "{url}: {error}"
            );
        }
    }

    #[test]
    fn tls_is_verified_unless_it_is_switched_off() {
        let url = ("DATABASE_URL", "postgresql://u@127.0.0.1/d");
        let error = parse(&[url]).err().unwrap();
        assert!(
            error.to_string().starts_with("DATABASE_CA_FILE is not set"),
            "{error}"
        );
        let config = parse(&[url, ("DATABASE_CA_FILE", "/ca.pem")]).unwrap();
        assert_eq!(
            config.tls,
            Tls::Verify {
                ca_file: "/ca.pem".into()
            }
        );
    }

    #[test]
    fn a_wrong_setting_is_named_and_never_quoted_with_its_password() {
        let error = parse(&[("DATABASE_URL", "postgresql://u:hunter2@host:port/d")])
            .err()
            .unwrap();
        assert!(
            error.to_string().contains("DATABASE_URL") && !error.to_string().contains("hunter2")
        );
        assert!(
            parse(&[])
                .err()
                .unwrap()
                .to_string()
                .contains("DATABASE_URL is not set")
        );
    }
}
