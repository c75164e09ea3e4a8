//! The cases of `growth/cases`, and the values that they use.

use std::collections::BTreeMap;

use serde_json::Value;
use tokio_postgres::Client;

use crate::server::Failed;

/// A call of a routine.
#[derive(Debug)]
pub(super) struct Case {
    /// The routine, and what is special.
    pub(super) name: String,
    pub(super) routine: String,
    /// Statements that the superuser runs before.
    first: Vec<String>,
    /// Its own bound.
    pub(super) bound: Option<u64>,
    /// Whether it needs the planner's statistics.
    pub(super) needs_statistics: bool,
    /// Whether its transaction is rolled back: an attempt can't always be committed.
    pub(super) rolled_back: bool,
    sql: String,
}

/// A case with its values.
pub(super) struct Filled {
    pub(super) first: Vec<String>,
    pub(super) sql: String,
}

/// Reads every case. Blocks are separated by empty lines; the first one of a file explains it.
pub(super) fn all() -> Result<Vec<Case>, Failed> {
    [
        include_str!("../../growth/cases/a_to_o.sql"),
        include_str!("../../growth/cases/p_to_z.sql"),
    ]
    .iter()
    .flat_map(|file| file.split("\n\n").skip(1))
    .map(case)
    .collect()
}

fn case(block: &str) -> Result<Case, Failed> {
    let mut lines = block.lines();
    let name = lines.next().and_then(|line| line.strip_prefix("-- "));
    let name = name.ok_or_else(|| format!("a case has no name: {block}"))?;
    let (routine, _) = name.split_once(':').unwrap_or((name, ""));
    let mut case = Case {
        name: name.to_owned(),
        routine: routine.to_owned(),
        first: Vec::new(),
        bound: None,
        needs_statistics: false,
        rolled_back: false,
        sql: String::new(),
    };
    for line in lines {
        if let Some(first) = line.strip_prefix("-- first: ") {
            case.first.push(first.to_owned());
        } else if let Some(bound) = line.strip_prefix("-- at most ") {
            let (number, _) = bound.split_once(": ").ok_or("a bound needs its reason")?;
            case.bound = Some(number.replace(',', "").parse()?);
        } else if line.starts_with("-- with statistics: ") {
            case.needs_statistics = true;
        } else if line == "-- last: rollback" {
            case.rolled_back = true;
        } else {
            case.sql.push_str(line);
            case.sql.push('\n');
        }
    }
    Ok(case)
}

/// The examples of each kind that no case has used yet, the newest last.
pub(crate) struct Examples {
    unused: BTreeMap<String, Vec<Value>>,
    calls: u32,
}

impl Examples {
    pub(super) async fn read(owner: &Client) -> Result<Self, Failed> {
        let query = "select e.kind, to_jsonb(e)::text from growth.examples e order by e.nth desc";
        let mut unused: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for row in owner.query(query, &[]).await? {
            let example = serde_json::from_str(row.get(1))?;
            unused.entry(row.get(0)).or_default().push(example);
        }
        Ok(Self { unused, calls: 0 })
    }

    /// Puts values in the place of `{kind.column}`: of one example of each kind, which no other
    /// call gets. `{call}` is a number of this call.
    pub(super) fn fill(&mut self, case: &Case) -> Result<Filled, Failed> {
        self.calls += 1;
        let mut taken = BTreeMap::new();
        let mut fill = |text: &str| self.fill_text(text, &mut taken);
        let first = case.first.iter().map(|text| fill(text)).collect();
        let first: Result<Vec<String>, Failed> = first;
        Ok(Filled {
            first: first?,
            sql: fill(&case.sql)?,
        })
    }

    /// The same for one text, which gets examples of its own.
    pub(crate) fn fill_one(&mut self, text: &str) -> Result<String, Failed> {
        self.fill_text(text, &mut BTreeMap::new())
    }

    fn fill_text(
        &mut self,
        text: &str,
        taken: &mut BTreeMap<String, Value>,
    ) -> Result<String, Failed> {
        let mut filled = String::new();
        let mut rest = text;
        while let Some(open) = rest.find('{') {
            let (before, behind) = rest.split_at(open);
            filled.push_str(before);
            let inside = behind[1..].split(['}', '{']).next().unwrap_or("");
            rest = &behind[1 + inside.len()..];
            let value = match inside.split_once('.') {
                Some((kind, column)) if rest.starts_with('}') => self.value(kind, column, taken)?,
                None if inside == "call" => Some(format!("{:04}", self.calls)),
                _ => None,
            };
            if let Some(value) = value {
                filled.push_str(&value);
                rest = &rest[1..];
            } else {
                filled.push('{');
                filled.push_str(inside);
            }
        }
        filled.push_str(rest);
        Ok(filled)
    }

    /// A column of the call's example. `None`: there is no such kind, so the braces are an array's.
    fn value(
        &mut self,
        kind: &str,
        column: &str,
        taken: &mut BTreeMap<String, Value>,
    ) -> Result<Option<String>, Failed> {
        if !taken.contains_key(kind) {
            let Some(unused) = self.unused.get_mut(kind) else {
                return Ok(None);
            };
            let next = unused.pop();
            let next = next.ok_or_else(|| format!("no example of {kind} is left"))?;
            taken.insert(kind.to_owned(), next);
        }
        match &taken[kind][column] {
            Value::String(text) => Ok(Some(text.clone())),
            Value::Number(number) => Ok(Some(number.to_string())),
            other => Err(format!("an example of {kind} has {column} {other}").into()),
        }
    }
}
