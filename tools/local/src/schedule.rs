//! The schedule, which EventBridge has on AWS: it calls the sweeper again and again.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio_util::sync::CancellationToken;

use crate::lambda::{ACCOUNT, Host, REGION};

/// Calls `function` every `period` until the stack stops. A running call delays the next one; on
/// AWS they would overlap, which the sweeper allows.
pub(crate) async fn every(
    period: Duration,
    function: &'static str,
    host: Arc<Host>,
    stopping: CancellationToken,
) {
    let mut ticks = tokio::time::interval(period);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while stopping.run_until_cancelled(ticks.tick()).await.is_some() {
        match host.invoke(function, event().to_string().into()).await {
            Ok(answer) => warn_of_violations(&answer),
            Err(_) if stopping.is_cancelled() => return,
            Err(error) => tracing::warn!("{function}: {error}"),
        }
    }
}

/// A scheduled event, with the fields that EventBridge sends.
fn event() -> serde_json::Value {
    json!({
        "version": "0",
        "id": uuid::Uuid::new_v4().to_string(),
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": ACCOUNT,
        "time": OffsetDateTime::now_utc().format(&Rfc3339).unwrap_or_default(),
        "region": REGION,
        "resources": [],
        "detail": {},
    })
}

/// On AWS a broken promise raises the sweeper's alarm; here the terminal is the alarm.
fn warn_of_violations(answer: &[u8]) {
    #[derive(Deserialize)]
    struct Report {
        #[serde(default)]
        violations: Vec<serde_json::Value>,
    }
    let Ok(report) = serde_json::from_slice::<Report>(answer) else {
        return;
    };
    for violation in report.violations {
        tracing::error!("PROMISE BROKEN: {violation}");
    }
}
