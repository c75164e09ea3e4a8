//! A secret in a store. It is fetched at the first use, cached for a time, and fetched again when
//! it is refused. So a rotation needs no deployment, and a process with a cached secret survives an
//! outage of the store.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use crate::cause::{Cause, causes};
use crate::clock::Reading;
use crate::config::ConfigError;

/// How long a fetched secret is used without `SECRET_TTL_S`. If too low, the store gets many calls.
/// If too high, a replaced secret stays in use for longer. (A login that PostgreSQL refuses is
/// replaced at once.)
const TTL_DEFAULT: Duration = Duration::from_secs(300);
/// A day. A longer time is a mistake.
const TTL_MAX_S: u64 = 86_400;

/// The answer of a store.
pub type Fetching<'a> = Pin<Box<dyn Future<Output = Result<String, Cause>> + Send + 'a>>;

/// A version of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// The current version.
    Current,
    /// The version that a rotation has made. The database may know it shortly before the store
    /// calls it current.
    Pending,
}

/// The store of one secret.
pub trait Store: Send + Sync {
    /// Its text. An error never contains it.
    fn fetch(&self, version: Version) -> Fetching<'_>;
}

/// The rules for fetching a secret again.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// The age at which it is fetched again.
    pub ttl: Duration,
    /// The shortest time between two fetches.
    pub pause: Duration,
    /// Whether the pending version is tried when the current one is refused.
    pub try_pending: bool,
}

/// Reads `SECRET_TTL_S`.
///
/// # Errors
/// When it is no number of seconds up to a day.
pub fn ttl(variable: impl Fn(&str) -> Option<String>) -> Result<Duration, ConfigError> {
    let Some(text) = variable("SECRET_TTL_S") else {
        return Ok(TTL_DEFAULT);
    };
    let seconds = text.parse().ok().filter(|s| (1..=TTL_MAX_S).contains(s));
    seconds
        .map(Duration::from_secs)
        .ok_or_else(|| ConfigError::Invalid {
            variable: "SECRET_TTL_S",
            reason: format!("must be a whole number of seconds from 1 to {TTL_MAX_S}"),
        })
}

type Parse<T> = Box<dyn Fn(&str) -> Result<T, Cause> + Send + Sync>;

/// A secret, parsed as `T`.
pub struct Secret<T> {
    source: Source<T>,
}

enum Source<T> {
    Fixed(Arc<T>),
    Kept {
        store: Box<dyn Store>,
        rules: Rules,
        parse: Parse<T>,
        // Locked during a fetch, so many requests at once cause one fetch.
        kept: Mutex<Kept<T>>,
    },
}

struct Kept<T> {
    fetched: Option<Fetched<T>>,
    asked_at: Option<Reading>,
}

struct Fetched<T> {
    text: String,
    value: Arc<T>,
    at: Reading,
}

impl<T> Secret<T> {
    /// A secret that never changes.
    pub fn fixed(value: T) -> Self {
        Self {
            source: Source::Fixed(Arc::new(value)),
        }
    }

    /// A secret in a store. Nothing is fetched yet. The errors of `parse` must not contain the
    /// text.
    pub fn kept(
        store: Box<dyn Store>,
        rules: Rules,
        parse: impl Fn(&str) -> Result<T, Cause> + Send + Sync + 'static,
    ) -> Self {
        let kept = Mutex::new(Kept {
            fetched: None,
            asked_at: None,
        });
        Self {
            source: Source::Kept {
                store,
                rules,
                parse: Box::new(parse),
                kept,
            },
        }
    }

    /// Whether it may change later.
    #[must_use]
    pub fn may_change(&self) -> bool {
        matches!(self.source, Source::Kept { .. })
    }

    /// The secret. If it is too old and cannot be fetched, the old one stays in use.
    ///
    /// # Errors
    /// When it was never fetched, and can't be now.
    pub async fn value(&self) -> Result<Arc<T>, Cause> {
        let (store, rules, parse, kept) = match &self.source {
            Source::Fixed(value) => return Ok(Arc::clone(value)),
            Source::Kept {
                store,
                rules,
                parse,
                kept,
            } => (store, rules, parse, kept),
        };
        let mut kept = kept.lock().await;
        let too_old = |fetched: &Fetched<T>| fetched.at.elapsed() >= rules.ttl;
        let asks = match &kept.fetched {
            None => true,
            Some(fetched) => too_old(fetched) && kept.may_ask(rules.pause),
        };
        if asks {
            let asked = kept.ask(&**store, parse, Version::Current).await;
            match (asked, &kept.fetched) {
                (Ok(_), _) => {}
                (Err(cause), None) => return Err(cause),
                (Err(cause), Some(_)) => {
                    tracing::warn!(
                        causes = causes(&*cause),
                        "a secret could not be fetched again; the previous one is still used"
                    );
                }
            }
        }
        match &kept.fetched {
            Some(fetched) => Ok(Arc::clone(&fetched.value)),
            None => Err("the secret was not fetched".into()),
        }
    }

    /// A secret other than the refused one, if there is one: already fetched by another request, or
    /// new in the store.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn other_than(&self, refused: &Arc<T>) -> Result<Option<Arc<T>>, Cause> {
        let Source::Kept {
            store,
            rules,
            parse,
            kept,
        } = &self.source
        else {
            return Ok(None);
        };
        let mut kept = kept.lock().await;
        if let Some(other) = kept.value_other_than(refused) {
            return Ok(Some(other));
        }
        if !kept.may_ask(rules.pause) {
            return Ok(None);
        }
        kept.ask(&**store, parse, Version::Current).await?;
        let other = kept.value_other_than(refused);
        if other.is_some() || !rules.try_pending {
            return Ok(other);
        }
        // Most of the time no rotation is under way, and there is no pending version.
        if let Err(cause) = kept.ask(&**store, parse, Version::Pending).await {
            tracing::debug!(causes = causes(&*cause), "no pending version of the secret");
        }
        Ok(kept.value_other_than(refused))
    }
}

impl<T> Kept<T> {
    fn may_ask(&self, pause: Duration) -> bool {
        self.asked_at.is_none_or(|at| at.elapsed() >= pause)
    }

    fn value_other_than(&self, refused: &Arc<T>) -> Option<Arc<T>> {
        let fetched = self.fetched.as_ref()?;
        (!Arc::ptr_eq(&fetched.value, refused)).then(|| Arc::clone(&fetched.value))
    }

    /// Fetches the secret and caches it if it can be parsed. An unchanged text keeps its value.
    async fn ask(
        &mut self,
        store: &dyn Store,
        parse: &Parse<T>,
        version: Version,
    ) -> Result<(), Cause> {
        self.asked_at = Some(Reading::now());
        let text = store.fetch(version).await?;
        let at = Reading::now();
        match &mut self.fetched {
            Some(fetched) if fetched.text == text => fetched.at = at,
            fetched => {
                let value = Arc::new(parse(&text)?);
                *fetched = Some(Fetched { text, value, at });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
