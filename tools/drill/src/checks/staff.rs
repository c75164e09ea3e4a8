//! Checks of the work of staff in a mixed run.

use std::time::Duration;

use super::Checked;
use crate::history::{ActionEnd, Edit, History, Work};

/// The sale has starved an edit that needed more tries than this.
pub(crate) const EDIT_TRIES_MAX: u32 = 100;
/// Or longer than this.
pub(crate) const EDIT_TOOK_MAX: Duration = Duration::from_secs(30);

pub(crate) fn edits(history: &History) -> impl Iterator<Item = (&ActionEnd, &Edit)> {
    history.actions().filter_map(|action| match &action.work {
        Work::Edit(edit) => Some((&action.end, edit)),
        _ => None,
    })
}

/// Promise 9. An edit that went through changed the stock level that its clerk had seen: the very
/// next version, by the very difference.
pub(crate) fn edits_changed_the_seen_level(history: &History) -> Checked {
    let mut checked = Checked::new("a_stale_edit_is_refused", "edits with a version");
    for (_, edit) in edits(history).filter(|(end, _)| **end == ActionEnd::Done) {
        let (version, delta) = (edit.expected_version, edit.delta);
        let expected = (delta != 0).then_some((version + 1, delta));
        checked.check(edit.movement == expected, || {
            let done = edit.movement;
            format!("an edit by {delta} of version {version} was done as {done:?}")
        });
    }
    checked
}

/// Promise 9. The database refuses a hand-written edit without version and ledger.
pub(crate) fn edit_by_hand_refused(history: &History) -> Checked {
    let mut checked = Checked::new("a_stale_edit_is_refused", "edits by hand");
    let database = history.database.as_ref();
    if let Some(refused) = database.and_then(|database| database.stale_edit_refused) {
        checked.check(refused, || {
            "an update of on_hand without version and ledger went through".to_owned()
        });
    }
    checked
}

/// An edit succeeds, however hot the sku is.
pub(crate) fn edits_never_starved(history: &History) -> Checked {
    let mut checked = Checked::new("edits_are_never_starved", "edits");
    for (end, edit) in edits(history) {
        let ended = matches!(end, ActionEnd::Done | ActionEnd::Refused);
        let soon = edit.tries <= EDIT_TRIES_MAX && edit.took <= EDIT_TOOK_MAX;
        checked.check(ended && soon, || {
            format!("{end:?} after {} tries and {:?}", edit.tries, edit.took)
        });
    }
    checked
}

/// The database had no deadlock to resolve. A count that fell was lost in a crash and proves
/// nothing.
pub(crate) fn no_deadlock(history: &History) -> Checked {
    let mut checked = Checked::new("no_deadlock", "readings of the database's count");
    let counts = history.staff.as_ref().and_then(|staff| staff.deadlocks);
    if let Some((before, after)) = counts.filter(|(before, after)| before <= after) {
        checked.check(before == after, || {
            format!("{} deadlocks during the run", after - before)
        });
    }
    checked
}

/// An import's last answer, its report, its expected outcome and the catalogue afterwards agree.
pub(crate) fn imports_end_as_reported(history: &History) -> Checked {
    let mut checked = Checked::new("imports_end_as_reported", "imports");
    for action in history.actions() {
        if let Work::Import(import) = &action.work {
            let right = import.applied == Some(import.expected)
                && import.applied == import.reported
                && import.differs.is_empty();
            checked.check(right, || format!("{}: {import:?}", action.id));
        }
    }
    checked
}

/// Missing units break the newest holds, and no more of them than necessary.
pub(crate) fn newest_holds_break_first(history: &History) -> Checked {
    let mut checked = Checked::new("the_newest_holds_break_first", "shrinkages");
    for action in history.actions() {
        let (Work::Shrink(shrink), ActionEnd::Done) = (&action.work, &action.end) else {
            continue;
        };
        let ids: Vec<_> = shrink.holds.iter().map(|(id, _)| *id).collect();
        let (open, broken) = ids.split_at(ids.len().saturating_sub(shrink.to_break));
        let (on_hand, held) = shrink.level;
        let right = shrink.broken.iter().eq(broken.iter().rev())
            && shrink.open == open
            && (0..=on_hand).contains(&held);
        checked.check(right, || format!("{}: {shrink:?}", action.id));
    }
    checked
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::examples::{action, id, sale, when, with_staff};
    use crate::history::{Import, Shrink};

    fn edited(end: ActionEnd, change: impl FnOnce(&mut Edit)) -> History {
        let mut action = action("A", -2, when(0, 10), end);
        if let Work::Edit(edit) = &mut action.work {
            change(edit);
        }
        with_staff(sale(5, 5, vec![]), action)
    }

    fn worked(work: Work) -> History {
        let done = action("A", 0, when(0, 10), ActionEnd::Done);
        let action = crate::history::StaffAction { work, ..done };
        with_staff(sale(5, 5, vec![]), action)
    }

    #[test]
    fn an_edit_of_another_version_than_was_seen_is_found() {
        let wrong = |change: fn(&mut Edit)| {
            let history = edited(ActionEnd::Done, change);
            edits_changed_the_seen_level(&history).wrong.len()
        };
        assert_eq!(wrong(|_| {}), 0);
        assert_eq!(wrong(|edit| edit.movement = Some((9, 2))), 1);
        assert_eq!(wrong(|edit| edit.movement = Some((8, 3))), 1);
        assert_eq!(wrong(|edit| edit.movement = None), 1);
        assert_eq!(wrong(|edit| (edit.delta, edit.movement) = (0, None)), 0);
    }

    #[test]
    fn an_edit_that_is_starved_is_found() {
        use ActionEnd::{Done, Refused, Starved, Unclear};
        let wrong =
            |end, change: fn(&mut Edit)| edits_never_starved(&edited(end, change)).wrong.len();
        assert_eq!(wrong(Done, |_| {}), 0);
        assert_eq!(wrong(Refused, |edit| edit.tries = EDIT_TRIES_MAX), 0);
        assert_eq!(wrong(Starved, |_| {}), 1);
        assert_eq!(wrong(Unclear("reset".into()), |_| {}), 1);
        assert_eq!(wrong(Done, |edit| edit.tries = EDIT_TRIES_MAX + 1), 1);
        assert_eq!(wrong(Done, |edit| edit.took = EDIT_TOOK_MAX * 2), 1);
    }

    #[test]
    fn a_deadlock_is_found() {
        let mut history = worked(Work::Other);
        assert_eq!(no_deadlock(&history).count, 0);
        for (after, count, wrong) in [(3, 1, 0), (4, 1, 1), (0, 0, 0)] {
            history.staff.get_or_insert_default().deadlocks = Some((3, after));
            let checked = no_deadlock(&history);
            assert_eq!((checked.count, checked.wrong.len()), (count, wrong));
        }
    }

    #[test]
    fn an_import_that_differs_from_its_report_is_found() {
        let wrong = |change: fn(&mut Import)| {
            let counts = [1, 2, 3, 4];
            let mut import = Import {
                expected: counts,
                applied: Some(counts),
                reported: Some(counts),
                differs: vec![],
            };
            change(&mut import);
            let history = worked(Work::Import(import));
            imports_end_as_reported(&history).wrong.len()
        };
        assert_eq!(wrong(|_| {}), 0);
        assert_eq!(wrong(|import| import.applied = None), 1);
        assert_eq!(wrong(|import| import.reported = Some([1, 2, 4, 3])), 1);
        assert_eq!(wrong(|import| import.expected = [2, 1, 3, 4]), 1);
        assert_eq!(wrong(|import| import.differs.push("B costs 2".into())), 1);
    }

    #[test]
    fn a_shrinkage_that_breaks_the_wrong_holds_is_found() {
        let wrong = |change: fn(&mut Shrink)| {
            let mut shrink = Shrink {
                holds: vec![(id(1), 1), (id(2), 2), (id(3), 1)],
                to_break: 2,
                broken: vec![id(3), id(2)],
                open: vec![id(1)],
                level: (1, 1),
            };
            change(&mut shrink);
            let history = worked(Work::Shrink(shrink));
            newest_holds_break_first(&history).wrong.len()
        };
        assert_eq!(wrong(|_| {}), 0);
        assert_eq!(wrong(|shrink| shrink.broken = vec![id(1), id(2)]), 1);
        assert_eq!(wrong(|shrink| shrink.broken = vec![id(3)]), 1);
        assert_eq!(wrong(|shrink| shrink.open = vec![]), 1);
        assert_eq!(wrong(|shrink| shrink.level = (1, 2)), 1);
    }
}
