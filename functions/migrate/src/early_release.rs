//! How the operations of this database flush after they have freed their row locks: what a
//! deployment wishes, and what is so afterwards (`early_release_decide`).

use operations::config::ConfigError;
use tokio_postgres::Transaction;
use tokio_postgres::types::Type;

/// What a deployment wishes. A migration without a wish keeps what is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EarlyRelease {
    /// What a person chose by `early_release_choose`; otherwise what suits the server. It ends the
    /// choice of an earlier deployment.
    Auto,
    /// A small message in the log.
    Message,
    /// A lock on a row that the operation has written.
    RowLock,
    /// No lock is freed early, so there is nothing to flush.
    Off,
}

impl EarlyRelease {
    const ALL: [Self; 4] = [Self::Auto, Self::Message, Self::RowLock, Self::Off];
    const VARIABLE: &str = "EARLY_RELEASE";

    fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Message => "message",
            Self::RowLock => "row-lock",
            Self::Off => "off",
        }
    }

    /// `EARLY_RELEASE`; no wish if it is not set.
    ///
    /// # Errors
    /// When it is none of the four words.
    pub fn from_environment() -> Result<Option<Self>, ConfigError> {
        let Ok(text) = std::env::var(Self::VARIABLE) else {
            return Ok(None);
        };
        text.parse()
            .map(Some)
            .map_err(|reason| ConfigError::Invalid {
                variable: Self::VARIABLE,
                reason,
            })
    }
}

impl std::str::FromStr for EarlyRelease {
    /// The reason why it is no wish.
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|way| way.name() == text);
        found.ok_or_else(|| format!("must be `auto`, `message`, `row-lock` or `off`, got {text:?}"))
    }
}

/// What the operations of this database do now.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct EarlyReleaseChoice {
    /// `message`, `row-lock` or `off`.
    pub way: String,
    /// The server that was found, or who chose.
    pub why: String,
}

impl std::fmt::Display for EarlyReleaseChoice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, because {}", self.way, self.why)
    }
}

/// Probes the server, and writes the choice into the routines of `transaction`.
pub(crate) async fn decide(
    transaction: &Transaction<'_>,
    wish: Option<EarlyRelease>,
) -> Result<EarlyReleaseChoice, tokio_postgres::Error> {
    let decide = "select o_way, o_why from holdfast.early_release_decide($1)";
    let row = transaction
        .query_typed_one(decide, &[(&wish.map(EarlyRelease::name), Type::TEXT)])
        .await?;
    Ok(EarlyReleaseChoice {
        way: row.get("o_way"),
        why: row.get("o_why"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_is_one_of_four_words() {
        for way in EarlyRelease::ALL {
            assert_eq!(way.name().parse::<EarlyRelease>().unwrap(), way);
        }
        assert_eq!(
            "rowlock".parse::<EarlyRelease>().unwrap_err(),
            "must be `auto`, `message`, `row-lock` or `off`, got \"rowlock\""
        );
    }
}
