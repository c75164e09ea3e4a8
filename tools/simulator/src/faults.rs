//! The faults of a gateway. All are off by default.

use serde::{Deserialize, Serialize};

/// The faults of one gateway.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Whether the API answers.
    pub api: Api,
    /// This many of the next calls do nothing and answer 500.
    pub failures: u32,
    /// This many of the next changing calls take effect, but the connection is cut before the
    /// answer.
    pub answers_lost: u32,
    /// Orders stay open when the shop closes them.
    pub unclosable: bool,
    /// How refunds end.
    pub refunds: Refunds,
    /// What happens to webhooks.
    pub webhooks: Webhooks,
}

/// Whether an API answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Api {
    /// It works.
    #[default]
    Up,
    /// It answers 503.
    Down,
    /// It accepts calls and never answers.
    Hanging,
    /// It answers 429.
    Busy,
}

/// How refunds end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refunds {
    /// They settle at once.
    #[default]
    AtOnce,
    /// They stay pending until the control API ends them.
    Later,
    /// They are accepted and then fail.
    Fail,
}

/// What happens to webhooks on their way.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Webhooks {
    /// This percentage never arrives and is not sent again.
    pub lost_percent: u32,
    /// The number of additional copies. Each is signed anew.
    pub duplicates: u32,
    /// Each copy has another event id.
    pub fresh_ids: bool,
    /// Webhooks that wait together leave in random order.
    pub shuffled: bool,
    /// Webhooks leave this much later.
    pub delay_ms: u64,
}
