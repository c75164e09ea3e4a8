//! One word, one meaning (docs/glossary.md): no retired word comes back, and everything that the
//! glossary names exists.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use tests::stack::root;

/// Folders of code and documents, and files at the top.
const PLACES: [&str; 8] = [
    "functions",
    "shared",
    "migrations",
    "tools",
    "tests",
    "docs",
    "openapi.yaml",
    "README.md",
];
const CODE: [&str; 2] = ["rs", "sql"];
const TEXTS: [&str; 4] = ["rs", "sql", "md", "yaml"];

/// Where a word is retired.
#[derive(Clone, Copy, PartialEq)]
enum Where {
    /// Also in comments, messages and documents.
    Everywhere,
    /// In names; in sentences the word is plain English.
    Names,
    /// In names of tables, columns, routines and variables in SQL.
    SqlNames,
    /// In names below this folder.
    NamesIn(&'static str),
}
use Where::{Everywhere, Names, NamesIn, SqlNames};

/// A retired word (as it reads with spaces between its parts), the word to use, where it is
/// retired, and the phrases in which it may stay.
const RETIRED: [(&str, &str, Where, &[&str]); 30] = [
    ("begin core", "checkout_begin_attempt", Everywhere, &[]),
    ("create core", "order_create_attempt", Everywhere, &[]),
    ("core", "attempt", SqlNames, &[]),
    ("refused work", "must_roll_back", Everywhere, &[]),
    ("take", "generation", SqlNames, &[]),
    ("take again", "hold_again", SqlNames, &[]),
    ("p delivery", "p_webhook_envelope", Everywhere, &[]),
    ("verdict", "outcome (SQL), result", Everywhere, &[]),
    ("verdicts", "outcomes (SQL), results", Everywhere, &[]),
    ("patience", "…_timeout, …_max", Everywhere, &[]),
    ("mock", "what it is", Everywhere, &["oidc provider mock"]),
    ("world", "the gateways' state", Names, &[]),
    ("letter", "webhook", Names, &["dead letter"]),
    ("letters", "webhooks", Names, &["dead letters"]),
    ("postman", "the webhooks' sender", Everywhere, &[]),
    ("story", "sequence, scenario", Everywhere, &[]),
    ("stories", "sequences, scenarios", Everywhere, &[]),
    ("moment", "instant, clock reading", Names, &[]),
    ("kept", "passed, holds", NamesIn("tools/drill"), &[]),
    ("place", "field_path, route", NamesIn("shared/http"), &[]),
    (
        "account",
        "os_user",
        NamesIn("tools/local/src/postgres"),
        &[],
    ),
    ("claims", "another word", NamesIn("tools/drill"), &[]),
    (
        "gateway",
        "http_api",
        NamesIn("tools/local/src/gateway"),
        &[],
    ),
    ("holdfast-local", "holdfast up", Everywhere, &[]),
    ("holdfast-drill", "holdfast drill", Everywhere, &[]),
    ("holdfast-bench", "holdfast bench", Everywhere, &[]),
    ("holdfast-gateways", "holdfast gateways", Everywhere, &[]),
    ("holdfast-stock", "holdfast stock", Everywhere, &[]),
    ("holdfast-replay", "holdfast replay", Everywhere, &[]),
    ("functions/edge", "shared/http", Everywhere, &[]),
];

/// Files with one of these endings in the places.
fn files(endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> = PLACES.iter().map(|place| root().join(place)).collect();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(
                fs::read_dir(&path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        } else if path
            .extension()
            .is_some_and(|own| endings.iter().any(|ending| own == *ending))
        {
            found.push(path);
        }
    }
    assert!(found.len() > 50, "{}", found.len());
    found.sort();
    found
}

/// The words of a line, in small letters, with a space on each side of each: `CheckoutId` and
/// `checkout_id` are both ` checkout  id `.
fn words(line: &str) -> String {
    let mut spaced = String::new();
    let mut before = ' ';
    for c in line.chars() {
        if c.is_uppercase() && before.is_lowercase() || !c.is_alphanumeric() {
            spaced.push(' ');
        }
        spaced.extend(c.to_lowercase());
        before = c;
    }
    let words = spaced.split(|c: char| !c.is_alphanumeric());
    let words = words.filter(|word| !word.is_empty());
    words.map(|word| format!(" {word} ")).collect()
}

/// A line of code without its comment and its texts.
fn names(line: &str, path: &Path) -> String {
    let comment = if path.extension().is_some_and(|ending| ending == "sql") {
        "--"
    } else {
        "//"
    };
    let code = line.split(comment).next().unwrap();
    let quote = if comment == "--" { '\'' } else { '"' };
    code.split(quote)
        .step_by(2)
        .collect::<Vec<&str>>()
        .join(" ")
}

#[test]
fn no_retired_word_comes_back() {
    let mut found = Vec::new();
    for path in files(&TEXTS) {
        let is_code = CODE
            .iter()
            .any(|code| path.extension().is_some_and(|own| own == *code));
        let is_sql = path.extension().is_some_and(|own| own == "sql");
        let name = path.strip_prefix(root()).unwrap().display().to_string();
        // This table names them all.
        if path.ends_with(file!()) {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        // Most files have none of the words' letters.
        let lower = text.to_lowercase();
        let mut retired = RETIRED.to_vec();
        retired.retain(|(word, ..)| word.split(' ').all(|part| lower.contains(part)));
        if retired.is_empty() {
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            let (all, in_names) = (words(line), words(&names(line, &path)));
            for (retired, instead, place, allowed) in &retired {
                let text = match place {
                    Everywhere => &all,
                    Names if is_code => &in_names,
                    SqlNames if is_sql => &in_names,
                    NamesIn(folder) if is_code && name.starts_with(folder) => &in_names,
                    _ => continue,
                };
                let text = allowed.iter().fold(text.clone(), |text, phrase| {
                    text.replace(&words(phrase), "")
                });
                let is_there = match retired.contains(['-', '/']) {
                    true => line.contains(retired),
                    false => text.contains(&words(retired)),
                };
                if is_there {
                    found.push(format!("{name}:{}: {retired}: {instead}", number + 1));
                }
            }
        }
    }
    assert!(
        found.is_empty(),
        "{} times:\n{}",
        found.len(),
        found.join("\n")
    );
}

/// The glossary's last column names tables, columns, routines, types and fields that exist.
#[test]
fn everything_that_the_glossary_names_exists() {
    let mut known = BTreeSet::new();
    for path in files(&["rs", "sql", "yaml"]) {
        let text = fs::read_to_string(path).unwrap();
        let in_name = |c: char| c.is_alphanumeric() || c == '_';
        known.extend(text.split(|c| !in_name(c)).map(str::to_owned));
    }
    let glossary = fs::read_to_string(root().join("docs/glossary.md")).unwrap();
    let mut rows = 0;
    let mut missing = Vec::new();
    for row in glossary.lines().filter(|line| line.starts_with("| **")) {
        rows += 1;
        let place = row
            .trim_end_matches('|')
            .rsplit_once(" | ")
            .map_or("", |(_, last)| last);
        for name in place.split('`').skip(1).step_by(2) {
            let exists = match name.contains('/') {
                true => root().join(name.split('…').next().unwrap()).exists(),
                false => name
                    .split(['.', ':'])
                    .filter(|part| !part.is_empty() && !part.starts_with('…'))
                    .all(|part| known.contains(part)),
            };
            if !exists && !name.starts_with("/v1/") {
                missing.push(name.to_owned());
            }
        }
    }
    assert!(rows > 60, "{rows}");
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn a_word_is_found_in_every_spelling() {
    assert_eq!(
        words("CheckoutBegin::hold_again"),
        words("checkout begin hold again")
    );
    let line = r#"let held = "a text"; // a comment"#;
    assert_eq!(words(&names(line, Path::new("a.rs"))), words("let held"));
}
