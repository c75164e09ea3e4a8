//! What the documents name exists: tests, operations, routines, files, headings.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use tests::contract::CONTRACT;
use tests::stack::root;

/// The documents that list tests: in bullets, and in the last column of a table.
const LISTS_OF_TESTS: [&str; 3] = [
    "docs/invariants.md",
    "docs/requirements.md",
    "docs/scenarios.md",
];
const README_LINES_MAX: usize = 150;
/// A name in them with so many words is a test's.
const WORDS_MIN: usize = 4;

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every file below a folder with this ending.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.extension().is_some_and(|own| own == ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// README.md, CONTRIBUTING.md, SECURITY.md, CHANGELOG.md and everything in docs/.
fn documents() -> Vec<PathBuf> {
    let at_the_top = fs::read_dir(root())
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> = at_the_top
        .filter(|path| path.extension().is_some_and(|ending| ending == "md"))
        .collect();
    found.extend(files(&root().join("docs"), "md"));
    found
}

/// The parts of a text between backticks.
fn codes(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The tests that a part of a document names.
fn named(text: &str) -> Vec<&str> {
    let is_a_test = |code: &&str| {
        let in_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        code.chars().all(in_name) && code.split('_').count() >= WORDS_MIN
    };
    codes(text).filter(is_a_test).collect()
}

#[test]
fn the_readme_is_short() {
    let lines = read("README.md").lines().count();
    assert!(lines <= README_LINES_MAX, "{lines}");
}

/// What lists tests in a line: a bullet that begins with a name, or the last column.
fn list_of_tests(line: &str) -> &str {
    if line.starts_with("- `") {
        return line;
    }
    let columns = line.trim_end().trim_end_matches('|');
    columns.rsplit_once(" | ").map_or("", |(_, last)| last)
}

/// Each test of tests/ with the comment above it.
fn tests_with_comments() -> Vec<(String, String)> {
    let mut tests = Vec::new();
    for path in files(&root().join("tests"), "rs") {
        let mut comment = String::new();
        let mut is_a_test = false;
        for line in fs::read_to_string(path).unwrap().lines().map(str::trim) {
            if let Some(more) = line.strip_prefix("///") {
                comment.push_str(more);
            } else if line.starts_with("#[") {
                is_a_test |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
            } else {
                let name = line
                    .split_once("fn ")
                    .and_then(|(_, rest)| rest.split_once('('));
                if let (true, Some((name, _))) = (is_a_test, name) {
                    tests.push((name.to_owned(), comment.clone()));
                }
                comment.clear();
                is_a_test = false;
            }
        }
    }
    tests
}

#[test]
fn every_test_that_a_document_names_exists() {
    let tests: BTreeSet<String> = tests_with_comments()
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    let mut missing = Vec::new();
    for document in LISTS_OF_TESTS {
        let text = read(document);
        let text = text.split("<!-- tests -->").last().unwrap();
        let names: Vec<&str> = text.lines().map(list_of_tests).flat_map(named).collect();
        assert!(names.len() > 20, "{document}: {}", names.len());
        let unknown = names.iter().filter(|name| !tests.contains(**name));
        missing.extend(unknown.map(|name| format!("{document}: {name}")));
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

#[test]
fn every_test_of_a_scenario_stands_in_its_row() {
    let scenarios = read("docs/scenarios.md");
    let rows: BTreeMap<u32, &str> = scenarios
        .lines()
        .filter_map(|line| Some((line.split('|').nth(1)?.trim().parse().ok()?, line)))
        .collect();
    let numbered: Vec<u32> = rows.keys().copied().collect();
    assert_eq!(numbered, (1..=32).collect::<Vec<u32>>());
    for (number, row) in &rows {
        assert!(!named(list_of_tests(row)).is_empty(), "{number}");
    }
    let mut wrong = Vec::new();
    let mut seen = 0;
    for (test, comment) in tests_with_comments() {
        for number in numbers(&comment) {
            seen += 1;
            let row = rows.get(&number).copied().unwrap_or_default();
            if !row.contains(&format!("`{test}`")) {
                wrong.push(format!("{test} is not in row {number}"));
            }
        }
    }
    assert!(seen > 30, "{seen}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The table of operations, as the contract has it. `one_word_names_operation_module_and_routine`
/// shows that the module and the routine exist.
fn table_of_operations() -> String {
    let mut rows = vec![
        "| route | function | module | routine |".to_owned(),
        "|---|---|---|---|".to_owned(),
    ];
    let mut operations = CONTRACT.operations();
    operations.sort_by_key(|(method, path, _)| {
        (path.starts_with("/v1/admin/"), path.clone(), method.clone())
    });
    for (method, path, operation) in operations {
        let (function, operation) = if operation.starts_with("webhook_receive") {
            (
                "`webhook`, later `payments`",
                "payment_record_event".to_owned(),
            )
        } else if path.starts_with("/v1/admin/") {
            ("`admin`", operation)
        } else {
            ("`checkout`", operation)
        };
        let (noun, verb) = operation.split_once('_').unwrap();
        rows.push(format!(
            "| `{method} {path}` | {function} | `{noun}::{verb}` | `{operation}` |"
        ));
    }
    rows.join("\n") + "\n"
}

#[test]
fn the_table_of_operations_is_that_of_the_contract() {
    let architecture = read("docs/architecture.md");
    let begin = "<!-- operations -->\n";
    let (before, rest) = architecture.split_once(begin).unwrap();
    let (table, after) = rest.split_once("<!-- /operations -->").unwrap();
    let expected = table_of_operations();
    if std::env::var_os("HOLDFAST_WRITE_DOCS").is_some() {
        let text = format!("{before}{begin}{expected}<!-- /operations -->{after}");
        fs::write(root().join("docs/architecture.md"), text).unwrap();
    } else {
        assert_eq!(table, expected, "HOLDFAST_WRITE_DOCS=1 writes it");
    }
}

/// The table below it: what runs without a route.
#[test]
fn every_routine_that_runs_by_itself_exists() {
    let routines: BTreeSet<String> = files(&root().join("migrations/routines"), "sql")
        .iter()
        .flat_map(|path| {
            let text = fs::read_to_string(path).unwrap();
            let made = text.split("create or replace ").skip(1);
            let name = |rest: &str| {
                Some(
                    rest.split_once("holdfast.")?
                        .1
                        .split_once('(')?
                        .0
                        .to_owned(),
                )
            };
            made.filter_map(name).collect::<Vec<String>>()
        })
        .collect();
    let architecture = read("docs/architecture.md");
    let section = architecture.split("<!-- /operations -->").nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let names: Vec<&str> = codes(section).filter(|code| code.contains('_')).collect();
    assert!(names.len() > 10, "{names:?}");
    for name in names {
        assert!(
            routines.contains(name) || name == "payment_gateway",
            "{name}"
        );
    }
}

/// GitHub's name of a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase();
    let kept = kept
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.collect::<String>().replace(' ', "-")
}

#[test]
fn no_link_of_a_document_is_broken() {
    let mut broken = Vec::new();
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        for rest in text.split("](").skip(1) {
            let link = rest.split(')').next().unwrap();
            if link.contains("://") {
                continue;
            }
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = match file {
                "" => document.clone(),
                _ => document.parent().unwrap().join(file),
            };
            let has_it = |text: String| {
                let mut headings = text.lines().filter(|line| line.starts_with('#'));
                headings.any(|line| anchor(line.trim_start_matches('#').trim()) == heading)
            };
            let found = match heading {
                "" => target.exists(),
                _ => fs::read_to_string(&target).is_ok_and(has_it),
            };
            if !found {
                broken.push(format!("{}: {link}", document.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}
