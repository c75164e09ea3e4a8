//! Checks of what staff did in a mixed run.

use std::time::Duration;

use super::Checked;
use crate::history::{Edit, End, History, Import, Shrink, Work};

/// An edit that was stale this often has been starved by the sale.
pub(crate) const EDIT_TRIES_MAX: u32 = 100;
/// And one that took this long.
pub(crate) const EDIT_TOOK_MAX: Duration = Duration::from_secs(30);

pub(crate) fn edits(history: &History) -> impl Iterator<Item = (&End, &Edit)> {
    history.deeds().filter_map(|deed| match &deed.work {
        Work::Edit(edit) => Some((&deed.end, edit)),
        _ => None,
    })
}

/// Promise 9. An edit that went through changed what its clerk had seen: the very next version, by
/// the very difference.
pub(crate) fn edits_changed_what_was_seen(history: &History) -> Checked {
    let mut checked = Checked::new("edits with a version");
    for (end, edit) in edits(history) {
        if *end != End::Done {
            continue;
        }
        let expected = (edit.delta != 0).then_some((edit.expected_version + 1, edit.delta));
        checked.judge(edit.movement == expected, || {
            format!(
                "an edit by {} of version {} was done as {:?}",
                edit.delta, edit.expected_version, edit.movement
            )
        });
    }
    checked
}

/// However hot the sku is, an edit comes through.
pub(crate) fn edits_never_starved(history: &History) -> Checked {
    let mut checked = Checked::new("edits");
    for (end, edit) in edits(history) {
        let ended = matches!(end, End::Done | End::Refused);
        let soon = edit.tries <= EDIT_TRIES_MAX && edit.took <= EDIT_TOOK_MAX;
        checked.judge(ended && soon, || {
            let seconds = edit.took.as_secs_f64();
            format!("{end:?} after {} tries and {seconds:.1} s", edit.tries)
        });
    }
    checked
}

/// The database had no deadlock to resolve. A count that has fallen was lost in a crash, and says
/// nothing.
pub(crate) fn no_deadlock(history: &History) -> Checked {
    let mut checked = Checked::new("readings of the database's count");
    let counts = history.staff.as_ref().and_then(|staff| staff.deadlocks);
    if let Some((before, after)) = counts.filter(|(before, after)| before <= after) {
        checked.judge(before == after, || {
            format!("{} deadlocks during the run", after - before)
        });
    }
    checked
}

/// What an import said while it was applied, what its report says, what its rows had to become and
/// what the catalogue shows afterwards are the same.
pub(crate) fn imports_end_as_reported(history: &History) -> Checked {
    let mut checked = Checked::new("imports");
    for deed in history.deeds() {
        let Work::Import(Import {
            expected,
            applied,
            reported,
            differs,
        }) = &deed.work
        else {
            continue;
        };
        let right = *applied == Some(*expected) && applied == reported && differs.is_empty();
        checked.judge(right, || {
            format!(
                "{}: expected {expected:?}, applied {applied:?}, reported {reported:?}, {}",
                deed.id,
                differs.join(", ")
            )
        });
    }
    checked
}

/// Missing units break the newest holds, and no more of them than they must.
pub(crate) fn newest_holds_break_first(history: &History) -> Checked {
    let mut checked = Checked::new("shrinkages");
    for deed in history.deeds() {
        let (Work::Shrink(shrink), End::Done) = (&deed.work, &deed.end) else {
            continue;
        };
        let Shrink {
            holds,
            to_break,
            broken,
            open,
            level: (on_hand, held),
        } = shrink;
        let ids: Vec<_> = holds.iter().map(|(id, _)| *id).collect();
        let (kept, gone) = ids.split_at(ids.len().saturating_sub(*to_break));
        let newest_first: Vec<_> = gone.iter().rev().copied().collect();
        let right = *broken == newest_first && open == kept && (0..=*on_hand).contains(held);
        checked.judge(right, || format!("{}: {shrink:?}", deed.id));
    }
    checked
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Deed, Staff};
    use crate::testing::{deed, history, id, when};

    fn of(deeds: Vec<Deed>) -> History {
        let mut history = history(5, 5, vec![]);
        history.staff = Some(Staff {
            deeds,
            ..Staff::default()
        });
        history
    }

    fn edited(end: End, change: impl FnOnce(&mut Edit)) -> History {
        let mut deed = deed("A", -2, when(0, 10), end);
        if let Work::Edit(edit) = &mut deed.work {
            change(edit);
        }
        of(vec![deed])
    }

    #[test]
    fn an_edit_of_another_version_than_was_seen_is_stale() {
        let wrong = |change: fn(&mut Edit)| {
            edits_changed_what_was_seen(&edited(End::Done, change))
                .wrong
                .len()
        };
        assert_eq!(wrong(|_| {}), 0);
        assert_eq!(wrong(|edit| edit.movement = Some((9, 2))), 1);
        assert_eq!(wrong(|edit| edit.movement = Some((8, 3))), 1);
        assert_eq!(wrong(|edit| edit.movement = None), 1);
        assert_eq!(wrong(|edit| (edit.delta, edit.movement) = (0, None)), 0);
    }

    #[test]
    fn an_edit_that_never_comes_through_is_starved() {
        let wrong =
            |end, change: fn(&mut Edit)| edits_never_starved(&edited(end, change)).wrong.len();
        assert_eq!(wrong(End::Done, |_| {}), 0);
        assert_eq!(wrong(End::Refused, |edit| edit.tries = EDIT_TRIES_MAX), 0);
        assert_eq!(wrong(End::Starved, |_| {}), 1);
        assert_eq!(wrong(End::Unclear("reset".into()), |_| {}), 1);
        assert_eq!(wrong(End::Done, |edit| edit.tries = EDIT_TRIES_MAX + 1), 1);
        assert_eq!(wrong(End::Done, |edit| edit.took = EDIT_TOOK_MAX * 2), 1);
    }

    #[test]
    fn a_deadlock_is_seen_and_without_a_database_not_judged() {
        let mut history = of(vec![]);
        assert_eq!(no_deadlock(&history).judged, 0);
        for (after, judged, wrong) in [(3, 1, 0), (4, 1, 1), (0, 0, 0)] {
            let staff = history.staff.get_or_insert_default();
            staff.deadlocks = Some((3, after));
            let checked = no_deadlock(&history);
            assert_eq!((checked.judged, checked.wrong.len()), (judged, wrong));
        }
    }

    fn import(change: impl FnOnce(&mut Import)) -> usize {
        let counts = [1, 2, 3, 4];
        let mut import = Import {
            expected: counts,
            applied: Some(counts),
            reported: Some(counts),
            differs: vec![],
        };
        change(&mut import);
        let mut deed = deed("A", 0, when(0, 10), End::Done);
        deed.work = Work::Import(import);
        imports_end_as_reported(&of(vec![deed])).wrong.len()
    }

    #[test]
    fn an_import_that_ends_otherwise_than_its_report_says_is_seen() {
        assert_eq!(import(|_| {}), 0);
        assert_eq!(import(|import| import.applied = None), 1);
        assert_eq!(import(|import| import.reported = Some([1, 2, 4, 3])), 1);
        assert_eq!(import(|import| import.expected = [2, 1, 3, 4]), 1);
        assert_eq!(
            import(|import| import.differs = vec!["B costs 2".into()]),
            1
        );
    }

    fn shrink(change: impl FnOnce(&mut Shrink)) -> usize {
        let mut shrink = Shrink {
            holds: vec![(id(1), 1), (id(2), 2), (id(3), 1)],
            to_break: 2,
            broken: vec![id(3), id(2)],
            open: vec![id(1)],
            level: (1, 1),
        };
        change(&mut shrink);
        let mut deed = deed("A", 0, when(0, 10), End::Done);
        deed.work = Work::Shrink(shrink);
        newest_holds_break_first(&of(vec![deed])).wrong.len()
    }

    #[test]
    fn a_shrinkage_that_breaks_the_wrong_holds_is_seen() {
        assert_eq!(shrink(|_| {}), 0);
        assert_eq!(shrink(|shrink| shrink.broken = vec![id(1), id(2)]), 1);
        assert_eq!(shrink(|shrink| shrink.broken = vec![id(3)]), 1);
        assert_eq!(shrink(|shrink| shrink.open = vec![]), 1);
        assert_eq!(shrink(|shrink| shrink.level = (1, 2)), 1);
    }
}
