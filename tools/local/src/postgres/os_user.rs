//! The operating system's user who runs the server: PostgreSQL refuses to run as root.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use nix::unistd::{User, geteuid};

use crate::Error;

/// The database's superuser, which initdb makes.
pub const SUPERUSER: &str = "postgres";

/// Root runs the server as the first of these users that exists.
const UNPRIVILEGED: [&str; 2] = ["postgres", "nobody"];

/// Who runs the server: ourselves, or with `Some((uid, gid))` another user.
#[derive(Debug, Clone)]
pub(super) struct OsUser(Option<(u32, u32)>);

impl OsUser {
    pub(super) fn choose() -> Result<Self, Error> {
        if !geteuid().is_root() {
            return Ok(Self(None));
        }
        let user = UNPRIVILEGED
            .iter()
            .find_map(|name| User::from_name(name).ok().flatten());
        let user = user.ok_or_else(|| {
            let detail = "it refuses to run as root, and there is no user `postgres` or `nobody`";
            Error::postgres("choosing a user", detail)
        })?;
        Ok(Self(Some((user.uid.as_raw(), user.gid.as_raw()))))
    }

    /// A command that runs as this user, in a folder that the user can enter.
    pub(super) fn command(&self, program: &Path, folder: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(folder);
        if let Some((uid, gid)) = self.0 {
            command.uid(uid).gid(gid);
        }
        command
    }

    pub(super) fn give(&self, path: &Path) -> Result<(), Error> {
        let Some((uid, gid)) = self.0 else {
            return Ok(());
        };
        chown(path, Some(uid), Some(gid))
            .map_err(Error::io(format!("change the owner of {}", path.display())))
    }

    /// Whether this user may run `program` where it is. A project under /root is closed to others.
    pub(super) fn can_run(&self, program: &Path, folder: &Path) -> bool {
        let output = self.command(program, folder).arg("--version").output();
        output.is_ok_and(|output| output.status.success())
    }
}
