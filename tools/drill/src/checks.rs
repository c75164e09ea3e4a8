//! Each check reads the history and lists what is wrong in it. Pure functions, so that each can be
//! shown to fail on a bad history.

mod answers;
mod endings;
mod payments;
mod staff;
mod stock;

pub(crate) use answers::{cart_whole_or_refused, contract_kept, prices_are_the_catalogues};
pub(crate) use answers::{refusables_refused, same_request_same_answer};
pub(crate) use endings::{every_capture_ends_once, nothing_is_left_over};
pub(crate) use endings::{refunds_add_up, sold_once};
pub(crate) use payments::{acknowledged_survives, payments_end_right, payments_only_rise};
pub(crate) use staff::no_deadlock;
pub(crate) use staff::{EDIT_TOOK_MAX, EDIT_TRIES_MAX, edits, edits_changed_what_was_seen};
pub(crate) use staff::{edits_never_starved, imports_end_as_reported, newest_holds_break_first};
pub(crate) use stock::{deadlines_by_server_clock, deducted_once, gone_exactly, never_oversold};
pub(crate) use stock::{nothing_leaks, refusals_were_true, stock_came_back};

/// What one check looked at, and what it found wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Checked {
    pub(crate) judged: usize,
    /// What was judged, in the plural.
    pub(crate) what: &'static str,
    pub(crate) wrong: Vec<String>,
}

impl Checked {
    fn new(what: &'static str) -> Self {
        Self {
            judged: 0,
            what,
            wrong: vec![],
        }
    }

    fn judge(&mut self, right: bool, wrong: impl FnOnce() -> String) {
        self.judged += 1;
        if !right {
            self.wrong.push(wrong());
        }
    }
}
