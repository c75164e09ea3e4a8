//! Recordings of releases: one of this tree, which the tests make themselves, and those that
//! `tools/release/record` has written to `tests/releases/<number>/`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use holdfast_migrate::{self as migrate, Options, Release};
use local::postgres::SUPERUSER;
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;
use tokio_postgres::types::{Kind, Type};
use tokio_postgres::{Client, SimpleQueryMessage};

use crate::stack::root;
use crate::{CLUSTER, connect, empty_database};

/// The column that stands for a failed call.
const ERROR: &str = "error";

/// The recording of a release: enough to hold a later one against it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Released {
    /// Its number.
    pub release: String,
    /// The statements of its functions.
    pub statements: Vec<Statement>,
    /// The routines of its database.
    pub routines: Vec<Routine>,
    /// The statements of `tests/releases/scenario.sql` and the plain reads, with their answers.
    pub calls: Vec<Call>,
    /// Its database after them, as SQL: schema, history and rows of every table.
    #[serde(skip)]
    dump: String,
}

/// One statement with the types of its parameters, as constants of `tokio_postgres::types::Type`.
#[derive(Debug, Serialize, Deserialize)]
pub struct Statement {
    pub sql: String,
    pub types: Vec<String>,
}

/// One routine: its kind, what it takes and answers, and who may call it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Routine {
    pub name: String,
    pub arguments: String,
    pub kind: String,
    pub returns: String,
    pub columns: BTreeSet<String>,
    pub roles: BTreeSet<String>,
}

/// One call, and its answer.
#[derive(Debug, Serialize, Deserialize)]
pub struct Call {
    pub role: String,
    pub sql: String,
    pub rows: Answer,
}

impl Call {
    /// A call that has no answer yet, for a role that may call the routine, or for the owner.
    fn new(sql: &str, routines: &[Routine]) -> Self {
        let routine = routines
            .iter()
            .find(|routine| Some(routine.name.as_str()) == routine_of(sql));
        let role = routine.and_then(|routine| routine.roles.last());
        Self {
            role: role.map_or(SUPERUSER, String::as_str).to_owned(),
            sql: sql.to_owned(),
            rows: Answer::new(),
        }
    }
}

/// The rows that a call answers.
pub type Answer = Vec<Row>;
/// One row: its columns by name.
pub type Row = BTreeMap<String, Option<String>>;

const ROUTINES: &str = "
    select coalesce(json_agg(json_build_object(
        'name', p.proname, 'kind', p.prokind,
        'arguments', (select coalesce(string_agg(t::regtype::text, ', ' order by n), '')
            from unnest(p.proargtypes::oid[]) with ordinality a (t, n)),
        'returns', case when p.proretset then 'setof ' else '' end || p.prorettype::regtype::text,
        'columns', array(select a.name || ' ' || a.type::regtype
            from unnest(p.proargnames, p.proargmodes, p.proallargtypes) a (name, mode, type)
            where a.mode in ('o', 'b', 't')
            union all
            select a.attname || ' ' || a.atttypid::regtype from pg_type t
                join pg_attribute a on a.attrelid = t.typrelid
            where t.oid = p.prorettype and a.attnum > 0 and not a.attisdropped),
        'roles', array(select a.grantee::regrole from aclexplode(p.proacl) a
            where a.grantee <> p.proowner))
        order by p.oid::regprocedure::text), '[]')
    from pg_proc p where p.pronamespace = 'holdfast'::regnamespace
        and p.prorettype <> 'trigger'::regtype";

/// The routines of a database.
pub async fn routines(client: &Client) -> Vec<Routine> {
    let row = client.query_one(ROUTINES, &[]).await.unwrap();
    serde_json::from_value(row.get(0)).unwrap()
}

/// The name of the routine that a statement calls.
pub fn routine_of(sql: &str) -> Option<&str> {
    let (name, _) = sql.split_once("holdfast.")?.1.split_once('(')?;
    let of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    name.chars().all(of_name).then_some(name)
}

/// This tree, recorded once a run, and every release in `tests/releases`.
pub async fn releases() -> &'static [Released] {
    static RELEASES: OnceCell<Vec<Released>> = OnceCell::const_new();
    RELEASES
        .get_or_init(async || {
            let mut found = vec![Released::record(&Release::this()).await];
            for entry in fs::read_dir(root().join("tests/releases")).unwrap() {
                let folder = entry.unwrap().path();
                if folder.is_dir() {
                    found.push(Released::read(&folder));
                }
            }
            found
        })
        .await
}

impl Released {
    /// Plays the scenario on a fresh database of `release`, and records the result.
    pub async fn record(release: &Release) -> Self {
        let database = database_of(release).await;
        let client = superuser(&database).await;
        let routines = routines(&client).await;
        let statements = statements(&client).await;
        let mut calls = scenario(&routines);
        let reads = plain_reads(&client, &routines, &statements, &calls).await;
        calls.extend(reads);
        let answers = play(&database, &calls).await;
        for (call, rows) in calls.iter_mut().zip(answers) {
            let failed = rows.iter().any(|row| row.contains_key(ERROR));
            assert!(!failed, "{}: {rows:?}", call.sql);
            call.rows = rows;
        }
        Self {
            release: release.number.to_string(),
            statements,
            routines,
            calls,
            dump: dump(&database),
        }
    }

    fn read(folder: &Path) -> Self {
        let read = |file| fs::read_to_string(folder.join(file)).unwrap();
        Self {
            dump: read("database.dump"),
            ..serde_json::from_str(&read("release.json")).unwrap()
        }
    }

    /// Writes it below `tests/releases`. A release is recorded once.
    pub fn write(&self) {
        let folder = root().join("tests/releases").join(&self.release);
        fs::create_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let json = serde_json::to_string_pretty(self).unwrap() + "\n";
        fs::write(folder.join("release.json"), json).unwrap();
        fs::write(folder.join("database.dump"), &self.dump).unwrap();
    }

    /// A database as this release left it, with rows of every table; its name.
    pub async fn database(&self) -> String {
        let name = empty_database().await;
        // A session of its own: a dump changes its settings.
        let session = superuser(&name).await;
        session.batch_execute(&self.dump).await.unwrap();
        // The promises' check reports money that was parked for two hours.
        let now = "update holdfast.payment_events set received_at = now()
            where outcome = 'parked'";
        session.batch_execute(now).await.unwrap();
        name
    }
}

/// A superuser's connection to a database of the tests' server.
pub async fn superuser(database: &str) -> Client {
    connect(&CLUSTER.url(SUPERUSER, database)).await
}

/// A database that `release` made from nothing; its name.
pub async fn database_of(release: &Release) -> String {
    let name = empty_database().await;
    let mut client = superuser(&name).await;
    let run = migrate::run_release(&mut client, release, Options::default());
    run.await.unwrap();
    name
}

/// The scenario's statements, each for a role that may call its routine; any other for the owner.
fn scenario(routines: &[Routine]) -> Vec<Call> {
    let text = fs::read_to_string(root().join("tests/releases/scenario.sql")).unwrap();
    let code: Vec<&str> = text
        .lines()
        .filter(|line| !line.starts_with("--"))
        .collect();
    let code = code.join("\n");
    let statements = code
        .split(";\n")
        .map(str::trim)
        .filter(|sql| !sql.is_empty());
    statements
        .map(|sql| Call::new(sql.trim_end_matches(';'), routines))
        .collect()
}

/// The values of the scenario's order nine, and of what belongs to it, for parameters of these
/// names. A plain read gets null for any other parameter that it must have.
const ORDER_NINE: [(&str, &str); 14] = [
    ("p_shop", "bridal"),
    ("p_sku", "VEIL"),
    ("p_skus", "{GOWN-S,OLD,VEIL}"),
    ("p_checkout_id", "00000000-0000-4000-8000-000000000009"),
    ("p_customer", "hema"),
    ("p_order_id", "00000000-0000-4000-8000-000000001009"),
    ("p_reference", "bridal-nine"),
    ("p_gateway", "cashfree"),
    ("p_refund_id", "00000000-0000-4000-8000-000000000953"),
    ("p_import_id", "00000000-0000-4000-8000-000000000042"),
    ("p_code", "TEN"),
    ("p_name", "books"),
    ("p_limit", "3"),
    ("p_scan", "1000"),
];

/// A call of each routine that a function calls, that the scenario does not call, and that only
/// reads: it is `stable`.
async fn plain_reads(
    client: &Client,
    routines: &[Routine],
    statements: &[Statement],
    scenario: &[Call],
) -> Vec<Call> {
    let query = "
        select p.proname::text, array(
            select a.name
            from unnest(p.proargnames, p.proargmodes) with ordinality a (name, mode, n)
            where coalesce(a.mode, 'i') = 'i' order by a.n limit p.pronargs - p.pronargdefaults)
        from pg_proc p where p.pronamespace = 'holdfast'::regnamespace
            and p.prokind = 'f' and p.provolatile = 's'
        order by p.oid::regprocedure::text";
    let mut wanted: BTreeSet<_> = statements.iter().map(|it| routine_of(&it.sql)).collect();
    for call in scenario {
        wanted.remove(&routine_of(&call.sql));
    }
    let mut reads = Vec::new();
    for row in client.query(query, &[]).await.unwrap() {
        let (routine, parameters): (&str, Vec<&str>) = (row.get(0), row.get(1));
        if !wanted.contains(&Some(routine)) {
            continue;
        }
        let argument = |name: &&str| match ORDER_NINE.iter().find(|(known, _)| known == name) {
            Some((_, value)) => format!("{name} => '{value}'"),
            None => format!("{name} => null"),
        };
        let arguments: Vec<String> = parameters.iter().map(argument).collect();
        let sql = format!("select * from holdfast.{routine}({})", arguments.join(", "));
        reads.push(Call::new(&sql, routines));
    }
    reads
}

/// The answers of a database to these calls.
pub async fn play(database: &str, calls: &[Call]) -> Vec<Answer> {
    let mut sessions = BTreeMap::new();
    let mut answers = Vec::new();
    for call in calls {
        let role = call.role.as_str();
        if !sessions.contains_key(role) {
            sessions.insert(role, connect(&CLUSTER.url(role, database)).await);
        }
        answers.push(answer(&sessions[role], &call.sql).await);
    }
    answers
}

async fn answer(session: &Client, sql: &str) -> Answer {
    let messages = match session.simple_query(sql).await {
        Ok(messages) => messages,
        Err(error) => return vec![Row::from([(ERROR.to_owned(), Some(format!("{error:?}")))])],
    };
    let mut rows = Vec::new();
    for message in messages {
        if let SimpleQueryMessage::Row(row) = message {
            let columns = row.columns().iter().enumerate();
            let value = |n: usize| row.get(n).map(scrubbed);
            rows.push(
                columns
                    .map(|(n, c)| (c.name().to_owned(), value(n)))
                    .collect(),
            );
        }
    }
    rows
}

/// Without times, and without ids that are not the scenario's.
fn scrubbed(text: &str) -> String {
    let mut clean = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let id = rest
            .get(..36)
            .filter(|id| uuid::Uuid::try_parse(id).is_ok());
        if let Some(length) = time_length(rest) {
            clean.push_str("<time>");
            rest = &rest[length..];
        } else if id.is_some_and(|id| !id.starts_with("00000000-")) {
            clean.push_str("<uuid>");
            rest = &rest[36..];
        } else {
            clean.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    clean
}

/// How long the time is that the text begins with.
fn time_length(text: &str) -> Option<usize> {
    let shape = "dddd-dd-ddsdd:dd:dd";
    let fits = |(byte, shape): (u8, u8)| match shape {
        b'd' => byte.is_ascii_digit(),
        b's' => byte == b'T' || byte == b' ',
        _ => byte == shape,
    };
    if text.len() < shape.len() || !text.bytes().zip(shape.bytes()).all(fits) {
        return None;
    }
    let more = |byte: &u8| byte.is_ascii_digit() || b".+:Z".contains(byte);
    let fraction = text.as_bytes()[shape.len()..].iter();
    Some(shape.len() + fraction.take_while(|byte| more(byte)).count())
}

/// The statements of the functions, read from the sources. Not those of migrate: it calls the
/// routines that it has just written. The parameters have the types that this
/// database gives them: it refuses a value of another type, or widens it.
async fn statements(client: &Client) -> Vec<Statement> {
    let mut found = Vec::new();
    let mut folders = vec![root().join("shared"), root().join("functions")];
    while let Some(folder) = folders.pop() {
        let mut paths: Vec<PathBuf> = fs::read_dir(folder)
            .unwrap()
            .map(|e| e.unwrap().path())
            .collect();
        paths.sort();
        for path in paths {
            if path.is_dir() && !path.ends_with("functions/migrate") {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                for sql in statements_of(&path) {
                    let prepared = client.prepare(&sql).await.unwrap();
                    let types = prepared.params().iter().map(constant_of).collect();
                    found.push(Statement { sql, types });
                }
            }
        }
    }
    found
}

/// The constant of a type: `TEXT_ARRAY`.
fn constant_of(sql_type: &Type) -> String {
    match sql_type.kind() {
        Kind::Array(member) => format!("{}_ARRAY", constant_of(member)),
        _ => sql_type.name().to_uppercase(),
    }
}

/// Each text that calls a routine.
fn statements_of(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    let begins = text
        .match_indices("\"select")
        .chain(text.match_indices("\"call"));
    let literals = begins.map(|(begin, _)| text[begin + 1..].split_once('"').unwrap().0);
    let calls = literals.filter(|literal| routine_of(literal).is_some());
    let one_line = |literal: &str| literal.split("\\\n").map(str::trim_start).collect();
    calls.map(one_line).collect()
}

/// The database as SQL that a session can run.
fn dump(database: &str) -> String {
    let url = CLUSTER.url(SUPERUSER, database);
    let mut command = std::process::Command::new(CLUSTER.bin().join("pg_dump"));
    command.args(["--inserts", "--rows-per-insert=100", &url]);
    let done = command.output().unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    let text = String::from_utf8(done.stdout).unwrap();
    // psql's own commands, which a newer pg_dump writes, are no SQL.
    let lines = text
        .split_inclusive('\n')
        .filter(|line| !line.starts_with('\\'));
    lines.collect()
}
