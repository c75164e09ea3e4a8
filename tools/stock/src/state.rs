//! The state of an import, as the API reports it.

use serde::Deserialize;

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct State {
    pub(crate) status: String,
    pub(crate) rows: u64,
    #[serde(default)]
    pub(crate) parts: u32,
    #[serde(default = "first")]
    pub(crate) next_part: u32,
    pub(crate) created: u64,
    pub(crate) changed: u64,
    pub(crate) unchanged: u64,
    pub(crate) refused: u64,
    #[serde(default)]
    pub(crate) done: bool,
}

fn first() -> u32 {
    1
}

impl State {
    /// No more parts are accepted.
    pub(crate) fn is_closed(&self) -> bool {
        self.is_complete() || self.status == "applying"
    }

    pub(crate) fn is_complete(&self) -> bool {
        ["done", "rejected"].contains(&self.status.as_str())
    }
}
