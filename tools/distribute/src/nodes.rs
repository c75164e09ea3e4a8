//! What every node says about itself.

use serde::Deserialize;
use tokio_postgres::Client;
use tokio_postgres::types::Type;

use crate::error::{Error, failed};

/// Asks every node, and returns each answer with the node's `host:port`.
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
            false => refused.push(format!("{node}: {step} failed: {result}")),
        }
    }
    match refused.is_empty() {
        true => Ok(answers),
        false => Err(Error::NotReady(refused)),
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

/// The nodes whose messages are not in English. An error of another node names its constraint in
/// the message alone, and operations look there (`operations::db::constraint`).
pub(crate) async fn languages(client: &Client) -> Result<Vec<String>, Error> {
    let question = "select current_setting('lc_messages')";
    let answers = ask(client, "asking for the language", question).await?;
    let others = answers
        .into_iter()
        .filter(|(_, language)| !is_english(language));
    let say = |(node, language)| {
        format!("{node} writes its messages in {language}: set lc_messages = 'C' there")
    };
    Ok(others.map(say).collect())
}

fn is_english(language: &str) -> bool {
    ["", "C", "POSIX"].contains(&language) || ["en", "C."].iter().any(|it| language.starts_with(it))
}

/// The routines of a node.
#[derive(Debug, PartialEq, Eq, Deserialize)]
struct Routines {
    /// Their number.
    count: usize,
    /// A fingerprint of their texts and of who may call them.
    hash: String,
    /// Those that everybody may execute.
    public: Vec<String>,
}

const ROUTINES: &str = "select json_build_object(
    'count', count(*),
    'hash', md5(string_agg(r.text, ' ' order by r.text)),
    'public', coalesce(json_agg(r.name) filter (where r.is_public), '[]'))
    from (
        select p.proname as name, has_function_privilege('public', p.oid, 'execute') as is_public,
            p.oid::regprocedure || p.prosrc || array(
                select a.grantee::regrole::text collate \"C\" from aclexplode(p.proacl) a
                where a.grantee <> 0 order by 1)::text collate \"C\" as text
        from pg_proc p
        where p.pronamespace in ('holdfast'::regnamespace, 'holdfast_read'::regnamespace)) r";

/// Every node has the same routines, and lets the same roles call them. PUBLIC may call none.
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
    use super::is_english;

    #[test]
    fn a_server_in_another_language_is_refused() {
        for english in ["C", "C.UTF-8", "POSIX", "en_US.UTF-8", "en_IN", ""] {
            assert!(is_english(english), "{english}");
        }
        for other in ["de_DE.UTF-8", "hi_IN", "ca_ES"] {
            assert!(!is_english(other), "{other}");
        }
    }
}
