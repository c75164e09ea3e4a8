//! The schedule: EventBridge's part, which calls the sweeper again and again.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::task::JoinHandle;

use crate::lambda::{ACCOUNT, Host, REGION};
use crate::stopping::Stopping;

/// Calls `function` every `period` until the stack stops. A call that is still running delays
/// the next one: on AWS they would overlap, which the sweeper allows but a laptop need not.
pub(crate) fn every(
    period: Duration,
    function: &'static str,
    host: Arc<Host>,
    mut stopping: Stopping,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(period);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = stopping.wait() => return,
            }
            match host
                .invoke(function, event().to_string().into_bytes())
                .await
            {
                Ok(answer) => warn_of_violations(&answer),
                Err(_) if stopping.is_set() => return,
                Err(error) => tracing::warn!("{function}: {error}"),
            }
        }
    })
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

/// A broken promise is what the sweeper's alarm is for; here the terminal is the alarm.
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
