//! Where PostgreSQL's server binaries are.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Error, project};

/// The oldest major version whose features the migrations use.
const MAJOR_MIN: u32 = 15;

/// The folder with `initdb` and `postgres`: `HOLDFAST_PG_BIN`, or else the folder that
/// `tools/setup` found or unpacked.
pub(super) fn find() -> Result<PathBuf, Error> {
    let (folder, missing) = match std::env::var_os("HOLDFAST_PG_BIN") {
        Some(folder) => {
            let folder = PathBuf::from(folder);
            (folder.clone(), Error::PostgresUnusable(folder))
        }
        // The server finds its other files beside itself, and not beside a link.
        None => {
            let found = project::tools().join("postgresql-bin").canonicalize();
            (found.unwrap_or_default(), Error::PostgresMissing)
        }
    };
    let usable = folder.join("initdb").is_file()
        && major_version(&folder).is_some_and(|major| major >= MAJOR_MIN);
    usable.then_some(folder).ok_or(missing)
}

pub(super) fn major_version(folder: &Path) -> Option<u32> {
    let output = Command::new(folder.join("postgres"))
        .arg("--version")
        .output()
        .ok()?;
    major_of(&String::from_utf8_lossy(&output.stdout))
}

/// From `postgres (PostgreSQL) 15.14 (Debian …)` or `postgres (PostgreSQL) 19beta1`.
fn major_of(line: &str) -> Option<u32> {
    let version = line.split_whitespace().nth(2)?;
    version
        .split(|c: char| !c.is_ascii_digit())
        .next()?
        .parse()
        .ok()
}

/// Copies a whole installation (`bin`, `lib`, `share`) for a user who cannot reach it; returns the
/// copy's folder of binaries.
pub(super) fn copy_for_another_user(bin: &Path, into: &Path) -> Result<PathBuf, Error> {
    let from = bin.parent().unwrap_or(bin);
    let to = into.join("postgresql");
    let done = |command: &mut Command| command.status().is_ok_and(|status| status.success());
    let copied = done(Command::new("cp").arg("-R").args([from, &to]))
        && done(Command::new("chmod").args(["-R", "a+rX"]).arg(&to));
    if copied {
        return Ok(to.join("bin"));
    }
    let detail = format!("from {}", from.display());
    Err(Error::postgres("copying its binaries", detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_major_version_is_read_from_every_kind_of_version_line() {
        let debian = "postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)\n";
        assert_eq!(major_of(debian), Some(15));
        assert_eq!(major_of("postgres (PostgreSQL) 18.6"), Some(18));
        assert_eq!(major_of("postgres (PostgreSQL) 19beta1"), Some(19));
        assert_eq!(major_of("nonsense"), None);
    }
}
