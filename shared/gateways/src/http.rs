//! One call of a gateway's API. It is tried again if a second try does no harm.

use std::time::Duration;

use operations::payment::Gateway;
use reqwest::{Client, RequestBuilder, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::GatewayError;

/// Bytes of an answer. The attempts to pay one order need far less.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Characters of a gateway's code that are kept.
const CODE_CHARS_MAX: usize = 60;

/// Time limits and tries of a call.
#[derive(Debug, Clone, Copy)]
pub struct CallLimits {
    /// To connect.
    pub connect: Duration,
    /// For a whole answer. If too low, a slow gateway gets a second call while it still works on
    /// the first.
    pub answer: Duration,
    /// Tries of a call that may be repeated.
    pub tries: u32,
    /// The pause before the second try. It doubles before each further one.
    pub pause: Duration,
}

impl CallLimits {
    /// Limits for a call that a shopper waits for.
    #[must_use]
    pub fn for_a_shopper() -> Self {
        Self {
            connect: Duration::from_secs(1),
            answer: Duration::from_secs(4),
            tries: 2,
            pause: Duration::from_millis(100),
        }
    }
}

impl Default for CallLimits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(2),
            answer: Duration::from_secs(5),
            tries: 3,
            pause: Duration::from_millis(200),
        }
    }
}

/// Calls one account's API.
pub(crate) struct Http {
    client: Client,
    gateway: Gateway,
    base_url: String,
    limits: CallLimits,
}

/// Gateways put their code at `error.code` or at `code`. Razorpay has few codes, and puts a reason
/// beside them.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ErrorBody {
    code: Option<String>,
    error: Option<InnerError>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct InnerError {
    code: Option<String>,
    r#type: Option<String>,
    reason: Option<String>,
}

impl ErrorBody {
    fn code(self) -> String {
        let inner = self.error.unwrap_or_default();
        let codes = [self.code, inner.code, inner.reason, inner.r#type];
        let code = codes.into_iter().flatten().collect::<Vec<_>>().join(" ");
        let fits = |c: &char| c.is_ascii_alphanumeric() || "_- ".contains(*c);
        code.chars().filter(fits).take(CODE_CHARS_MAX).collect()
    }
}

impl Http {
    pub(crate) fn new(
        client: Client,
        gateway: Gateway,
        base_url: String,
        limits: CallLimits,
    ) -> Self {
        Self {
            client,
            gateway,
            base_url,
            limits,
        }
    }

    pub(crate) fn tries(&self) -> u32 {
        self.limits.tries
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.base_url))
    }

    pub(crate) fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(format!("{}{path}", self.base_url))
    }

    pub(crate) fn patch(&self, path: &str) -> RequestBuilder {
        self.client.patch(format!("{}{path}", self.base_url))
    }

    /// Sends a call that may be repeated, and repeats it after an error that may pass.
    pub(crate) async fn repeatable<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
    ) -> Result<T, GatewayError> {
        self.repeat(request, GatewayError::passes).await
    }

    /// The same, but repeats only after these errors.
    pub(crate) async fn repeat<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
        after: impl Fn(&GatewayError) -> bool,
    ) -> Result<T, GatewayError> {
        let mut tried = 1;
        loop {
            let this_one = request.try_clone().ok_or(GatewayError::Unfit {
                gateway: self.gateway,
                reason: "its body can't be sent twice",
            })?;
            match self.once(this_one).await {
                Err(error) if after(&error) && tried < self.limits.tries => {
                    self.pause(tried).await;
                    tried += 1;
                }
                done => return done,
            }
        }
    }

    pub(crate) async fn pause(&self, tried: u32) {
        tokio::time::sleep(self.limits.pause * 2_u32.saturating_pow(tried.saturating_sub(1))).await;
    }

    /// Sends it once.
    pub(crate) async fn once<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
    ) -> Result<T, GatewayError> {
        let gateway = self.gateway;
        let cut = |error: &reqwest::Error| GatewayError::Unavailable {
            gateway,
            reason: if error.is_timeout() {
                "it took too long"
            } else if error.is_connect() {
                "it can't be reached"
            } else {
                "the connection was cut"
            },
        };
        let answer = request.send().await;
        let mut answer = answer.map_err(|error| cut(&error))?;
        let status = answer.status();
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| cut(&error))? {
            body.extend_from_slice(&chunk);
            if body.len() > ANSWER_BYTES_MAX {
                return Err(self.unreadable("it is too long"));
            }
        }
        if status.is_success() {
            return serde_json::from_slice(&body).map_err(|error| {
                let (line, column) = (error.line(), error.column());
                self.unreadable(&format!("line {line}, column {column}"))
            });
        }
        Err(self.refusal(status, &body))
    }

    fn refusal(&self, status: StatusCode, body: &[u8]) -> GatewayError {
        let gateway = self.gateway;
        let error: ErrorBody = serde_json::from_slice(body).unwrap_or_default();
        let number = status.as_u16();
        let busy = GatewayError::Busy {
            gateway,
            status: number,
        };
        match number {
            401 | 403 => GatewayError::Unauthorized(gateway),
            404 => GatewayError::NotFound(gateway),
            408 | 425 | 429 | 500.. => busy,
            // a call with the same idempotency key is still at work
            409 if gateway == Gateway::Stripe => busy,
            _ => GatewayError::Refused {
                gateway,
                status: number,
                code: error.code(),
            },
        }
    }

    pub(crate) fn unreadable(&self, reason: &str) -> GatewayError {
        GatewayError::Unreadable {
            gateway: self.gateway,
            reason: reason.to_owned(),
        }
    }
}

/// Whether the gateway refused with this status.
pub(crate) fn refused_with<T>(answer: &Result<T, GatewayError>, expected: u16) -> bool {
    matches!(answer, Err(GatewayError::Refused { status, .. }) if *status == expected)
}
