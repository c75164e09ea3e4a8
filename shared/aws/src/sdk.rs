//! The SDK's settings, made once in a process at the first use.

use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use tokio::sync::OnceCell;

/// Time for one secret, tries included. Connecting has 4 seconds for all of it.
const TIMEOUT: Duration = Duration::from_millis(2500);
/// Time for one try.
const TRY_TIMEOUT: Duration = Duration::from_millis(1200);

/// Region and credentials, from where every AWS SDK reads them.
pub(crate) async fn config() -> &'static SdkConfig {
    static CONFIG: OnceCell<SdkConfig> = OnceCell::const_new();
    CONFIG
        .get_or_init(async || {
            // ring in place of the default provider: no C library to build, and a smaller binary
            let http = Builder::new()
                .tls_provider(Provider::Rustls(CryptoMode::Ring))
                .build_https();
            let timeouts = TimeoutConfig::builder()
                .operation_timeout(TIMEOUT)
                .operation_attempt_timeout(TRY_TIMEOUT)
                .build();
            aws_config::defaults(BehaviorVersion::latest())
                .http_client(http)
                .timeout_config(timeouts)
                .load()
                .await
        })
        .await
}
