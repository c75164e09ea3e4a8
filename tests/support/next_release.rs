//! Releases that are to come: this tree with the files of `tests/fixtures/next_release`.

use std::fs;

use holdfast_migrate::{File, Release};

use crate::stack::root;

/// The release after this one: it has a new column and a new signature, and serves this one's
/// functions.
pub fn next_release() -> Release {
    let this = Release::this();
    let mut next = this.clone();
    next.number.minor += 1;
    next.callers_from = this.number;
    next.versions.push(fixture("V9001__remember_why_let_go"));
    next.put("checkout_release", |file| {
        file.text = fixture("routines/checkout/release").text;
    });
    next.routines
        .push(fixture("routines/checkout/release.until_0_4"));
    next
}

/// The release after that: it drops the old signature, and no longer serves this one's functions.
pub fn release_after_next() -> Release {
    let mut after = next_release();
    after.callers_from = after.number.clone();
    after.number.minor += 1;
    after
        .versions
        .push(fixture("V9002__drop_let_go_without_why"));
    after.routines.pop();
    after
}

fn fixture(name: &str) -> File {
    let path = root().join(format!("tests/fixtures/next_release/{name}.sql"));
    File {
        name: name.trim_start_matches("routines/").replace('/', "_"),
        text: fs::read_to_string(path).unwrap(),
    }
}

/// Changes to a release that tests make.
pub trait Put {
    /// Changes the file of one routine.
    fn put(&mut self, routine: &str, change: impl FnOnce(&mut File));
    /// Adds a versioned file.
    fn version(&mut self, name: &str, text: &str);
}

impl Put for Release {
    fn put(&mut self, routine: &str, change: impl FnOnce(&mut File)) {
        let file = self.routines.iter_mut().find(|file| file.name == routine);
        change(file.unwrap_or_else(|| panic!("no routine {routine}")));
    }

    fn version(&mut self, name: &str, text: &str) {
        self.versions.push(File {
            name: name.to_owned(),
            text: text.to_owned(),
        });
    }
}
