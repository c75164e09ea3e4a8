//! What every node says about itself.

use serde::Deserialize;
use tokio_postgres::Client;
use tokio_postgres::types::Type;

use crate::error::{Error, failed};

/// Asks every node, and returns each answer with the node's `host:port`. [`Error::Unanswered`]
/// names those that could not answer.
pub(crate) async fn ask(
    client: &Client,
    step: &str,
    question: &str,
) -> Result<Vec<(String, String)>, Error> {
    let query = "select format('%s:%s', n.nodename, n.nodeport), a.success, a.result
        from run_command_on_all_nodes($1) a join pg_dist_node n on n.nodeid = a.nodeid
        order by n.groupid";
    let rows = client.query_typed(query, &[(&question, Type::TEXT)]).await;
    let rows = rows.map_err(failed(step))?;
    let (mut answers, mut refused) = (Vec::new(), Vec::new());
    for row in rows {
        let (node, success, result): (String, bool, String) = (row.get(0), row.get(1), row.get(2));
        match success {
            true => answers.push((node, result)),
            false => refused.push(format!("{node}: {result}")),
        }
    }
    match refused.is_empty() {
        true => Ok(answers),
        false => Err(Error::Unanswered {
            step: step.to_owned(),
            refused,
        }),
    }
}

/// The nodes that have another version than the first one, the coordinator.
pub(crate) async fn versions(client: &Client) -> Result<Vec<String>, Error> {
    let question = "select format('PostgreSQL %s with Citus %s',
        current_setting('server_version_num')::integer / 10000,
        (select e.extversion from pg_extension e where e.extname = 'citus'))";
    let answers = ask(client, "asking for the versions", question).await?;
    let first = answers.first().map(|(_, version)| version.clone());
    let others = answers
        .into_iter()
        .filter(|(_, version)| Some(version) != first.as_ref());
    let say = |(node, version)| {
        let first = first.as_deref().unwrap_or_default();
        format!("{node} is {version}, and the coordinator is {first}")
    };
    Ok(others.map(say).collect())
}

/// The settings of a node on which its work depends.
#[derive(Debug, Deserialize)]
struct Settings {
    /// An error of another node names its constraint in the message alone, and operations look
    /// there (`operations::db::constraint`).
    lc_messages: String,
    /// A shard moves by logical replication.
    wal_level: String,
    /// A change on several nodes is prepared on each of them.
    max_prepared_transactions: u32,
    max_connections: u32,
}

const SETTINGS: &str = "select json_build_object(
    'lc_messages', current_setting('lc_messages'),
    'wal_level', current_setting('wal_level'),
    'max_prepared_transactions', current_setting('max_prepared_transactions')::integer,
    'max_connections', current_setting('max_connections')::integer)";

/// The settings that a node must change.
pub(crate) async fn settings(client: &Client) -> Result<Vec<String>, Error> {
    let mut missing = Vec::new();
    for (node, answer) in ask(client, "asking for the settings", SETTINGS).await? {
        let has: Settings = serde_json::from_str(&answer)?;
        missing.extend(wrong(&has).map(|what| format!("{node}: {what}")));
    }
    Ok(missing)
}

/// What is wrong with the settings of a node.
fn wrong(has: &Settings) -> impl Iterator<Item = String> {
    let language = (!is_english(&has.lc_messages)).then(|| {
        let language = &has.lc_messages;
        format!("lc_messages is {language}, but errors must be in English: set it to 'C'")
    });
    let wal = (has.wal_level != "logical").then(|| {
        let level = &has.wal_level;
        format!("wal_level is {level}, but a shard moves by logical replication: set it to logical")
    });
    let prepared = (has.max_prepared_transactions < has.max_connections).then(|| {
        format!(
            "max_prepared_transactions is {}, but every session may change several nodes: set it \
             to max_connections, which is {}",
            has.max_prepared_transactions, has.max_connections
        )
    });
    [language, wal, prepared].into_iter().flatten()
}

fn is_english(language: &str) -> bool {
    ["", "C", "POSIX"].contains(&language) || ["en", "C."].iter().any(|it| language.starts_with(it))
}

/// The routines of a node, and the settings of the roles that call them.
#[derive(Debug, PartialEq, Eq, Deserialize)]
struct Routines {
    /// Their number.
    count: usize,
    /// A fingerprint of their texts, of whose rights and which settings they run with, and of who
    /// may call them.
    hash: String,
    /// Those that everybody may execute.
    public: Vec<String>,
    /// The timeouts that its roles lack. A node that was only added has none.
    unset: Vec<String>,
}

const ROUTINES: &str = "select json_build_object(
    'count', count(*),
    'hash', md5(string_agg(r.text, ' ' order by r.text)),
    'public', coalesce(json_agg(r.name) filter (where r.is_public), '[]'),
    'unset', (
        select coalesce(json_agg(r.o_role || ' ' || r.o_setting), '[]')
        from holdfast.role_settings() r
        where not exists (
            select from pg_db_role_setting s
            where s.setdatabase = 0 and s.setrole = r.o_role::regrole
                and r.o_setting || '=' || r.o_value = any (s.setconfig))))
    from (
        select p.proname as name, has_function_privilege('public', p.oid, 'execute') as is_public,
            p.oid::regprocedure || p.prosrc || p.proowner::regrole || p.prosecdef
                || coalesce(p.proconfig::text, '') || array(
                select a.grantee::regrole::text collate \"C\" from aclexplode(p.proacl) a
                where a.grantee <> 0 order by 1)::text collate \"C\" as text
        from pg_proc p
        where p.pronamespace in ('holdfast'::regnamespace, 'holdfast_read'::regnamespace)) r";

/// Every node has the same routines, and lets the same roles call them, within their timeouts.
/// PUBLIC may call none.
pub(crate) async fn verify(client: &Client) -> Result<(), Error> {
    let answers = ask(client, "comparing the routines", ROUTINES).await?;
    let mut wrong = Vec::new();
    let mut first = None;
    for (node, answer) in answers {
        let routines: Routines = serde_json::from_str(&answer)?;
        if !routines.public.is_empty() {
            let public = routines.public.join(", ");
            wrong.push(format!("{node}: PUBLIC may execute {public}"));
        }
        if !routines.unset.is_empty() {
            let unset = routines.unset.join(", ");
            wrong.push(format!("{node}: roles lack their settings: {unset}"));
        }
        let first = first.get_or_insert((routines.count, routines.hash.clone()));
        if *first != (routines.count, routines.hash) {
            let count = routines.count;
            wrong.push(format!(
                "{node}: its {count} routines differ from the coordinator's"
            ));
        }
    }
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(Error::Nodes(wrong)),
    }
}

#[cfg(test)]
mod tests {
    use super::{Settings, is_english, wrong};

    #[test]
    fn a_server_in_another_language_is_refused() {
        for english in ["C", "C.UTF-8", "POSIX", "en_US.UTF-8", "en_IN", ""] {
            assert!(is_english(english), "{english}");
        }
        for other in ["de_DE.UTF-8", "hi_IN", "ca_ES"] {
            assert!(!is_english(other), "{other}");
        }
    }

    #[test]
    fn each_wrong_setting_is_named() {
        let has = |lc_messages: &str, wal_level: &str, max_prepared_transactions| Settings {
            lc_messages: lc_messages.to_owned(),
            wal_level: wal_level.to_owned(),
            max_prepared_transactions,
            max_connections: 300,
        };
        assert_eq!(wrong(&has("C", "logical", 300)).count(), 0);
        let of_a_new_server: Vec<String> = wrong(&has("de_DE.UTF-8", "replica", 0)).collect();
        for (name, said) in ["lc_messages", "wal_level", "max_prepared_transactions"]
            .iter()
            .zip(&of_a_new_server)
        {
            assert!(said.starts_with(name), "{said}");
        }
        assert_eq!(of_a_new_server.len(), 3);
    }
}
