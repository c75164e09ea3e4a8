//! The stylesheet, the script and the icon. Their names contain a hash, so browsers keep them for a
//! year, and fetch a new version at once.

use std::sync::LazyLock;

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use holdfast_http::Problem;
use lambda_http::http::header;
use sha2::{Digest as _, Sha256};

use crate::app::Shared;

const KEPT: &str = "public, max-age=31536000, immutable";

/// One file.
pub(crate) struct Asset {
    name: String,
    content_type: &'static str,
    text: &'static str,
}

pub(crate) static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    let text = include_str!("../assets/console.css");
    Asset::new("console", "css", "text/css; charset=utf-8", text)
});
pub(crate) static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    let text = include_str!("../assets/live.js");
    Asset::new("live", "js", "text/javascript; charset=utf-8", text)
});
pub(crate) static ICON: LazyLock<Asset> = LazyLock::new(|| {
    let text = include_str!("../assets/icon.svg");
    Asset::new("icon", "svg", "image/svg+xml", text)
});

impl Asset {
    fn new(name: &str, ending: &str, content_type: &'static str, text: &'static str) -> Self {
        let hash = data_encoding::HEXLOWER.encode(&Sha256::digest(text)[..8]);
        Self {
            name: format!("{name}-{hash}.{ending}"),
            content_type,
            text,
        }
    }

    pub(crate) fn path(&self) -> String {
        format!("/console/assets/{}", self.name)
    }
}

pub(crate) fn routes() -> Router<Shared> {
    Router::new().route("/console/assets/{file}", get(read))
}

async fn read(Path(file): Path<String>) -> Result<Response, Problem> {
    let known = [&*STYLE, &*SCRIPT, &*ICON];
    let found = known.into_iter().find(|asset| asset.name == file);
    let asset = found.ok_or_else(|| Problem::not_found("file"))?;
    let headers = [
        (header::CONTENT_TYPE, asset.content_type),
        (header::CACHE_CONTROL, KEPT),
    ];
    Ok((headers, asset.text).into_response())
}
