//! The settings of a deployment, from the environment.

use std::env;
use std::time::Duration;

use cookie::Key;
use operations::config::ConfigError;
use operations::secret::{self, Rules, Secret};
use serde::Deserialize;
use url::Url;

/// A cookie that no key opens may come from a new key. So the secret is fetched again, but not more
/// often than this: anybody can send such a cookie.
const REFUSED_PAUSE: Duration = Duration::from_secs(10);
/// Characters of a cookie key: as many as 256 random bits have in base 64.
const KEY_CHARS_MIN: usize = 43;
/// Keys: the current one, and those before it.
const KEYS_MAX: usize = 3;

/// The settings.
pub struct Settings {
    /// The provider's issuer, as its tokens write it.
    pub issuer: String,
    pub client_id: String,
    /// Scopes besides `openid`.
    pub scopes: Vec<String>,
    /// The claim that lists a person's roles.
    pub roles_claim: String,
    /// The claim that lists the shops.
    pub shops_claim: String,
    /// Where browsers find the console, such as `https://desk.example.com`. `None`: at the host of
    /// the request.
    pub origin: Option<String>,
    pub secrets: Secret<Secrets>,
}

/// What nobody else may know.
pub struct Secrets {
    /// `None`: the provider knows the console as a public client. PKCE protects both kinds.
    pub(crate) client_secret: Option<String>,
    /// The keys of the cookies. The first one seals, all of them open.
    pub(crate) keys: Vec<Key>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    client_secret: Option<String>,
    cookie_keys: Vec<String>,
}

impl Settings {
    /// Reads `CONSOLE_ISSUER`, `CONSOLE_CLIENT_ID`, and `CONSOLE_SECRETS` or `CONSOLE_SECRETS_ARN`.
    /// Optional: `CONSOLE_SCOPES`, `CONSOLE_ROLES_CLAIM`, `CONSOLE_SHOPS_CLAIM`, `CONSOLE_ORIGIN`.
    ///
    /// # Errors
    /// When a variable is missing or invalid. The message never contains a secret.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::read(|name| env::var(name).ok().filter(|value| !value.is_empty()))
    }

    fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let text = |name, default: &str| variable(name).unwrap_or_else(|| default.to_owned());
        let issuer = variable("CONSOLE_ISSUER").ok_or(ConfigError::Missing(
            "CONSOLE_ISSUER",
            "the issuer of the OpenID Connect provider, such as https://login.example.com",
        ))?;
        checked_url("CONSOLE_ISSUER", &issuer)?;
        let origin = variable("CONSOLE_ORIGIN");
        if let Some(origin) = &origin {
            let url = checked_url("CONSOLE_ORIGIN", origin)?;
            if url.origin().ascii_serialization() != *origin {
                return Err(invalid("CONSOLE_ORIGIN", "must end after the host or port"));
            }
        }
        Ok(Self {
            issuer,
            client_id: variable("CONSOLE_CLIENT_ID").ok_or(ConfigError::Missing(
                "CONSOLE_CLIENT_ID",
                "the console's client id at the provider",
            ))?,
            scopes: text("CONSOLE_SCOPES", "profile email")
                .split([' ', ','])
                .filter(|scope| !scope.is_empty())
                .map(str::to_owned)
                .collect(),
            roles_claim: text("CONSOLE_ROLES_CLAIM", "roles"),
            shops_claim: text("CONSOLE_SHOPS_CLAIM", "shops"),
            origin,
            secrets: secrets(&variable)?,
        })
    }
}

fn secrets(variable: &impl Fn(&str) -> Option<String>) -> Result<Secret<Secrets>, ConfigError> {
    match (variable("CONSOLE_SECRETS"), variable("CONSOLE_SECRETS_ARN")) {
        (Some(text), None) => Ok(Secret::fixed(Secrets::parse(&text)?)),
        (None, Some(arn)) => {
            let rules = Rules {
                ttl: secret::ttl(variable)?,
                pause: REFUSED_PAUSE,
                try_pending: false,
            };
            let parse = |text: &str| Ok(Secrets::parse(text)?);
            Ok(Secret::kept(aws::store(&arn), rules, parse))
        }
        (None, None) => Err(ConfigError::Missing(
            "CONSOLE_SECRETS",
            r#"{"client_secret": "…", "cookie_keys": ["new", "old"]}; or CONSOLE_SECRETS_ARN"#,
        )),
        (Some(_), Some(_)) => Err(invalid(
            "CONSOLE_SECRETS",
            "CONSOLE_SECRETS_ARN is set, too: set only one of them",
        )),
    }
}

impl Secrets {
    /// Reads the JSON.
    ///
    /// # Errors
    /// When it is malformed, or a key is short. The message never contains a secret.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let invalid = |reason: &str| invalid("CONSOLE_SECRETS", reason);
        let written: Written = serde_json::from_str(text).map_err(|error| {
            // the parser quotes its input, which may be a secret
            let (line, column) = (error.line(), error.column());
            invalid(&format!("malformed (line {line}, column {column})"))
        })?;
        if !(1..=KEYS_MAX).contains(&written.cookie_keys.len()) {
            return Err(invalid("cookie_keys must have 1 to 3 keys"));
        }
        let is_short = |key: &String| key.chars().count() < KEY_CHARS_MIN;
        if written.cookie_keys.iter().any(is_short) {
            return Err(invalid(
                "a cookie key must have at least 43 random characters",
            ));
        }
        Ok(Self {
            client_secret: written.client_secret.filter(|secret| !secret.is_empty()),
            keys: written
                .cookie_keys
                .iter()
                .map(|key| Key::derive_from(key.as_bytes()))
                .collect(),
        })
    }
}

/// A URL with `https`, or of this machine.
fn checked_url(variable: &'static str, text: &str) -> Result<Url, ConfigError> {
    let url = Url::parse(text).map_err(|_| invalid(variable, "must be a URL"))?;
    let is_local = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_local => Ok(url),
        _ => Err(invalid(variable, "must begin with https://")),
    }
}

fn invalid(variable: &'static str, reason: &str) -> ConfigError {
    ConfigError::Invalid {
        variable,
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(changes: &[(&str, &str)]) -> Result<Settings, ConfigError> {
        let keys = format!(r#"{{"cookie_keys": ["{}"]}}"#, "k".repeat(43));
        let mut variables = vec![
            ("CONSOLE_ISSUER", "https://login.example.com/"),
            ("CONSOLE_CLIENT_ID", "console"),
            ("CONSOLE_SECRETS", keys.as_str()),
        ];
        variables.extend(changes);
        Settings::read(|name| {
            let found = variables.iter().rev().find(|(known, _)| *known == name);
            found
                .map(|(_, value)| (*value).to_owned())
                .filter(|value| !value.is_empty())
        })
    }

    #[test]
    fn the_names_of_claims_and_scopes_are_settings() {
        let settings = read(&[]).unwrap();
        assert_eq!(settings.roles_claim, "roles");
        assert_eq!(settings.scopes, ["profile", "email"]);
        let settings = read(&[
            ("CONSOLE_ROLES_CLAIM", "cognito:groups"),
            ("CONSOLE_SCOPES", "profile holdfast"),
        ]);
        let settings = settings.unwrap();
        assert_eq!(settings.roles_claim, "cognito:groups");
        assert_eq!(settings.scopes, ["profile", "holdfast"]);
    }

    #[test]
    fn a_wrong_setting_is_named_without_the_secret() {
        let short = r#"{"cookie_keys": ["hunter2"]}"#;
        for (variable, value) in [
            ("CONSOLE_ISSUER", ""),
            ("CONSOLE_ISSUER", "http://login.example.com"),
            ("CONSOLE_ISSUER", "login.example.com"),
            ("CONSOLE_CLIENT_ID", ""),
            ("CONSOLE_ORIGIN", "https://desk.example.com/console"),
            ("CONSOLE_SECRETS", ""),
            ("CONSOLE_SECRETS", "hunter2"),
            ("CONSOLE_SECRETS", short),
            ("CONSOLE_SECRETS", r#"{"cookie_keys": []}"#),
        ] {
            let error = read(&[(variable, value)]).err().unwrap().to_string();
            assert!(error.starts_with(variable), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
