//! No file imports a file that imports it back, directly or through others.
//!
//! An import is a `use`, or a path in the code, that leads into another file of the same crate.
//! `mod child;` and `pub use child::Name;` are no imports: they say what a module consists of.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use tests::stack::root;

/// A module's path in its crate: `["db", "config"]`. The crate's root is empty.
type Module = Vec<String>;

/// The text of every module of one crate.
struct Crate(BTreeMap<Module, String>);

impl Crate {
    fn read(folder: &Path) -> Self {
        let mut modules = BTreeMap::new();
        let mut open = vec![folder.to_owned()];
        while let Some(next) = open.pop() {
            for entry in fs::read_dir(&next).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    open.push(path);
                } else if path.extension().is_some_and(|ending| ending == "rs") {
                    let text = without_comments_and_tests(&fs::read_to_string(&path).unwrap());
                    let module = module_of(path.strip_prefix(folder).unwrap());
                    modules
                        .entry(module)
                        .or_insert_with(String::new)
                        .push_str(&text);
                }
            }
        }
        Self(modules)
    }

    /// The file that a path leads into: the longest beginning of it that is a module.
    fn file_of(&self, mut path: Module) -> Module {
        while !self.0.contains_key(&path) && path.pop().is_some() {}
        path
    }

    fn imports(&self) -> BTreeMap<&Module, BTreeSet<Module>> {
        let imports_of = |module: &Module, text: &str| {
            let mut found: BTreeSet<Module> = paths(text)
                .into_iter()
                .filter_map(|path| self.absolute(module, &path))
                .map(|path| self.file_of(path))
                .collect();
            found.remove(module);
            found
        };
        let edges = self.0.iter();
        edges
            .map(|(module, text)| (module, imports_of(module, text)))
            .collect()
    }

    /// A path as it is written, from the crate's root. `None` where it leaves the crate.
    fn absolute(&self, module: &Module, path: &[String]) -> Option<Module> {
        let mut base = module.clone();
        let mut rest = path;
        match path.first()?.as_str() {
            "crate" => {
                base.clear();
                rest = &rest[1..];
            }
            "self" => rest = &rest[1..],
            "super" => {
                while rest.first().is_some_and(|part| part == "super") {
                    base.pop()?;
                    rest = &rest[1..];
                }
            }
            child => {
                base.push(child.to_owned());
                if !self.0.contains_key(&base) {
                    return None;
                }
                rest = &rest[1..];
            }
        }
        base.extend(rest.iter().cloned());
        Some(base)
    }

    /// Modules that import each other, one group for each cycle.
    fn cycles(&self) -> Vec<Vec<String>> {
        let imports = self.imports();
        let reached = |from: &Module| {
            let mut seen = BTreeSet::new();
            let mut open = vec![from.clone()];
            while let Some(next) = open.pop() {
                for target in imports.get(&next).into_iter().flatten() {
                    if seen.insert(target.clone()) {
                        open.push(target.clone());
                    }
                }
            }
            seen
        };
        let reach: BTreeMap<&Module, BTreeSet<Module>> = self
            .0
            .keys()
            .map(|module| (module, reached(module)))
            .collect();
        let mut groups: BTreeSet<Vec<String>> = BTreeSet::new();
        for (module, targets) in &reach {
            if targets.contains(*module) {
                let group = targets
                    .iter()
                    .filter(|other| reach.get(other).is_some_and(|back| back.contains(*module)));
                groups.insert(
                    group
                        .map(|name| format!("crate::{}", name.join("::")))
                        .collect(),
                );
            }
        }
        groups.into_iter().collect()
    }
}

fn module_of(file: &Path) -> Module {
    let mut parts: Module = file
        .with_extension("")
        .iter()
        .map(|part| part.to_str().unwrap().to_owned())
        .collect();
    if parts
        .last()
        .is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str()))
    {
        parts.pop();
    }
    parts
}

fn without_comments_and_tests(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let lines = code.lines().map(|line| line.split("//").next().unwrap());
    let code = lines.collect::<Vec<_>>().join("\n");
    // `pub use child::Name;` re-exports; `pub(crate) use` does, too.
    let mut kept = String::new();
    let mut rest = code.as_str();
    while let Some(start) = rest.find("pub") {
        let (before, found) = rest.split_at(start);
        kept.push_str(before);
        let after_visibility = match found.strip_prefix("pub(") {
            Some(scoped) => scoped.split_once(')').map_or("", |(_, after)| after),
            None => &found[3..],
        };
        if after_visibility.starts_with(" use ") {
            rest = found.split_once(';').map_or("", |(_, after)| after);
        } else {
            kept.push_str("pub");
            rest = &found[3..];
        }
    }
    kept + rest
}

/// Every path in a text, with the braces of `use` written out.
fn paths(text: &str) -> Vec<Module> {
    let mut found = Vec::new();
    let mut at = 0;
    let bytes = text.as_bytes();
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    while at < bytes.len() {
        let begins =
            is_word(bytes[at]) && (at == 0 || !is_word(bytes[at - 1]) && bytes[at - 1] != b':');
        if !begins {
            at += 1;
            continue;
        }
        let end = read_path(text, at, &Vec::new(), &mut found);
        at = end.max(at + 1);
    }
    found.retain(|path| path.len() > 1);
    found
}

/// Reads one path from `at`, and the group in braces behind it. Returns where it ends.
fn read_path(text: &str, mut at: usize, before: &Module, found: &mut Vec<Module>) -> usize {
    let bytes = text.as_bytes();
    let mut path = before.clone();
    loop {
        let word: String = text[at..]
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
            .collect();
        at += word.len();
        if !word.is_empty() && word != "self" || path.is_empty() {
            path.push(word);
        }
        if !text[at..].starts_with("::") {
            found.push(path);
            return at;
        }
        at += 2;
        if bytes.get(at) == Some(&b'{') {
            at += 1;
            while at < bytes.len() && bytes[at] != b'}' {
                if bytes[at].is_ascii_alphanumeric() || bytes[at] == b'_' {
                    at = read_path(text, at, &path, found);
                } else {
                    at += 1;
                }
            }
            return at + 1;
        }
        if !bytes
            .get(at)
            .is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
        {
            found.push(path);
            return at;
        }
    }
}

/// The source folders of all crates.
fn crates() -> Vec<PathBuf> {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let members = manifest
        .split_once("members = [")
        .unwrap()
        .1
        .split_once(']')
        .unwrap()
        .0;
    let members = members.split('"').skip(1).step_by(2);
    let folders = members.map(|member| {
        let folder = root().join(member);
        if folder.join("src").is_dir() {
            folder.join("src")
        } else {
            folder
        }
    });
    folders.collect()
}

#[test]
fn no_file_imports_a_file_that_imports_it_back() {
    let crates = crates();
    assert!(crates.len() > 10, "{crates:?}");
    let mut wrong = Vec::new();
    for folder in crates {
        for cycle in Crate::read(&folder).cycles() {
            let folder = folder.strip_prefix(root()).unwrap().display();
            wrong.push(format!("{folder}: {}", cycle.join(", ")));
        }
    }
    assert!(wrong.is_empty(), "import cycles:\n{}", wrong.join("\n"));
}

/// The control: each kind of cycle is found, and a facade is none.
#[test]
fn a_cycle_of_imports_is_found() {
    let found = |files: &[(&str, &str)]| {
        let module = |(name, text): &(&str, &str)| {
            (module_of(Path::new(name)), without_comments_and_tests(text))
        };
        Crate(files.iter().map(module).collect()).cycles()
    };
    let cycle = vec![vec!["crate::a".to_owned(), "crate::b".to_owned()]];
    assert_eq!(
        found(&[("a.rs", "use crate::b::B;"), ("b.rs", "use crate::a::A;")]),
        cycle
    );
    assert_eq!(
        found(&[
            ("a.rs", "use crate::{b, c};"),
            ("b.rs", "fn f() { crate::a::f() }")
        ]),
        cycle
    );
    assert_eq!(
        found(&[
            ("a.rs", "use super::b::{self, B};"),
            ("b.rs", "use super::a;")
        ]),
        cycle
    );
    let parent = vec![vec!["crate::a".to_owned(), "crate::a::b".to_owned()]];
    assert_eq!(
        found(&[
            ("a/mod.rs", "mod b;\nuse b::B;\nstruct A;"),
            ("a/b.rs", "use super::A;")
        ]),
        parent
    );
    for facade in [
        "mod b;\npub use b::B;",
        "mod b;\npub(crate) use b::{B, C};",
        "mod b; // b::B",
    ] {
        assert!(
            found(&[("a/mod.rs", facade), ("a/b.rs", "use super::A;")]).is_empty(),
            "{facade}"
        );
    }
}
