//! Whether the cluster can be used: everything that is missing, before anything is changed.

use holdfast_migrate::Release;
use tokio_postgres::Client;

use crate::error::{Error, failed};
use crate::nodes;

/// The oldest Citus on which the tests ran.
const CITUS_MIN: (u32, u32) = (13, 2);
const OWNER: &str = "holdfast_owner";
/// Without any node it may become one.
const COORDINATOR: &str = "select citus_is_coordinator() or not exists (select from pg_dist_node)";

/// The nodes of the cluster, as `host:port`, after the owner may log in on each of them.
///
/// # Errors
/// [`Error::NotReady`] names everything that is missing.
pub(crate) async fn all(client: &mut Client, release: &Release) -> Result<Vec<String>, Error> {
    let missing = server(client, release).await?;
    if !missing.is_empty() {
        return Err(Error::NotReady(missing));
    }
    let (nodes, mut missing) = nodes(client).await?;
    if missing.is_empty() {
        missing.extend(nodes::versions(client).await?);
        missing.extend(nodes::settings(client).await?);
        missing.extend(unreachable(client, None).await?);
    }
    if missing.is_empty() {
        missing.extend(owner(client).await?);
    }
    match missing.is_empty() {
        true => Ok(nodes),
        false => Err(Error::NotReady(missing)),
    }
}

/// What this server lacks.
async fn server(client: &Client, release: &Release) -> Result<Vec<String>, Error> {
    let query = "select (select e.extversion from pg_extension e where e.extname = 'citus'),
        (select r.rolsuper from pg_roles r where r.rolname = current_user), current_database(),
        to_regclass('holdfast.schema_release') is not null";
    let row = client.query_typed_one(query, &[]).await;
    let row = row.map_err(failed("looking at the server"))?;
    let (citus, is_super): (Option<String>, bool) = (row.get(0), row.get(1));
    let (database, has_schema): (String, bool) = (row.get(2), row.get(3));
    let mut missing = Vec::new();
    match citus.as_deref() {
        None => missing.push(format!(
            "the database {database} has no extension citus: on every node put `citus` first into \
             shared_preload_libraries, restart it, and run `create extension citus` in {database}"
        )),
        Some(version) if !is_new_enough(version) => missing.push(format!(
            "Citus {version} is older than {}.{}",
            CITUS_MIN.0, CITUS_MIN.1
        )),
        Some(_) => {
            let coordinator = client.query_typed_one(COORDINATOR, &[]).await;
            if !coordinator
                .map_err(failed("looking for the coordinator"))?
                .get::<_, bool>(0)
            {
                missing.push("this node is not the coordinator: connect to that one".to_owned());
            }
        }
    }
    if !is_super {
        missing.push("the user is no superuser: only one may distribute tables".to_owned());
    }
    if !has_schema || !is_of(client, release).await? {
        missing.push(format!(
            "the database is not of release {}: run `holdfast migrate` first",
            release.number
        ));
    }
    Ok(missing)
}

/// `13.2-1`
fn is_new_enough(version: &str) -> bool {
    let mut parts = version
        .split(['.', '-'])
        .map_while(|part| part.parse().ok());
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) >= CITUS_MIN
}

async fn is_of(client: &Client, release: &Release) -> Result<bool, Error> {
    let query = "select r.release from holdfast.schema_release r";
    let rows = client.query_typed(query, &[]).await;
    let rows = rows.map_err(failed("reading the release"))?;
    let number = release.number.to_string();
    Ok(rows.iter().any(|row| row.get::<_, String>(0) == number))
}

/// The nodes, and what is wrong with them.
async fn nodes(client: &Client) -> Result<(Vec<String>, Vec<String>), Error> {
    let query = "select format('%s:%s', n.nodename, n.nodeport), n.groupid = 0,
            n.isactive and (n.groupid = 0 or n.hasmetadata and n.metadatasynced),
            n.shouldhaveshards
        from pg_dist_node n where n.noderole = 'primary' order by n.groupid";
    let rows = client.query_typed(query, &[]).await;
    let rows = rows.map_err(failed("reading the nodes"))?;
    let mut missing = Vec::new();
    if !rows.iter().any(|row| row.get(1)) {
        missing.push(
            "the coordinator has no address: select citus_set_coordinator_host('<an address that \
             every node reaches>')"
                .to_owned(),
        );
    }
    if !rows.iter().any(|row| row.get(3)) {
        missing.push(
            "no node takes shards: add one by citus_add_node, or, for the coordinator alone, \
             select citus_set_node_property('<its address>', <its port>, 'shouldhaveshards', true)"
                .to_owned(),
        );
    }
    let nodes = rows.iter().map(|row| row.get(0)).collect();
    for row in rows.iter().filter(|row| !row.get::<_, bool>(2)) {
        let node: String = row.get(0);
        missing.push(format!(
            "the node {node} is not active: citus_activate_node"
        ));
    }
    Ok((nodes, missing))
}

/// The pairs of nodes that can't connect, as this user or as another role.
async fn unreachable(client: &mut Client, role: Option<&str>) -> Result<Vec<String>, Error> {
    let step = "letting the nodes connect to each other";
    let transaction = client.transaction().await.map_err(failed(step))?;
    if let Some(role) = role {
        let set = format!("set local role {role}");
        transaction
            .batch_execute(&set)
            .await
            .map_err(failed(step))?;
    }
    let query = "select format('%s:%s can''t connect to %s:%s as %s', h.from_nodename,
            h.from_nodeport, h.to_nodename, h.to_nodeport, current_user),
            current_user::text
        from citus_check_cluster_node_health() h where h.result is not true";
    let rows = transaction
        .query_typed(query, &[])
        .await
        .map_err(failed(step))?;
    let mut missing: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    if let Some(row) = rows.first() {
        let who: String = row.get(1);
        missing.push(format!(
            "let {who} log in without a password from the addresses of the nodes, and from nowhere \
             else: pg_hba.conf of every node, before the lines for all"
        ));
    }
    Ok(missing)
}

/// Lets the owner log in, because a routine with the owner's rights reaches other nodes as the
/// owner. If the nodes refuse it, everything is as before.
async fn owner(client: &mut Client) -> Result<Vec<String>, Error> {
    let query = "select r.rolcanlogin from pg_roles r where r.rolname = 'holdfast_owner'";
    let row = client.query_typed_one(query, &[]).await;
    let may: bool = row.map_err(failed("looking at the owner"))?.get(0);
    let alter = async |client: &Client, word| {
        let alter = client
            .batch_execute(&format!("alter role {OWNER} {word}"))
            .await;
        alter.map_err(failed("letting the owner log in"))
    };
    if !may {
        alter(client, "login").await?;
    }
    let refused = unreachable(client, Some(OWNER)).await;
    if !may && !matches!(&refused, Ok(refused) if refused.is_empty()) {
        alter(client, "nologin").await?;
    }
    refused
}

#[cfg(test)]
mod tests {
    use super::is_new_enough;

    #[test]
    fn an_older_citus_is_refused() {
        for (version, is_new) in [("13.2-1", true), ("14.0-1", true), ("13.1-1", false)] {
            assert_eq!(is_new_enough(version), is_new, "{version}");
        }
    }
}
