//! What a comparison measured, as bench.json has it.

use std::time::Duration;

use serde::Serialize;

use crate::cpu::Used;
use crate::figures::median;

/// What one round measured.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Round {
    pub(crate) per_second: f64,
    /// Absent where the client does not tell it.
    pub(crate) p50_ms: Option<f64>,
    pub(crate) p99_ms: Option<f64>,
    /// Processor time for each hold or payment, of the server's processes and of its clients.
    pub(crate) server_us: f64,
    pub(crate) client_us: f64,
}

impl Round {
    /// Of so many holds.
    pub(crate) fn of(holds: f64, per_second: f64, used: &Used) -> Self {
        Self {
            per_second,
            p50_ms: None,
            p99_ms: None,
            server_us: used.server.as_secs_f64() * 1e6 / holds,
            client_us: used.clients.as_secs_f64() * 1e6 / holds,
        }
    }

    pub(crate) fn with_waits(self, p50_ms: f64, p99_ms: f64) -> Self {
        Self {
            p50_ms: Some(p50_ms),
            p99_ms: Some(p99_ms),
            ..self
        }
    }

    /// Of how long each hold took.
    pub(crate) fn of_waits(mut waits: Vec<Duration>, used: &Used) -> Self {
        waits.sort_unstable();
        let at = |percent: usize| {
            let nth = waits.len().saturating_sub(1) * percent / 100;
            let wait = waits.get(nth);
            wait.map_or(f64::NAN, |wait| wait.as_secs_f64() * 1000.0)
        };
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52 holds")]
        let holds = waits.len() as f64;
        Self::of(holds, holds / used.seconds, used).with_waits(at(50), at(99))
    }
}

/// A contestant and its rounds.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// `holds` or `payments`.
    pub(crate) of: &'static str,
    pub(crate) rounds: Vec<Round>,
}

impl Row {
    pub(crate) fn median(&self, of: impl Fn(&Round) -> Option<f64>) -> Option<f64> {
        let values: Option<Vec<f64>> = self.rounds.iter().map(of).collect();
        values
            .filter(|values| !values.is_empty())
            .map(|values| median(&values))
    }

    pub(crate) fn rate(&self) -> f64 {
        self.median(|round| Some(round.per_second))
            .unwrap_or(f64::NAN)
    }
}

/// A comparison that must come out in a certain way.
#[derive(Debug, Serialize)]
pub(crate) struct Bar {
    pub(crate) claim: &'static str,
    /// Absent if a rival was not there.
    pub(crate) ratio: Option<f64>,
    pub(crate) least: Option<f64>,
    pub(crate) most: Option<f64>,
    pub(crate) reached: bool,
}

/// One run, as bench.json has it.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) made_at: String,
    pub(crate) processor: String,
    pub(crate) cores: usize,
    /// Processes that could run, before the run began, over a minute.
    pub(crate) load_before: String,
    pub(crate) postgresql: String,
    pub(crate) redis: Option<String>,
    pub(crate) commits: &'static str,
    pub(crate) seconds: u32,
    pub(crate) turns: u32,
    pub(crate) rows: Vec<Row>,
    pub(crate) bars: Vec<Bar>,
}

/// A bar in one line.
pub(crate) fn said(bar: &Bar) -> String {
    let ratio = bar
        .ratio
        .map_or("not measured".to_owned(), |ratio| format!("{ratio:.2}"));
    let bound = match (bar.least, bar.most) {
        (Some(least), _) => format!("at least {least}"),
        (None, Some(most)) => format!("at most {most}"),
        (None, None) => String::new(),
    };
    let reached = if bar.reached { "reached" } else { "MISSED" };
    format!("{}: {ratio} ({bound}): {reached}", bar.claim)
}
