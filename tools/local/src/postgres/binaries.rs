//! Finds PostgreSQL's server binaries.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Error, project};

/// The oldest major version whose features the migrations use.
const MAJOR_MIN: u32 = 15;

/// Places of packages that do not put the server into PATH, tried in this order.
const USUAL_PREFIXES: [&str; 6] = [
    "/usr/local",
    "/usr/local/pgsql",
    "/opt/homebrew/opt/postgresql",
    "/usr/local/opt/postgresql",
    "/opt/homebrew",
    "/usr",
];

/// The folder with `initdb` and `postgres`: an explicit one, an installed one, or the one that
/// `tools/setup` unpacked.
pub(super) fn find() -> Result<PathBuf, Error> {
    if let Some(folder) = std::env::var_os("HOLDFAST_PG_BIN") {
        let folder = PathBuf::from(folder);
        return if is_usable(&folder) {
            Ok(folder)
        } else {
            Err(Error::PostgresUnusable(folder))
        };
    }
    candidates()
        .into_iter()
        .find(|folder| is_usable(folder))
        .ok_or(Error::PostgresMissing)
}

fn candidates() -> Vec<PathBuf> {
    let mut folders = Vec::new();
    // pg_config may belong to a client library only: its folder is a candidate like the others.
    if let Some(folder) = first_line(Command::new("pg_config").arg("--bindir")) {
        folders.push(PathBuf::from(folder));
    }
    folders.extend(
        std::env::var_os("PATH")
            .iter()
            .flat_map(std::env::split_paths),
    );
    folders.extend(versioned("/usr/lib/postgresql", ""));
    folders.extend(versioned("/usr", "pgsql-"));
    for prefix in USUAL_PREFIXES {
        folders.push(Path::new(prefix).join("bin"));
    }
    folders.extend(versioned("/opt/homebrew/opt", "postgresql@"));
    folders.extend(versioned("/usr/local/opt", "postgresql@"));
    folders.push(project::tools().join("postgresql/bin"));
    folders
}

/// `parent/<prefix><number>/bin`, the newest first.
fn versioned(parent: &str, prefix: &str) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(parent) else {
        return Vec::new();
    };
    let mut found: Vec<(u32, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| {
            let number = entry
                .file_name()
                .to_str()?
                .strip_prefix(prefix)?
                .parse()
                .ok()?;
            Some((number, entry.path().join("bin")))
        })
        .collect();
    found.sort_by_key(|(number, _)| std::cmp::Reverse(*number));
    found.into_iter().map(|(_, folder)| folder).collect()
}

fn is_usable(folder: &Path) -> bool {
    folder.join("initdb").is_file()
        && folder.join("postgres").is_file()
        && major_version(folder).is_some_and(|major| major >= MAJOR_MIN)
}

/// From `postgres (PostgreSQL) 15.14 (Debian …)` or `postgres (PostgreSQL) 19beta1`.
pub(super) fn major_version(folder: &Path) -> Option<u32> {
    major_of(&first_line(
        Command::new(folder.join("postgres")).arg("--version"),
    )?)
}

fn major_of(line: &str) -> Option<u32> {
    let version = line.split_whitespace().nth(2)?;
    let end = version
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(version.len());
    version.get(..end)?.parse().ok()
}

fn first_line(command: &mut Command) -> Option<String> {
    let output = command
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    String::from_utf8(output.stdout)
        .ok()?
        .lines()
        .next()
        .map(str::to_owned)
}

/// Copies a whole installation (`bin`, `lib`, `share` of the wheel) for an account that cannot
/// reach it where it is; returns the copy's folder of binaries.
pub(super) fn copy_for_another_account(bin: &Path, into: &Path) -> Result<PathBuf, Error> {
    let prefix = bin.parent().unwrap_or(bin);
    let target = into.join("postgresql");
    let copied = Command::new("cp")
        .args([OsStr::new("-R"), prefix.as_os_str(), target.as_os_str()])
        .status()
        .is_ok_and(|status| status.success());
    let opened = copied
        && Command::new("chmod")
            .args([OsStr::new("-R"), OsStr::new("a+rX"), target.as_os_str()])
            .status()
            .is_ok_and(|status| status.success());
    if opened {
        Ok(target.join("bin"))
    } else {
        Err(Error::postgres(
            "copying its binaries",
            format!("from {}", prefix.display()),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_major_version_is_read_from_every_kind_of_version_line() {
        assert_eq!(
            major_of("postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)"),
            Some(15)
        );
        assert_eq!(major_of("postgres (PostgreSQL) 18.6"), Some(18));
        assert_eq!(major_of("postgres (PostgreSQL) 19beta1"), Some(19));
        assert_eq!(major_of("nonsense"), None);
    }
}
