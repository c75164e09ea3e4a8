//! What a release brings: its number, its versioned files, its routines and who may call them.

use std::ffi::OsStr;
use std::fmt;
use std::str::FromStr;

use include_dir::{Dir, include_dir};

static MIGRATIONS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../migrations");

/// The oldest release whose functions work with this release's schema and routines. It is the
/// release before this one, or an older one; `tests/releases` has what its functions call.
const CALLERS_FROM: Number = Number(0, 1, 0);

/// The first line of a versioned file that can't run in a transaction, such as one that builds an
/// index beside writers. The file has one statement then.
const ONLINE: &str = "-- migrate: outside a transaction";

/// A release's number, in the order of releases: what stands before a `-` in Semantic Versioning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Number(pub u32, pub u32, pub u32);

/// Not three numbers with dots between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a release's number")]
pub struct InvalidNumber;

impl FromStr for Number {
    type Err = InvalidNumber;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.split(['-', '+']).next().unwrap_or_default();
        let mut parts = text.split('.').map(str::parse);
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(Ok(major)), Some(Ok(minor)), Some(Ok(patch)), None) => {
                Ok(Self(major, minor, patch))
            }
            _ => Err(InvalidNumber),
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// A file of SQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its name without the ending.
    pub name: String,
    /// What is in it.
    pub text: String,
}

impl File {
    /// Whether the file can't run in a transaction.
    pub(super) fn is_online(&self) -> bool {
        self.text.lines().next() == Some(ONLINE)
    }
}

/// Everything that [`super::run`] brings to a database.
#[derive(Debug, Clone)]
pub struct Release {
    /// Its number.
    pub number: Number,
    /// The oldest release whose functions work with it.
    pub callers_from: Number,
    /// The versioned files, oldest first.
    pub versions: Vec<File>,
    /// The routines, by name.
    pub routines: Vec<File>,
    /// Who may call which of them: applied with them.
    pub rights: File,
}

impl Release {
    /// The release that this code is of.
    #[must_use]
    pub fn this() -> Self {
        Self {
            number: env!("CARGO_PKG_VERSION").parse().unwrap_or(CALLERS_FROM),
            callers_from: CALLERS_FROM,
            versions: files(MIGRATIONS.files()),
            routines: files(MIGRATIONS.get_dir("routines").into_iter().flat_map(all)),
            rights: File {
                name: "rights/rights".to_owned(),
                text: include_str!("../../../../migrations/rights/rights.sql").to_owned(),
            },
        }
    }
}

fn files<'a>(files: impl IntoIterator<Item = &'a include_dir::File<'a>>) -> Vec<File> {
    let mut files: Vec<File> = files.into_iter().map(read).collect();
    files.sort_by(|a, b| a.name.cmp(&b.name));
    files
}

/// The files of a folder and of the folders in it.
fn all<'a>(folder: &'a Dir<'a>) -> Vec<&'a include_dir::File<'a>> {
    let inner = folder.dirs().flat_map(all);
    folder.files().chain(inner).collect()
}

/// A file with its name in the database: `routines/checkout/internal/end.sql` makes `checkout_end`.
fn read(file: &include_dir::File<'_>) -> File {
    let path = file.path().with_extension("");
    let parts = path.iter().map(OsStr::to_string_lossy);
    let parts: Vec<_> = parts
        .filter(|part| part != "routines" && part != "internal")
        .collect();
    File {
        name: parts.join("_"),
        text: file.contents_utf8().unwrap_or_default().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_as_numbers() {
        let number = |text: &str| text.parse::<Number>();
        assert!(number("0.10.0").unwrap() > number("0.9.12").unwrap());
        assert_eq!(number("1.2.3-rc.1+5"), Ok(Number(1, 2, 3)));
        for wrong in ["", "1", "1.2", "1.2.x", "1.2.3.4", "v1.2.3"] {
            assert_eq!(number(wrong), Err(InvalidNumber), "{wrong}");
        }
        assert_eq!(
            Release::this().number.to_string(),
            env!("CARGO_PKG_VERSION")
        );
    }
}
