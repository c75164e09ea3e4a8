//! The shape of the tree: dependencies, names. Lengths: tools/lint/lengths.py.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use tests::stack::root;

const FUNCTIONS: [&str; 7] = [
    "checkout", "webhook", "payments", "sweeper", "migrate", "admin", "console",
];

/// Files below these folders with one of these endings, as (path from the root, text).
fn files(folders: &[&str], endings: &[&str]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> = folders.iter().map(|folder| root().join(folder)).collect();
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|_| panic!("{}", folder.display())) {
            let path = entry.unwrap().path();
            let ending = path
                .extension()
                .and_then(|ending| ending.to_str())
                .unwrap_or_default();
            if path.is_dir() {
                open.push(path);
            } else if endings.contains(&ending) {
                let name = path.strip_prefix(root()).unwrap().display().to_string();
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(!found.is_empty());
    found.sort();
    found
}

/// Fails with all findings at once.
#[track_caller]
fn assert_none(what: &str, wrong: &[String]) {
    assert!(wrong.is_empty(), "{what}:\n{}", wrong.join("\n"));
}

/// The packages that a manifest depends on, without those of tests and build scripts.
fn dependencies(manifest: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(root().join(manifest)).unwrap();
    let mut section = "";
    let mut names = BTreeSet::new();
    for line in text.lines() {
        if line.starts_with('[') {
            section = line;
        } else if section == "[dependencies]" && line.contains('=') {
            names.insert(line.split(['.', ' ', '=']).next().unwrap().to_owned());
        }
    }
    names
}

/// Tests and tools may use functions, functions the shared crates, and all of them `operations`.
#[test]
fn dependencies_point_one_way() {
    let depends = |folder: &str, wrong: &dyn Fn(&str) -> bool| {
        let all = dependencies(&format!("{folder}/Cargo.toml"));
        let wrong = all.iter().find(|name| wrong(name));
        assert_eq!(wrong, None, "{folder} must not depend on it");
    };
    let function = |name: &str| {
        name.strip_prefix("holdfast-")
            .is_some_and(|name| FUNCTIONS.contains(&name))
    };
    let cloud = |name: &str| name.starts_with("aws") || name.starts_with("lambda");
    depends("shared/operations", &|name| {
        function(name) || cloud(name) || ["gateways", "holdfast-http"].contains(&name)
    });
    depends("shared/http", &|name| {
        function(name) || name.starts_with("aws") || name == "gateways"
    });
    depends("shared/gateways", &|name| {
        function(name) || cloud(name) || name == "holdfast-http"
    });
    depends("shared/aws", &|name| {
        function(name)
            || name.starts_with("lambda")
            || ["gateways", "holdfast-http"].contains(&name)
    });
    for name in FUNCTIONS {
        depends(&format!("functions/{name}"), &|other| {
            function(other)
                || other.starts_with("aws-")
                || ["local", "drill", "simulator", "tests"].contains(&other)
                // a function calls operations; only a migration speaks SQL itself
                || other == "tokio-postgres" && name != "migrate"
        });
    }
    // The simulator behaves like the gateways, and the drill sees what a shopper sees: neither may
    // trust the product's code.
    for witness in ["tools/simulator", "tools/drill"] {
        depends(witness, &|name| {
            function(name) || ["operations", "gateways", "holdfast-http", "local"].contains(&name)
        });
    }
    depends("tools/local", &|name| {
        function(name) || name == "operations"
    });
}

/// Scenario 13. Promise 8: a process with a wrong clock must not be able to give the time. On one
/// machine all clocks agree, so no answer could show that. Therefore no code may read a clock.
#[test]
fn no_answer_carries_the_clock_of_a_process() {
    let mut found = Vec::new();
    for (name, text) in files(&["shared", "functions"], &["rs"]) {
        for line in text.lines() {
            if line.contains("now_utc") || line.contains("SystemTime::now") {
                found.push(format!("{name}: {}", line.trim()));
            }
        }
    }
    let expected = [
        // the age of a session, which decides nothing about stock or money
        "functions/console/src/session.rs: time::OffsetDateTime::now_utc().unix_timestamp()",
        // the rest of an invocation's time: the deadline is from the same clock
        "functions/sweeper/src/lib.rs: .duration_since(SystemTime::now())",
        // the time of a message's signature, which its receiver checks against its own clock
        "functions/sweeper/src/subscribers.rs: let timestamp = SystemTime::now()",
        // the age of a signature (the gateway's clock against ours), and the arrival, for people
        "functions/webhook/src/receive.rs: now: time::OffsetDateTime::now_utc(),",
        // the time of a token's signature, which the database checks against its own clock
        "shared/aws/src/token.rs: SystemTime::now(),",
        // the idle time of a connection and the age of a cached secret, also across a freeze
        "shared/operations/src/clock.rs: wall: SystemTime::now(),",
        // the time of metrics, for graphs
        concat!(
            "shared/operations/src/telemetry/emf.rs: ",
            "let now = SystemTime::now().duration_since(UNIX_EPOCH);"
        ),
    ];
    assert_eq!(found, expected);
}

#[test]
fn each_routine_has_a_file_of_its_name() {
    let mut wrong = Vec::new();
    for (name, text) in files(&["migrations/routines"], &["sql"]) {
        // `checkout/internal/end.sql` makes checkout_end.
        let stem = name["migrations/routines/".len()..]
            .replace("/internal/", "/")
            .replace('/', "_");
        let made: Vec<&str> = text
            .split("create or replace ")
            .skip(1)
            .map(|rest| {
                rest.split("holdfast.")
                    .nth(1)
                    .unwrap()
                    .split('(')
                    .next()
                    .unwrap()
            })
            .collect();
        // An old signature that is kept for a while: `checkout/release.until_0_4.sql`.
        let routine = stem.split('.').next().unwrap();
        if made != [routine] {
            wrong.push(format!("{name} makes {made:?}"));
        }
        if !text.starts_with("-- ") {
            wrong.push(format!("{name} does not say what it is for"));
        }
    }
    assert_none("one routine a file, named as it", &wrong);
}

/// The folder of a routine says whether functions call it.
#[test]
fn routines_that_only_routines_call_are_internal() {
    // A person calls them.
    let by_hand = [
        "early_release_choose",
        "early_release_pause",
        "payment_event_dismiss",
        "promises_check",
    ];
    let callers: String = files(&["functions", "shared"], &["rs"])
        .into_iter()
        .map(|(_, text)| text)
        .collect();
    let mut wrong = Vec::new();
    for (name, text) in files(&["migrations/routines"], &["sql"]) {
        let routine = text.split("holdfast.").nth(1).unwrap();
        let routine = routine.split('(').next().unwrap();
        let called =
            by_hand.contains(&routine) || callers.contains(&format!("holdfast.{routine}("));
        if called == name.contains("/internal/") {
            wrong.push(name);
        }
    }
    assert_none("in internal/ what no function calls", &wrong);
}

/// The same word names the route, the Rust function and the routine. The function stands in a file
/// of its own, or in its noun's.
#[test]
fn one_word_names_operation_module_and_routine() {
    let openapi = fs::read_to_string(root().join("openapi.yaml")).unwrap();
    let operations: Vec<&str> = openapi
        .lines()
        .filter_map(|line| line.trim().strip_prefix("operationId: "))
        .collect();
    assert!(operations.len() >= 8, "{operations:?}");
    for operation in operations {
        // A webhook ends at the queue: the function behind it records the event.
        let operation = if operation.starts_with("webhook_receive") {
            "payment_record_event"
        } else {
            operation
        };
        let (noun, verb) = operation.split_once('_').unwrap();
        let function = format!("pub async fn {verb}(");
        let files = [format!("{noun}/{verb}.rs"), format!("{noun}/mod.rs")];
        let file = files.iter().find_map(|file| {
            let text = fs::read_to_string(root().join("shared/operations/src").join(file));
            text.ok().filter(|text| text.contains(&function))
        });
        let file = file.unwrap_or_else(|| panic!("{function}…) is in none of {files:?}"));
        assert!(
            file.contains(&format!("holdfast.{operation}(")),
            "{operation}"
        );
        assert!(
            root()
                .join(format!("migrations/routines/{noun}/{verb}.sql"))
                .is_file(),
            "{operation}"
        );
    }
}

/// Whether a file is compiled for tests only.
fn is_for_tests(name: &str) -> bool {
    let path = Path::new(name);
    let module = path.file_stem().unwrap().to_str().unwrap();
    let declared = format!("#[cfg(test)]\nmod {module};");
    let folder = root().join(path.parent().unwrap());
    let parent = folder.with_extension("rs");
    let parents = [
        folder.join("main.rs"),
        folder.join("lib.rs"),
        folder.join("mod.rs"),
        parent,
    ];
    name.starts_with("tests/")
        || parents
            .iter()
            .any(|parent| fs::read_to_string(parent).is_ok_and(|text| text.contains(&declared)))
}

#[test]
fn nothing_is_skipped_and_nothing_is_unwrapped_outside_tests() {
    // In two parts, so that this file does not find itself.
    let ignore = concat!("#[", "ignore");
    let allow = concat!("#[", "allow(");
    let unwrap = concat!(".unwrap", "()");
    let mut wrong = Vec::new();
    for (name, text) in files(&["functions", "shared", "tools", "tests"], &["rs"]) {
        // The second half of a test, which its first half runs in another process, is not skipped.
        let runs_ignored = text.contains(concat!("\"--", "ignored\""));
        let body = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        for (number, line) in text.lines().enumerate() {
            if line.contains(ignore) && !runs_ignored || line.contains(allow) {
                wrong.push(format!("{name}:{}: {}", number + 1, line.trim()));
            }
        }
        if is_for_tests(&name) {
            continue;
        }
        for (number, line) in body.lines().enumerate() {
            if line.contains(unwrap) && !line.trim().starts_with("//") {
                wrong.push(format!("{name}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    assert_none("not here", &wrong);
}

/// A guard is marked in the SQL for its negative control (tests/support/routine.rs).
#[test]
fn every_marked_guard_has_a_control() {
    let controls: String = files(&["tests/rules", "tests/stack"], &["rs"])
        .into_iter()
        .map(|(_, text)| text)
        .collect();
    let mut wrong = Vec::new();
    for (name, text) in files(&["migrations/routines"], &["sql"]) {
        let guards = text.split("-- guard(").skip(1);
        for mark in guards.chain(text.split("-- race(").skip(1)) {
            let mark = mark.split(')').next().unwrap();
            if !controls.contains(&format!("\"{mark}\"")) {
                wrong.push(format!("{name}: {mark}"));
            }
        }
    }
    assert_none("no test takes this guard out", &wrong);
}

/// Tests share code through tests/support only. A test with submodules may have a file of its own
/// for them, such as rules/mixed/traffic.rs.
#[test]
fn no_test_imports_from_another() {
    let mut wrong = Vec::new();
    let folders = ["tests/rules", "tests/http", "tests/stack", "tests/contract"];
    for (name, text) in files(&folders, &["rs"]) {
        let folder = root().join(&name);
        let folder = folder.parent().unwrap();
        for (number, line) in text.lines().enumerate() {
            // a string, such as an example of an import
            if line.contains('"') {
                continue;
            }
            let sibling = line.trim().strip_prefix("use super::");
            let sibling = sibling.and_then(|rest| rest.split("::").next());
            let is_a_submodule = name.matches('/').count() > 2
                && sibling.is_some_and(|sibling| folder.join(format!("{sibling}.rs")).is_file());
            if line.contains("crate::") || line.contains("super::") && !is_a_submodule {
                wrong.push(format!("{name}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    assert_none("move it to tests/support", &wrong);
}

#[test]
fn a_function_is_wired_in_30_lines() {
    for function in FUNCTIONS {
        let main =
            fs::read_to_string(root().join(format!("functions/{function}/src/main.rs"))).unwrap();
        assert!(
            main.lines().count() <= 30,
            "functions/{function}/src/main.rs"
        );
        let manifest =
            fs::read_to_string(root().join(format!("functions/{function}/Cargo.toml"))).unwrap();
        assert!(
            manifest.contains(&format!("name = \"holdfast-{function}\"")),
            "{function}"
        );
    }
}

#[test]
fn the_changelog_has_an_entry_for_this_version() {
    let text = fs::read_to_string(root().join("CHANGELOG.md")).unwrap();
    let entry = text.split("\n## ").nth(1).unwrap();
    assert!(entry.contains("\n- "), "{entry}");
    let version = env!("CARGO_PKG_VERSION");
    assert!(text.contains(version), "nothing about {version}");
}

/// The project does not know the developer's machine.
#[test]
fn no_path_of_a_developers_machine_is_in_the_tree() {
    let places = [
        concat!("/ro", "ot/"),
        concat!("/ho", "me/"),
        concat!("/wo", "rk/"),
        concat!("/Us", "ers/"),
    ];
    let mut wrong = Vec::new();
    let everything = files(
        &[
            "functions",
            "shared",
            "tools",
            "tests",
            "migrations",
            "docs",
        ],
        &["rs", "sql", "md", "toml", "json", "py", "sh"],
    );
    for (name, text) in everything {
        for (number, line) in text.lines().enumerate() {
            if places.iter().any(|place| line.contains(place)) {
                wrong.push(format!("{name}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    assert_none("a path of a developer's machine", &wrong);
}
