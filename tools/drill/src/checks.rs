//! Each check reads the history of a run and lists its faults. The checks are pure functions, so a
//! test can show that each of them finds a fault.

pub(crate) mod answers;
pub(crate) mod money;
pub(crate) mod payments;
pub(crate) mod staff;
pub(crate) mod stock;

/// What one check looked at, and the faults that it found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Checked {
    /// The name of the promise or expectation.
    pub(crate) promise: &'static str,
    /// What was checked, in the plural.
    pub(crate) what: &'static str,
    pub(crate) count: usize,
    pub(crate) wrong: Vec<String>,
}

impl Checked {
    pub(crate) fn new(promise: &'static str, what: &'static str) -> Self {
        Self {
            promise,
            what,
            ..Self::default()
        }
    }

    pub(crate) fn check(&mut self, right: bool, wrong: impl FnOnce() -> String) {
        self.count += 1;
        if !right {
            self.wrong.push(wrong());
        }
    }
}
