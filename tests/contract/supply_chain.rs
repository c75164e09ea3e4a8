//! Foreign code that this project runs: each in a pinned version.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use tests::stack::root;

/// Commands of a workflow besides the Makefile's verbs: the tools that a runner lacks.
const TOOLCHAIN: &str = "rustup ";
const PACKAGES: &str = "sudo apt-get ";

/// Files of the project below a folder, as (path from the root, text), without build output.
fn files(folder: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> = vec![root().join(folder)];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|_| panic!("{}", folder.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("node_modules") && !path.ends_with("__pycache__") {
                open.push(path);
            } else if let Ok(text) = fs::read_to_string(&path) {
                let name = path.strip_prefix(root()).unwrap().display().to_string();
                found.push((name, text));
            }
        }
    }
    assert!(!found.is_empty());
    found.sort();
    found
}

fn workflows() -> Vec<(String, String)> {
    let found = files(".github/workflows");
    assert!(found.iter().all(|(name, _)| name.ends_with(".yml")));
    found
}

/// Every script that people and CI run: the verbs, and the scripts that they call.
fn scripts() -> Vec<(String, String)> {
    let mut found = files("tools");
    found.retain(|(name, text)| {
        text.starts_with("#!") || name.ends_with(".py") || name.ends_with(".sh")
    });
    for name in ["Makefile", ".ci/run"] {
        let text = fs::read_to_string(root().join(name)).unwrap();
        found.push((name.to_owned(), text));
    }
    assert!(found.len() > 5, "{}", found.len());
    found
}

fn parsed(text: &str) -> Value {
    serde_norway::from_str(text).unwrap()
}

/// The values of a key, at any depth.
fn values<'a>(key: &str, within: &'a Value, found: &mut Vec<&'a str>) {
    match within {
        Value::Object(members) => {
            for (name, value) in members {
                match value.as_str() {
                    Some(text) if name == key => found.push(text),
                    _ => values(key, value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| values(key, item, found)),
        _ => {}
    }
}

/// Actions that are not pinned to a commit, or without a comment with their release.
fn loose_actions(workflow: &str) -> Vec<String> {
    let tree = parsed(workflow);
    let mut used = Vec::new();
    values("uses", &tree, &mut used);
    let is_pinned = |action: &&str| {
        let commit = action.split_once('@').map_or("", |(_, commit)| commit);
        let is_commit = commit.len() == 40 && commit.chars().all(|c| c.is_ascii_hexdigit());
        is_commit && workflow.contains(&format!("uses: {action} # v"))
    };
    used.iter()
        .filter(|action| !is_pinned(action))
        .map(|action| (*action).to_owned())
        .collect()
}

#[test]
fn every_action_is_pinned_to_a_commit() {
    let mut seen = 0;
    for (name, text) in workflows() {
        seen += text.matches("uses: ").count();
        assert_eq!(loose_actions(&text), Vec::<String>::new(), "{name}");
    }
    assert!(seen > 5, "{seen}");
    // The control: a tag, a branch, a shortened commit, a commit without its release.
    let commit = "0123456789abcdef0123456789abcdef01234567";
    for loose in [
        "a/b@v4 # v4",
        "a/b@main",
        "a/b@0123456 # v1",
        &format!("a/b@{commit}"),
    ] {
        let workflow = format!("jobs:\n  one:\n    steps:\n      - uses: {loose}\n");
        assert_eq!(loose_actions(&workflow).len(), 1, "{loose}");
    }
}

fn verbs() -> BTreeSet<String> {
    let makefile = fs::read_to_string(root().join("Makefile")).unwrap();
    makefile
        .lines()
        .filter_map(|line| line.strip_prefix(".PHONY: "))
        .map(str::to_owned)
        .collect()
}

#[test]
fn workflows_run_verbs_of_the_makefile_and_nothing_else() {
    let verbs = verbs();
    let mut ran = BTreeSet::new();
    for (name, text) in workflows() {
        let tree = parsed(&text);
        let mut commands = Vec::new();
        values("run", &tree, &mut commands);
        for line in commands.iter().flat_map(|command| command.lines()) {
            if line.starts_with(TOOLCHAIN) || line.starts_with(PACKAGES) {
                continue;
            }
            // `make build PROFILE=release`: a verb may have a variable
            let call = line.strip_prefix("make ").unwrap_or_default();
            let verb = call.split(" PROFILE=").next().unwrap();
            assert!(verbs.contains(verb), "{name} runs {line}");
            ran.insert(verb.to_owned());
        }
    }
    for verb in [
        "lint",
        "test",
        "deploy-check",
        "audit",
        "golden",
        "sbom",
        "demo",
        "build",
    ] {
        assert!(ran.contains(verb), "no workflow runs make {verb}");
    }
}

#[test]
fn workflows_may_read_the_source_and_nothing_else() {
    let mut jobs_seen = 0;
    for (name, text) in workflows() {
        let tree = parsed(&text);
        assert_eq!(tree["permissions"], serde_json::json!({}), "{name}");
        for (job, body) in tree["jobs"].as_object().unwrap() {
            jobs_seen += 1;
            let reading = serde_json::json!({"contents": "read"});
            assert_eq!(body["permissions"], reading, "{name}: {job}");
            assert!(body["timeout-minutes"].is_u64(), "{name}: {job}");
        }
        // a stranger's pull request never runs with the project's rights or secrets
        assert!(!text.contains("pull_request_target"), "{name}");
        assert!(!text.contains("secrets."), "{name}");
    }
    assert!(jobs_seen > 3, "{jobs_seen}");
}

#[test]
fn workflows_use_the_rust_that_the_manifest_asks_for() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let wanted = manifest.split("rust-version = \"").nth(1).unwrap();
    let wanted = wanted.split('"').next().unwrap();
    for (name, text) in workflows() {
        for command in text.split(TOOLCHAIN).skip(1) {
            let version = command
                .split_whitespace()
                .find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
            assert!(version.unwrap().starts_with(wanted), "{name}: {version:?}");
        }
    }
}

/// Lines of a script, joined with their continuations, without comments.
fn commands(text: &str) -> Vec<String> {
    text.replace("\\\n", " ")
        .lines()
        .map(|line| line.trim().trim_start_matches('@').to_owned())
        .filter(|line| !line.starts_with('#'))
        .collect()
}

/// Calls of cargo in a script that may choose other versions than Cargo.lock.
fn unlocked(text: &str) -> Vec<String> {
    let resolving = [
        "build",
        "test",
        "run",
        "clippy",
        "install",
        "tree",
        "metadata",
        "lambda build",
    ];
    // Offline: the rehearsal of a release renumbers the members, and the lock must follow.
    let keeps = |line: &str| line.contains("--locked") || line.contains("--offline");
    let calls = |line: &String| {
        resolving.iter().any(|verb| {
            line.contains(&format!("cargo {verb} "))
                || line.contains(&format!("\"cargo\", \"{verb}\""))
        })
    };
    commands(text)
        .into_iter()
        // prose in backticks calls nothing
        .filter(|line| calls(line) && !line.contains("`cargo") && !keeps(line))
        .collect()
}

#[test]
fn every_call_of_cargo_is_locked() {
    let mut wrong = Vec::new();
    for (name, text) in scripts() {
        let found = unlocked(&text);
        wrong.extend(found.iter().map(|line| format!("{name}: {line}")));
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!(unlocked("cargo build \\\n  --release\n").len(), 1);
    assert_eq!(unlocked("cargo build \\\n  --locked\n").len(), 0);
}

/// Entries of a list of Python packages, each with its hashes in one line.
fn entries(list: &str) -> Vec<String> {
    let mut entries = commands(list);
    entries.retain(|line| !line.is_empty());
    entries
}

/// Entries that leave the version to pip.
fn unpinned(list: &str) -> Vec<String> {
    let is_pinned = |line: &String| {
        let requirement = line.split([';', ' ']).next().unwrap();
        requirement.split_once("==").is_some_and(|(name, version)| {
            !name.is_empty()
                && version.starts_with(|c: char| c.is_ascii_digit())
                && !version.contains('*')
        })
    };
    entries(list)
        .into_iter()
        .filter(|line| !is_pinned(line))
        .collect()
}

#[test]
fn every_python_package_is_pinned() {
    let lists: Vec<(String, String)> = ["tools", "tests"]
        .iter()
        .flat_map(|folder| files(folder))
        .filter(|(name, _)| name.contains("requirements"))
        .collect();
    assert!(lists.len() >= 12, "{}", lists.len());
    for (name, text) in &lists {
        assert!(!entries(text).is_empty(), "{name}");
        assert_eq!(unpinned(text), Vec::<String>::new(), "{name}");
        let Some(folder) = name.strip_suffix("requirements.in") else {
            let wanted = name.replace(".txt", ".in");
            assert!(lists.iter().any(|(name, _)| *name == wanted), "{name}");
            continue;
        };
        // An edit of the first without tools/lock fails here.
        let (_, locked) = lists
            .iter()
            .find(|(name, _)| *name == format!("{folder}requirements.txt"))
            .unwrap_or_else(|| panic!("{name} is not locked"));
        for entry in entries(locked) {
            assert!(entry.contains("--hash=sha256:"), "{folder}: {entry}");
        }
        for wanted in entries(text) {
            let (package, version) = wanted.split_once("==").unwrap();
            let package = package.split('[').next().unwrap().to_lowercase();
            let is_it = |line: &String| {
                line.starts_with(&format!("{package}=={version} "))
                    || line.starts_with(&format!("{package}["))
                        && line.contains(&format!("]=={version} "))
            };
            assert!(entries(locked).iter().any(is_it), "{name}: {wanted}");
        }
    }
    for loose in [
        "stripe",
        "stripe>=1.0",
        "stripe==1.*",
        "stripe~=1.0",
        "git+https://x/y",
    ] {
        assert_eq!(unpinned(loose).len(), 1, "{loose}");
    }
}

#[test]
fn every_installed_tool_is_pinned() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for (name, text) in scripts() {
        for line in commands(&text) {
            let installs = [
                "pip install",
                "pip download",
                "npm install",
                "cargo install",
            ]
            .iter()
            .any(|way| line.contains(way));
            if !installs || line.starts_with("echo") || line.starts_with("fail") {
                continue;
            }
            seen += 1;
            // the test above checks lists of requirements
            let pinned = line.contains("==")
                || line.contains("--requirement ")
                || line.contains(" -r ")
                || line.contains("--version \"$version\"");
            if !pinned {
                wrong.push(format!("{name}: {line}"));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(seen >= 3, "{seen}");
    // the lists' packages are installed file by file, as the lists say
    let (_, venv) = scripts()
        .into_iter()
        .find(|(name, _)| name == "tools/venv")
        .unwrap();
    for option in ["--require-hashes", "--no-deps", "--only-binary=:all:"] {
        assert!(venv.contains(option), "{option}");
    }
    // The console's tests take two packages of npm, each by its version and its hash.
    let browser = fs::read_to_string(root().join("tools/browser")).unwrap();
    let browser = commands(&browser);
    let hash = |line: &&String| line.trim_end().ends_with("==\"") && line.len() > 90;
    let fetched = browser
        .iter()
        .filter(|line| line.starts_with("fetch ") && !line.contains('{'));
    assert_eq!(fetched.clone().count(), 2, "{browser:?}");
    assert!(fetched.clone().all(|line| hash(&line)), "{browser:?}");
    assert!(
        browser
            .iter()
            .any(|line| line.contains(r#"[ "$found" = "$3" ]"#))
    );
    // The project uses no other; a package.json would need a rule here.
    let npm = files("tools")
        .into_iter()
        .find(|(name, _)| name.ends_with("package.json"));
    assert_eq!(npm.map(|(name, _)| name), None);
}
