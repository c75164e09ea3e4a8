//! How a gateway misbehaves. Everything is off by default.

use serde::{Deserialize, Serialize};

/// The faults of one gateway.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// How its API is.
    pub api: Api,
    /// So many next calls of the API do nothing, and answer 500.
    pub failures: u32,
    /// So many next calls of the API that change something have their effect, and the connection
    /// is cut before their answer.
    pub answers_lost: u32,
    /// It closes no order: each stays open.
    pub unclosable: bool,
    /// How refunds end.
    pub refunds: Refunds,
    /// What happens to webhooks.
    pub webhooks: Webhooks,
}

/// How an API is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Api {
    /// It answers.
    #[default]
    Up,
    /// It answers 503.
    Down,
    /// It takes calls and never answers.
    Hanging,
    /// It answers 429.
    Busy,
}

/// How refunds end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refunds {
    /// They go through as soon as they are asked for.
    #[default]
    AtOnce,
    /// They stay pending until the control API says how they end.
    Later,
    /// They are taken on, and then fail.
    Fail,
}

/// What happens to webhooks on their way.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Webhooks {
    /// So many of a hundred never arrive, and are not sent again.
    pub lost_percent: u32,
    /// How many more times each is sent; each time it is signed anew.
    pub duplicates: u32,
    /// Duplicates come as events with other ids.
    pub fresh_ids: bool,
    /// Those that wait together leave in any order.
    pub shuffled: bool,
    /// They leave so much later.
    pub delay_ms: u64,
}
