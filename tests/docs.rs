//! What the documents say of the tests: every test that they name is there, and every scenario that
//! a test speaks of is in the list.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use tests::stack::root;

/// The documents that are made of tests, named as `` `file.rs`: `test`, `test` ``.
const DOCUMENTS: [&str; 3] = ["invariants.md", "requirements.md", "scenarios.md"];

fn every_document() -> Vec<String> {
    let mut found = vec!["README.md".to_owned(), "CONTRIBUTING.md".to_owned()];
    for folder in ["docs", "docs/decisions"] {
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if name.ends_with(".md") {
                found.push(format!("{folder}/{name}"));
            }
        }
    }
    found
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The (file, test) pairs that a text names.
fn named(text: &str) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    let parts: Vec<&str> = text.split('`').collect();
    let mut file = None;
    // Code and what is between code take turns; code is at the odd places.
    for pair in parts[1..].chunks_exact(2) {
        let (code, behind) = (pair[0], pair[1]);
        if let Some(file) = file {
            pairs.push((file, code.to_owned()));
        }
        file = match behind {
            ": " if code.ends_with(".rs") => Some(code.to_owned()),
            ", " => pairs.last().map(|(file, _)| file.clone()),
            _ => None,
        };
        // a list goes on only behind a test
        if behind == ", " && pairs.last().is_none_or(|(_, test)| test != code) {
            file = None;
        }
    }
    pairs
}

#[test]
fn every_test_that_a_document_names_exists() {
    let mut missing = Vec::new();
    for document in every_document() {
        let pairs = named(&read(&document));
        let of_tests = DOCUMENTS
            .iter()
            .any(|name| document == format!("docs/{name}"));
        assert!(!of_tests || pairs.len() > 20, "{document}: {}", pairs.len());
        for (file, test) in pairs {
            let text = fs::read_to_string(root().join("tests").join(&file)).unwrap_or_default();
            if !text.contains(&format!("fn {test}(")) {
                missing.push(format!("{document}: {file}: {test}"));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

/// The numbers in `text` behind "scenario" or "scenarios", as far as their list goes.
fn numbers(text: &str) -> BTreeSet<u32> {
    let lower = text.to_lowercase();
    let mut found = BTreeSet::new();
    for behind in lower.split("scenario").skip(1) {
        for word in behind.trim_start_matches('s').split_whitespace() {
            let number = word.trim_end_matches(|end: char| !end.is_ascii_digit());
            match number.parse() {
                Ok(number) => found.insert(number),
                Err(_) if word == "and" => continue,
                Err(_) => break,
            };
            if number != word && !word.ends_with(',') {
                break;
            }
        }
    }
    found
}

/// The tests of a file with the comments above them.
fn tests_with_comments(text: &str) -> Vec<(String, String)> {
    let mut tests = Vec::new();
    let mut comment = String::new();
    for line in text.lines().map(str::trim) {
        if let Some(more) = line.strip_prefix("///") {
            comment.push_str(more);
        } else if let Some((_, behind)) = line.split_once("fn ") {
            let name = behind.split('(').next().unwrap().to_owned();
            tests.push((name, std::mem::take(&mut comment)));
        } else if !line.starts_with("#[") {
            comment.clear();
        }
    }
    tests
}

#[test]
fn every_test_of_a_scenario_stands_in_its_row() {
    let scenarios = read("docs/scenarios.md");
    let rows: BTreeMap<u32, &str> = scenarios
        .lines()
        .filter_map(|line| Some((line.split('|').nth(1)?.trim().parse().ok()?, line)))
        .collect();
    let numbered: Vec<u32> = rows.keys().copied().collect();
    assert_eq!(numbered, (1..=29).collect::<Vec<u32>>());
    for (number, row) in &rows {
        assert!(
            !named(row).is_empty() || row.contains("**not yet**"),
            "{number}"
        );
    }
    let mut wrong = Vec::new();
    let mut seen = 0;
    for entry in fs::read_dir(root().join("tests")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        for (test, comment) in tests_with_comments(&fs::read_to_string(&path).unwrap()) {
            for number in numbers(&comment) {
                seen += 1;
                let row = rows.get(&number).copied().unwrap_or_default();
                if !row.contains(&format!("`{test}`")) {
                    wrong.push(format!("{test} is not in row {number}"));
                }
            }
        }
    }
    assert!(seen > 30, "{seen}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}
