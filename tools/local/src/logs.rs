//! A folder of logs for each stack that runs.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// Stacks that run at the same time have one folder each.
const FOLDERS_MAX: u32 = 100;

/// A running stack locks this file in its folder. The lock ends with the process.
const LOCK: &str = "lock";

/// A folder that one running stack writes its logs into.
#[derive(Debug)]
pub struct Logs {
    pub folder: PathBuf,
    _lock: File,
}

impl Logs {
    /// Takes the first of `folder`, `folder-2`, `folder-3`, … that no running stack has, and
    /// removes the logs of an earlier run. So a single stack always has the same folder, and two
    /// stacks never mix or remove each other's logs.
    ///
    /// # Errors
    /// When the folder can't be written, or all of them are taken.
    pub fn claim(folder: &Path) -> io::Result<Self> {
        for number in 1..=FOLDERS_MAX {
            let mut name = folder.as_os_str().to_owned();
            if number > 1 {
                name.push(format!("-{number}"));
            }
            let folder = PathBuf::from(name);
            std::fs::create_dir_all(&folder)?;
            let lock = File::create(folder.join(LOCK))?;
            match lock.try_lock() {
                Ok(()) => {
                    remove_logs(&folder)?;
                    return Ok(Self {
                        folder,
                        _lock: lock,
                    });
                }
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        Err(io::Error::other(format!(
            "{FOLDERS_MAX} running stacks have their logs there"
        )))
    }
}

fn remove_logs(folder: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "log") {
            std::fs::remove_file(path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_stacks_at_once_never_share_a_folder_and_one_alone_always_has_the_same() {
        let base = tempfile::tempdir().unwrap();
        let wanted = base.path().join("logs");
        let first = Logs::claim(&wanted).unwrap();
        assert_eq!(first.folder, wanted);
        let log = first.folder.join("sqs.log");
        std::fs::write(&log, "first").unwrap();

        let second = Logs::claim(&wanted).unwrap();
        assert_eq!(second.folder, base.path().join("logs-2"));
        assert_eq!(std::fs::read_to_string(&log).unwrap(), "first");

        drop(first);
        let third = Logs::claim(&wanted).unwrap();
        assert_eq!(third.folder, wanted);
        assert!(!log.exists());
    }
}
