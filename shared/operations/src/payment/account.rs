//! A shop's account at a gateway, for its webhooks.

use serde_json::Value;

use super::Gateway;

/// Secrets of one gateway. Each is tried on every forged webhook.
pub const SECRETS_MAX: usize = 10;
/// The largest tolerance in seconds: a week.
const TOLERANCE_S_MAX: u64 = 604_800;
/// The members of an account in its object form.
const MEMBERS: [&str; 3] = ["secrets", "live", "tolerance_s"];

/// The secrets that sign a shop's webhooks at one gateway, and the rules for accepting them.
// No Debug: it must not be possible to log a secret by mistake.
pub struct Account {
    secrets: Vec<String>,
    live: bool,
    tolerance_s: Option<u32>,
}

impl Account {
    /// From JSON: a list of secrets, or `{"secrets": […], "live": true, "tolerance_s": 300}`.
    ///
    /// # Errors
    /// What is wrong. The message never quotes the JSON, which contains secrets.
    pub fn parse(gateway: Gateway, value: &Value) -> Result<Self, String> {
        let nothing = serde_json::Map::new();
        let (secrets, settings) = match value {
            Value::Array(_) => (Some(value), &nothing),
            Value::Object(members) => (members.get("secrets"), members),
            _ => return Err("is neither a list of secrets nor an object with them".to_owned()),
        };
        if settings
            .keys()
            .any(|name| !MEMBERS.contains(&name.as_str()))
        {
            return Err(format!("has members other than {}", MEMBERS.join(", ")));
        }
        let adapter = gateway.adapter();
        let live = match settings.get("live") {
            None => true,
            Some(_) if !adapter.tells_mode() => {
                return Err("has live, but its webhooks do not say their mode".to_owned());
            }
            Some(value) => value.as_bool().ok_or("live is neither true nor false")?,
        };
        let tolerance_s = match settings.get("tolerance_s") {
            None => adapter.tolerance_s_default(),
            Some(_) if adapter.tolerance_s_default().is_none() => {
                return Err("has tolerance_s, but its webhooks have no signed time".to_owned());
            }
            Some(value) => {
                let seconds = value.as_u64().filter(|s| (1..=TOLERANCE_S_MAX).contains(s));
                let seconds = seconds.and_then(|seconds| u32::try_from(seconds).ok());
                Some(seconds.ok_or("tolerance_s is not a whole number from 1 to 604800")?)
            }
        };
        Ok(Self {
            secrets: Self::list(secrets)?,
            live,
            tolerance_s,
        })
    }

    fn list(secrets: Option<&Value>) -> Result<Vec<String>, String> {
        let secrets = secrets.and_then(Value::as_array).ok_or("has no secrets")?;
        let secrets: Vec<String> = secrets
            .iter()
            .map(|secret| secret.as_str().filter(|text| !text.is_empty()))
            .map(|secret| secret.map(str::to_owned))
            .collect::<Option<_>>()
            .ok_or("a secret is empty or no text")?;
        if secrets.is_empty() || secrets.len() > SECRETS_MAX {
            return Err(format!("must have 1 to {SECRETS_MAX} secrets"));
        }
        Ok(secrets)
    }

    /// The secrets. There may be several, because after a rotation the previous one still signs.
    pub(super) fn secrets(&self) -> &[String] {
        &self.secrets
    }

    /// Whether it accepts live webhooks, or those of the test mode.
    pub(super) fn live(&self) -> bool {
        self.live
    }

    /// The largest age of a signed time.
    pub(super) fn tolerance_s(&self) -> u32 {
        self.tolerance_s.unwrap_or(0)
    }
}
