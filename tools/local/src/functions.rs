//! The functions' binaries.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::Error;

pub const CHECKOUT: &str = "holdfast-checkout";
pub const WEBHOOK: &str = "holdfast-webhook";
pub const PAYMENTS: &str = "holdfast-payments";
pub const SWEEPER: &str = "holdfast-sweeper";
pub const MIGRATE: &str = "holdfast-migrate";
pub const ADMIN: &str = "holdfast-admin";

const FUNCTIONS: [&str; 6] = [CHECKOUT, WEBHOOK, PAYMENTS, SWEEPER, MIGRATE, ADMIN];

/// Where each function's binary is.
#[derive(Debug, Clone)]
pub struct Binaries(BTreeMap<&'static str, PathBuf>);

impl Binaries {
    /// The functions beside this program: one build makes them all.
    ///
    /// # Errors
    /// When one of them is missing.
    pub fn beside_this_program() -> Result<Self, Error> {
        let own = std::env::current_exe().map_err(Error::io("find this program"))?;
        Self::in_folder(own.parent().unwrap_or(Path::new(".")))
    }

    /// All of them from one folder.
    ///
    /// # Errors
    /// When one of them is missing.
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

    pub(crate) fn path(&self, name: &'static str) -> PathBuf {
        self.0.get(name).cloned().unwrap_or_default()
    }
}
