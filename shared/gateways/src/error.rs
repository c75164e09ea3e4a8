//! Why a gateway did not answer.

use operations::payment::Gateway;
use operations::telemetry::{self, Metric};

/// Why there is no answer, in order of precedence. It contains no secret, and of the gateway's text
/// only its codes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GatewayError {
    #[error("the shop has no account at {0}")]
    NotConfigured(Gateway),
    #[error("{gateway} can't be asked for this: {reason}")]
    Unfit {
        /// Which gateway.
        gateway: Gateway,
        /// The part that does not fit.
        reason: &'static str,
    },
    #[error("no answer from {gateway}: {reason}")]
    Unavailable {
        /// Which gateway.
        gateway: Gateway,
        /// What happened.
        reason: &'static str,
    },
    #[error("{gateway} answered {status}: try again later")]
    Busy {
        /// Which gateway.
        gateway: Gateway,
        /// HTTP status.
        status: u16,
    },
    #[error("{0} does not take the credentials")]
    Unauthorized(Gateway),
    #[error("{0} knows nothing of it")]
    NotFound(Gateway),
    #[error("{gateway} refused: {status} {code}")]
    Refused {
        /// Which gateway.
        gateway: Gateway,
        /// HTTP status.
        status: u16,
        /// The gateway's code.
        code: String,
    },
    #[error("the answer of {gateway} can't be read: {reason}")]
    Unreadable {
        /// Which gateway.
        gateway: Gateway,
        /// The missing or invalid part.
        reason: String,
    },
}

impl GatewayError {
    /// Whether the same call may succeed later by itself.
    #[must_use]
    pub fn passes(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::Busy { .. })
    }

    /// Whether every other call of the same account would fail, too.
    #[must_use]
    pub fn is_of_account(&self) -> bool {
        self.passes() || matches!(self, Self::Unauthorized(_))
    }

    /// Counts the error in the metrics, unless the gateway refused only this order or refund.
    pub fn count(&self) {
        if self.is_of_account() || matches!(self, Self::Unreadable { .. }) {
            telemetry::count(Metric::GatewayFailures, 1);
        }
        if matches!(self, Self::Unauthorized(_)) {
            telemetry::count(Metric::GatewayCredentialsRefused, 1);
        }
    }
}
