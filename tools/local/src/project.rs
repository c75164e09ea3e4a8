//! Where the project's own folders are.

use std::path::{Path, PathBuf};

/// The project's root: the nearest folder above the current one that holds this crate, else the
/// one this crate was built in (a test binary may run from anywhere).
#[must_use]
pub fn root() -> PathBuf {
    let is_root = |folder: &Path| folder.join("tools/local/catalogue").is_dir();
    std::env::current_dir()
        .ok()
        .and_then(|here| here.ancestors().find(|f| is_root(f)).map(Path::to_path_buf))
        .unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."))
}

/// Where `tools/setup` puts what the machine lacks.
#[must_use]
pub fn tools() -> PathBuf {
    root().join(".tools")
}
