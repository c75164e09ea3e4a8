//! The id of an import comes from the file's content, so that running the same file again finds the
//! interrupted import. After a complete import, the next run of the file gets the next id.

use std::fs::File;
use std::io::Read;

use sha2::{Digest as _, Sha256};
use uuid::{Builder, Uuid};

use crate::args::Format;

/// How a file is cut into parts. Parts of two versions do not fit together.
const CUT_VERSION: &str = "holdfast stock 1";

/// The content of a file.
pub(crate) struct Content(Sha256);

impl Content {
    /// Reads it through.
    pub(crate) fn of(file: &mut File, format: Format) -> std::io::Result<Self> {
        let mut hash = Sha256::new();
        hash.update(CUT_VERSION);
        hash.update(format.name());
        let mut buffer = vec![0; 64 * 1024];
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok(Self(hash)),
                read => hash.update(&buffer[..read]),
            }
        }
    }

    /// The id of its `run`th import, from 0.
    pub(crate) fn import_id(&self, run: u32) -> Uuid {
        let mut hash = self.0.clone();
        hash.update(run.to_be_bytes());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash.finalize()[..16]);
        Builder::from_custom_bytes(bytes).into_uuid()
    }
}
