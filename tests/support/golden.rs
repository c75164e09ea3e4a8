//! Webhooks that the gateways' own client libraries signed or verified (tools/golden).

use std::path::PathBuf;
use std::sync::LazyLock;

use operations::payment::Gateway;
use serde::Deserialize;
use time::OffsetDateTime;

use crate::stack::root;
use crate::webhooks::Headers;

/// One webhook.
#[derive(Debug, Deserialize)]
pub struct Golden {
    /// The gateway.
    pub gateway: Gateway,
    /// Its type, as the gateway calls it.
    pub event: String,
    /// The library that signed or verified it.
    pub library: Library,
    /// The time of the signature, in seconds since 1970.
    signed_at: i64,
    /// All secrets that it is signed with.
    pub secrets: Vec<String>,
    /// Lower-case names.
    pub headers: Headers,
    /// The raw body.
    pub body: String,
    /// For example `stripe/intent_succeeded`.
    #[serde(skip)]
    pub name: String,
}

/// A gateway's client library.
#[derive(Debug, Deserialize)]
pub struct Library {
    /// What the library did with the webhook.
    pub did: String,
}

impl Golden {
    /// The time of arrival.
    pub fn now(&self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(self.signed_at).unwrap()
    }
}

/// All golden webhooks, by name.
pub static GOLDEN: LazyLock<Vec<Golden>> = LazyLock::new(|| {
    let folder = root().join("tests/fixtures/webhooks");
    let mut all = Vec::new();
    for gateway in Gateway::ALL {
        let files = std::fs::read_dir(folder.join(gateway.as_str())).unwrap();
        let mut paths: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
        paths.sort();
        for path in paths {
            let text = std::fs::read_to_string(&path).unwrap();
            let mut golden: Golden = serde_json::from_str(&text).unwrap();
            assert_eq!(golden.gateway, gateway, "{}", path.display());
            golden.name = format!("{gateway}/{}", path.file_stem().unwrap().to_str().unwrap());
            all.push(golden);
        }
    }
    all
});

/// The golden webhook of this name.
pub fn golden(name: &str) -> &'static Golden {
    let found = GOLDEN.iter().find(|golden| golden.name == name);
    found.unwrap_or_else(|| panic!("no fixture {name}"))
}
