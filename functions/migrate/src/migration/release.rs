//! The parts of a release that go into a database: versioned files, routines, and the rights on
//! them.

use std::ffi::OsStr;

use include_dir::{Dir, include_dir};
use semver::Version;

static MIGRATIONS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../migrations");

/// The oldest release whose functions work with this schema and these routines. The tests have a
/// recording of it.
const CALLERS_FROM: Version = Version::new(0, 2, 0);

/// The first line of a versioned file that can't run in a transaction, such as one that builds an
/// index beside writers. Such a file has one statement.
const ONLINE: &str = "-- migrate: outside a transaction";

/// A file of SQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its name without the ending.
    pub name: String,
    /// Its content.
    pub text: String,
}

impl File {
    /// Whether the file can't run in a transaction.
    pub(super) fn is_online(&self) -> bool {
        self.text.lines().next() == Some(ONLINE)
    }
}

/// Everything that a run brings to a database.
#[derive(Debug, Clone)]
pub struct Release {
    /// Its number.
    pub number: Version,
    /// The oldest release whose functions work with it.
    pub callers_from: Version,
    /// The versioned files, oldest first.
    pub versions: Vec<File>,
    /// The routines, by name.
    pub routines: Vec<File>,
    /// Who may call which routine.
    pub rights: File,
    /// The settings and bounds of the roles.
    pub roles: File,
}

impl Release {
    /// The release of this code.
    #[must_use]
    pub fn this() -> Self {
        Self {
            number: Version::parse(env!("CARGO_PKG_VERSION")).unwrap_or(CALLERS_FROM),
            callers_from: CALLERS_FROM,
            versions: files(MIGRATIONS.files()),
            routines: files(MIGRATIONS.get_dir("routines").into_iter().flat_map(all)),
            rights: File {
                name: "rights/rights".to_owned(),
                text: include_str!("../../../../migrations/rights/rights.sql").to_owned(),
            },
            roles: File {
                name: "rights/roles".to_owned(),
                text: include_str!("../../../../migrations/rights/roles.sql").to_owned(),
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
