//! Why a gateway gave no answer.

use operations::payment::Gateway;
use operations::telemetry::{self, Metric};

/// Why there is no answer. In order of precedence. Holds nothing secret, and no word of what a
/// gateway wrote but its codes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GatewayError {
    /// The shop has no account there.
    #[error("the shop has no account at {0}")]
    NotConfigured(Gateway),
    /// The gateway can't do this with such an order: its amount, its currency, its id.
    #[error("{gateway} can't be asked for this: {reason}")]
    Unfit {
        /// Which gateway.
        gateway: Gateway,
        /// What does not fit.
        reason: &'static str,
    },
    /// No answer came in time, or it was cut: what was asked for may have happened.
    #[error("no answer from {gateway}: {reason}")]
    Unavailable {
        /// Which gateway.
        gateway: Gateway,
        /// What happened.
        reason: &'static str,
    },
    /// It answered that it can't answer now.
    #[error("{gateway} answered {status}: try again later")]
    Busy {
        /// Which gateway.
        gateway: Gateway,
        /// HTTP status.
        status: u16,
    },
    /// It does not take the credentials.
    #[error("{0} does not take the credentials")]
    Unauthorized(Gateway),
    /// It does not know what the question is about.
    #[error("{0} knows nothing of it")]
    NotFound(Gateway),
    /// It refused.
    #[error("{gateway} refused: {status} {code}")]
    Refused {
        /// Which gateway.
        gateway: Gateway,
        /// HTTP status.
        status: u16,
        /// The gateway's code.
        code: String,
    },
    /// Its answer lacks what an answer must have.
    #[error("the answer of {gateway} can't be read: {reason}")]
    Unreadable {
        /// Which gateway.
        gateway: Gateway,
        /// What is wrong with it.
        reason: String,
    },
}

impl GatewayError {
    /// Whether the same call may succeed later without anybody doing anything.
    #[must_use]
    pub fn passes(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::Busy { .. })
    }

    /// Whether any other call of the same account would fail, too.
    #[must_use]
    pub fn is_of_account(&self) -> bool {
        self.passes() || matches!(self, Self::Unauthorized(_))
    }

    /// Counts it, unless the gateway only refused this one order or refund.
    pub fn count(&self) {
        if self.is_of_account() || matches!(self, Self::Unreadable { .. }) {
            telemetry::count(Metric::GatewayFailures, 1);
        }
        if matches!(self, Self::Unauthorized(_)) {
            telemetry::count(Metric::GatewayCredentialsRefused, 1);
        }
    }
}
