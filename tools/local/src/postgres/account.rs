//! The account the server runs as: PostgreSQL refuses to run as root.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use nix::unistd::{User, geteuid};

use crate::Error;

/// Accounts to fall back to when we are root, in this order.
const UNPRIVILEGED: [&str; 2] = ["postgres", "nobody"];

/// Who runs the server.
#[derive(Debug, Clone)]
pub(super) enum Account {
    /// We are not root: ourselves.
    Own,
    Other {
        uid: u32,
        gid: u32,
    },
}

impl Account {
    pub(super) fn choose() -> Result<Self, Error> {
        if !geteuid().is_root() {
            return Ok(Self::Own);
        }
        UNPRIVILEGED
            .iter()
            .find_map(|name| User::from_name(name).ok().flatten())
            .map(|user| Self::Other {
                uid: user.uid.as_raw(),
                gid: user.gid.as_raw(),
            })
            .ok_or_else(|| {
                let detail = "it refuses to run as root, and there is no user `postgres` or \
                              `nobody` to run it as";
                Error::postgres("choosing an account", detail)
            })
    }

    /// A command that runs as this account, from a folder it can enter.
    pub(super) fn command(&self, program: &Path, folder: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(folder);
        if let Self::Other { uid, gid } = self {
            command.uid(*uid).gid(*gid);
        }
        command
    }

    pub(super) fn give(&self, path: &Path) -> Result<(), Error> {
        match self {
            Self::Own => Ok(()),
            Self::Other { uid, gid } => chown(path, Some(*uid), Some(*gid))
                .map_err(Error::io(format!("change the owner of {}", path.display()))),
        }
    }

    /// Whether this account may execute `program` where it is (a project under /root is closed).
    pub(super) fn can_run(&self, program: &Path, folder: &Path) -> bool {
        self.command(program, folder)
            .arg("--version")
            .output()
            .is_ok_and(|output| output.status.success())
    }
}
