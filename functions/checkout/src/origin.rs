//! What stands before an open storefront, such as CloudFront with a firewall. It sends a secret
//! with each call that it passes on. A call without the secret did not come through it, and is
//! refused: otherwise the API's own address would lead around the firewall.

use std::collections::BTreeMap;
use std::env;
use std::fmt;
use std::time::Duration;

use axum::http::HeaderMap;
use holdfast_http::Problem;
use holdfast_http::problem::UNAVAILABLE;
use operations::cause::causes;
use operations::config::ConfigError;
use operations::refusal::Kind;
use operations::secret::{self, Rules, Secret, Store};
use subtle::ConstantTimeEq as _;

/// The header with the secret.
const HEADER: &str = "x-holdfast-origin";
/// If no secret fits, there may be a new one. But anybody can send a wrong one.
const REFUSED_PAUSE: Duration = Duration::from_secs(10);
/// A shorter secret could be guessed. A longer one is no header that CloudFront sends.
const CHARS: std::ops::RangeInclusive<usize> = 32..=256;

/// The call did not come through what stands before the API.
pub const ORIGIN_REFUSED: Kind = Kind {
    status: 403,
    code: "origin_refused",
    title: "Not this way",
    detail: "This API takes calls only through the shop's own address.",
};

/// Whether calls must come through something else, and how it proves itself.
pub struct Origin(Option<Secret<Secrets>>);

/// The secret that is sent, and the one before it, which is still accepted.
struct Secrets(Vec<String>);

impl Origin {
    /// Every call is admitted.
    #[must_use]
    pub fn any() -> Self {
        Self(None)
    }

    /// Reads `ORIGIN_SECRET_ARN`, whose secret is fetched at the first call, or `ORIGIN_SECRET`:
    /// `{"current": "…", "previous": "…"}`. With neither, every call is admitted.
    ///
    /// # Errors
    /// When both are set, or the JSON is invalid. The message never contains a secret.
    pub fn from_env(store: impl Fn(&str) -> Box<dyn Store>) -> Result<Self, ConfigError> {
        let variable = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        match (variable("ORIGIN_SECRET"), variable("ORIGIN_SECRET_ARN")) {
            (None, None) => Ok(Self::any()),
            (Some(text), None) => {
                let secrets = Secrets::parse(&text).map_err(|reason| ConfigError::Invalid {
                    variable: "ORIGIN_SECRET",
                    reason,
                })?;
                Ok(Self(Some(Secret::fixed(secrets))))
            }
            (None, Some(arn)) => {
                let rules = Rules {
                    ttl: secret::ttl(variable)?,
                    pause: REFUSED_PAUSE,
                    try_pending: false,
                };
                Ok(Self::kept(store(&arn), rules))
            }
            (Some(_), Some(_)) => Err(ConfigError::Invalid {
                variable: "ORIGIN_SECRET",
                reason: "ORIGIN_SECRET_ARN is set, too: set only one of them".to_owned(),
            }),
        }
    }

    /// With a secret of any store.
    #[must_use]
    pub fn kept(store: Box<dyn Store>, rules: Rules) -> Self {
        let parse = |text: &str| Ok(Secrets::parse(text)?);
        Self(Some(Secret::kept(store, rules, parse)))
    }

    /// Admits a call with the secret. After a rotation the first call with a new one makes this
    /// process fetch it.
    ///
    /// # Errors
    /// 403 without the secret; 503 if it was never fetched and cannot be.
    pub async fn admit(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let Some(kept) = &self.0 else { return Ok(()) };
        let sent = headers
            .get(HEADER)
            .map_or(&b""[..], |value| value.as_bytes());
        let failed = |cause: operations::cause::Cause| {
            let causes = causes(&*cause);
            tracing::error!(causes, "the origin's secret could not be fetched");
            Problem::from(UNAVAILABLE)
        };
        let secrets = kept.value().await.map_err(failed)?;
        if secrets.include(sent) {
            return Ok(());
        }
        match kept.other_than(&secrets).await {
            Ok(Some(newer)) if newer.include(sent) => return Ok(()),
            Ok(_) => {}
            Err(cause) => {
                let causes = causes(&*cause);
                tracing::warn!(causes, "the origin's secret could not be fetched again");
            }
        }
        Err(ORIGIN_REFUSED.into())
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(if self.0.is_some() {
            "Origin(secret)"
        } else {
            "Origin(any)"
        })
    }
}

impl Secrets {
    /// The error never quotes the text.
    fn parse(text: &str) -> Result<Self, String> {
        let named: BTreeMap<String, String> = serde_json::from_str(text)
            .map_err(|_| r#"must be {"current": "…", "previous": "…"}"#.to_owned())?;
        let known = |name: &String| ["current", "previous"].contains(&name.as_str());
        if !named.keys().all(known) {
            return Err("may have only the fields current and previous".to_owned());
        }
        if !named.contains_key("current") {
            return Err("lacks current".to_owned());
        }
        for (name, secret) in &named {
            let plain = secret.bytes().all(|byte| byte.is_ascii_graphic());
            if !plain || !CHARS.contains(&secret.len()) {
                let (least, most) = (CHARS.start(), CHARS.end());
                return Err(format!(
                    "{name} must be {least} to {most} visible characters of ASCII"
                ));
            }
        }
        Ok(Self(named.into_values().collect()))
    }

    /// Takes the same time for every text of one length.
    fn include(&self, sent: &[u8]) -> bool {
        let same = |secret: &String| secret.as_bytes().ct_eq(sent);
        let mut any = subtle::Choice::from(0);
        for secret in &self.0 {
            any |= same(secret);
        }
        any.into()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use operations::secret::{Fetching, Version};

    use super::*;

    const FIRST: &str = "first-first-first-first-first-first";
    const SECOND: &str = "second-second-second-second-second";

    /// A store whose secret a test replaces.
    struct Vault(Arc<Mutex<Option<String>>>);

    impl Store for Vault {
        fn fetch(&self, _: Version) -> Fetching<'_> {
            let text = self.0.lock().unwrap().clone();
            Box::pin(async move { text.ok_or_else(|| "no answer".into()) })
        }
    }

    fn origin(text: Option<String>) -> (Origin, Arc<Mutex<Option<String>>>) {
        let kept = Arc::new(Mutex::new(text));
        let rules = Rules {
            ttl: Duration::from_secs(300),
            pause: Duration::ZERO,
            try_pending: false,
        };
        (
            Origin::kept(Box::new(Vault(Arc::clone(&kept))), rules),
            kept,
        )
    }

    async fn answered(origin: &Origin, secret: &str) -> u64 {
        let mut headers = HeaderMap::new();
        headers.insert(HEADER, secret.parse().unwrap());
        match origin.admit(&headers).await {
            Ok(()) => 200,
            Err(problem) => problem.body("r")["status"].as_u64().unwrap(),
        }
    }

    #[tokio::test]
    async fn a_call_without_the_secret_is_refused() {
        let (origin, _) = origin(Some(format!(r#"{{"current": "{FIRST}"}}"#)));
        assert!(origin.admit(&HeaderMap::new()).await.is_err());
        for (secret, status) in [
            (FIRST, 200),
            (SECOND, 403),
            ("", 403),
            (&FIRST[1..], 403),
            (&format!("{FIRST}x"), 403),
        ] {
            assert_eq!(answered(&origin, secret).await, status, "{secret}");
        }
        assert!(Origin::any().admit(&HeaderMap::new()).await.is_ok());
    }

    #[tokio::test]
    async fn a_rotation_refuses_neither_the_old_secret_nor_the_new_one() {
        let (origin, kept) = origin(Some(format!(r#"{{"current": "{FIRST}"}}"#)));
        assert_eq!(answered(&origin, FIRST).await, 200);
        let both = format!(r#"{{"current": "{SECOND}", "previous": "{FIRST}"}}"#);
        *kept.lock().unwrap() = Some(both);
        assert_eq!(answered(&origin, SECOND).await, 200);
        assert_eq!(answered(&origin, FIRST).await, 200);
    }

    #[tokio::test]
    async fn without_a_secret_nobody_is_admitted() {
        let (origin, _) = origin(None);
        assert_eq!(answered(&origin, FIRST).await, 503);
    }

    #[test]
    fn a_mistake_is_named_without_the_secret() {
        for (text, reason) in [
            ("hunter2", "must be {"),
            (r#"["hunter2"]"#, "must be {"),
            (r#"{"previous": "hunter2"}"#, "lacks current"),
            (r#"{"current": "hunter2"}"#, "current must be 32 to 256"),
            (
                r#"{"current": "hunter2 hunter2 hunter2 hunter2 h"}"#,
                "current must be",
            ),
            (r#"{"current": "x", "next": "hunter2"}"#, "may have only"),
        ] {
            let error = Secrets::parse(text).err().unwrap();
            assert!(error.starts_with(reason), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
