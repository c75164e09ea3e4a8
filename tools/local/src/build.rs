//! The functions' binaries: built here, or taken from a folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;

use crate::{Error, project};

pub const CHECKOUT: &str = "holdfast-checkout";
pub const WEBHOOK: &str = "holdfast-webhook";
pub const PAYMENTS: &str = "holdfast-payments";
pub const SWEEPER: &str = "holdfast-sweeper";
pub const MIGRATE: &str = "holdfast-migrate";
pub const ADMIN: &str = "holdfast-admin";

pub(crate) const FUNCTIONS: [&str; 6] = [CHECKOUT, WEBHOOK, PAYMENTS, SWEEPER, MIGRATE, ADMIN];

/// Where each function's binary is.
#[derive(Debug, Clone)]
pub struct Binaries(BTreeMap<&'static str, PathBuf>);

impl Binaries {
    /// Takes all of them from one folder.
    pub fn in_folder(folder: &Path) -> Result<Self, Error> {
        let folder =
            std::path::absolute(folder).map_err(Error::io(format!("find {}", folder.display())))?;
        let mut binaries = BTreeMap::new();
        for name in FUNCTIONS {
            let path = folder.join(name);
            if !path.is_file() {
                return Err(Error::BinaryMissing(path));
            }
            binaries.insert(name, path);
        }
        Ok(Self(binaries))
    }

    /// Builds them with cargo, which also knows where they then are. Compiler messages go to
    /// standard error. Takes minutes the first time; blocks.
    pub fn build(profile: Profile) -> Result<Self, Error> {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
        command
            .arg("build")
            .arg("--message-format=json-render-diagnostics");
        if profile == Profile::Release {
            command.arg("--release");
        }
        for name in FUNCTIONS {
            command.args(["--package", name]);
        }
        let output = command
            .current_dir(project::root())
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .map_err(Error::CargoMissing)?;
        if !output.status.success() {
            return Err(Error::Build);
        }
        let mut binaries = BTreeMap::new();
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            let Ok(artifact) = serde_json::from_str::<Artifact>(line) else {
                continue;
            };
            let name = FUNCTIONS
                .into_iter()
                .find(|name| *name == artifact.target.name);
            if let (Some(name), Some(path)) = (name, artifact.executable) {
                binaries.insert(name, path);
            }
        }
        if binaries.len() == FUNCTIONS.len() {
            Ok(Self(binaries))
        } else {
            Err(Error::Build)
        }
    }

    pub(crate) fn path(&self, name: &'static str) -> PathBuf {
        self.0.get(name).cloned().unwrap_or_default()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    Debug,
    Release,
}

/// One of cargo's messages: an artifact; all others have no such fields.
#[derive(Deserialize)]
struct Artifact {
    target: Target,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}
