//! The pages that `holdfast bench --pages` measures: all of them, and each answers.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use bench::pages::{self, PAGES, WITHOUT_DATABASE};
use tests::stack::root;

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let below = entries.map(|entry| entry.unwrap().path());
    below
        .flat_map(|path| {
            if path.is_dir() {
                files(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

/// The routes of a source text that answer GET. A section's are below its name.
fn routes(text: &str) -> Vec<String> {
    let section = text.split_once("guard::routes(Section::");
    let section = section.and_then(|(_, rest)| rest.split(',').next());
    let prefix = section.map_or_else(String::new, |name| {
        format!("/console/{{shop}}/{}", name.to_lowercase())
    });
    let calls = text.split(".route(").skip(1);
    let reads = calls.filter(|call| {
        let call = call.split(".route(").next().unwrap_or_default();
        let call = call.split(';').next().unwrap_or_default();
        call.contains("get(")
    });
    reads
        .map(|call| {
            let path = call.trim_start().split(',').next().unwrap().trim();
            let path = match path {
                "CALLBACK" => "/console/callback",
                path => path.trim_matches('"'),
            };
            format!("{prefix}{path}").trim_end_matches('/').to_owned()
        })
        .collect()
}

/// A new page is measured, or the list says why not.
#[test]
fn every_page_of_the_console_is_in_the_list() {
    let source = root().join("functions/console/src");
    let texts = files(&source).into_iter().map(fs::read_to_string);
    let built: BTreeSet<String> = texts.flat_map(|text| routes(&text.unwrap())).collect();
    let measured = PAGES.iter().map(|page| page.route);
    let others = WITHOUT_DATABASE.iter().map(|(route, _)| *route);
    let listed: BTreeSet<String> = measured.chain(others).map(str::to_owned).collect();
    assert_eq!(listed, built);
    assert!(listed.len() > 20, "{listed:?}");
}

/// Orders: enough for each kind of example, and made in seconds.
const ORDERS: u32 = 6_000;

/// `make bench-pages` measures the same requests in a larger database.
#[tokio::test]
async fn every_page_of_the_list_answers() {
    let all = pages::read(ORDERS).await.unwrap();
    let wrong: Vec<_> = all.iter().filter(|one| !one.is_right()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(all.len(), PAGES.len());
}
