//! The folders of the project and of a run.

use std::path::{Path, PathBuf};

use crate::Error;

/// The project's root: the nearest folder above the current one that holds this crate, or else the
/// folder that this crate was built in. A test binary may run from anywhere.
#[must_use]
pub fn root() -> PathBuf {
    let is_root = |folder: &&Path| folder.join("tools/local/catalogue").is_dir();
    let here = std::env::current_dir().unwrap_or_default();
    let found = here.ancestors().find(is_root);
    found.map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."),
        Path::to_path_buf,
    )
}

/// `tools/setup` puts here what the machine lacks.
pub(crate) fn tools() -> PathBuf {
    root().join(".tools")
}

/// `/tmp/holdfast-XXXXXX`, a new folder that the caller's reaper removes. Not in the platform's
/// temporary folder: the path of a Unix socket may have only 107 bytes.
pub(crate) fn run_folder() -> Result<PathBuf, Error> {
    let folder = tempfile::Builder::new()
        .prefix("holdfast-")
        .tempdir_in("/tmp")
        .map_err(Error::io("make a folder in /tmp"))?;
    Ok(folder.keep())
}
