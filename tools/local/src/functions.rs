//! The functions' binaries.

use std::path::{Path, PathBuf};

use crate::Error;

pub const CHECKOUT: &str = "holdfast-checkout";
pub const WEBHOOK: &str = "holdfast-webhook";
pub const PAYMENTS: &str = "holdfast-payments";
pub const SWEEPER: &str = "holdfast-sweeper";
pub const MIGRATE: &str = "holdfast-migrate";
pub const ADMIN: &str = "holdfast-admin";
pub const CONSOLE: &str = "holdfast-console";

const FUNCTIONS: [&str; 7] = [
    CHECKOUT, WEBHOOK, PAYMENTS, SWEEPER, MIGRATE, ADMIN, CONSOLE,
];

/// The folder of the functions' binaries.
#[derive(Debug, Clone)]
pub struct Binaries(PathBuf);

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
        let missing = FUNCTIONS.iter().find(|name| !folder.join(name).is_file());
        missing.map_or(Ok(Self(folder.clone())), |name| {
            Err(Error::BinaryMissing(folder.join(name)))
        })
    }

    /// Where this function is.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}
