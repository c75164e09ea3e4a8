//! Databases on a cluster of Citus: a server and workers beside it, which call each other over TCP.

use crate::Error;
use crate::postgres::Cluster;

/// An ended session may still be in the list of its database.
const COPY_TRIES_MAX: u32 = 20;

/// As docs/scaling.md asks for.
const CLOSED: &str = "alter default privileges revoke execute on functions from public";

impl Cluster {
    /// Creates a database, on every node of Citus if it runs. `with`: the rest of the statement.
    ///
    /// # Errors
    /// When a node refuses it.
    pub fn create_database(&self, name: &str, with: &str) -> Result<(), Error> {
        self.execute("postgres", &format!("create database {name} {with}"))?;
        for worker in self.workers() {
            worker.execute("postgres", &format!("create database {name}"))?;
        }
        if self.has_citus() {
            for node in self.nodes() {
                node.execute(name, "create extension citus")?;
                // Citus makes the routines on a new node, and grants the rights afterwards
                node.execute(name, CLOSED)?;
            }
        }
        Ok(())
    }

    /// Makes the nodes of a migrated database one cluster of Citus, ready to be distributed.
    ///
    /// # Errors
    /// When a node refuses it.
    pub fn join_nodes(&self, database: &str) -> Result<(), Error> {
        let port = self.port();
        let address = format!("select citus_set_coordinator_host('127.0.0.1', {port})");
        self.execute(database, &address)?;
        if self.workers().is_empty() {
            let alone = format!(
                "select citus_set_node_property('127.0.0.1', {port}, 'shouldhaveshards', true)"
            );
            return self.execute(database, &alone);
        }
        for worker in self.workers() {
            let add = format!("select citus_add_node('127.0.0.1', {})", worker.port());
            self.execute(database, &add)?;
        }
        Ok(())
    }

    /// Copies a distributed database, on every node, and ends the sessions that are in it.
    ///
    /// # Errors
    /// When a node refuses it.
    pub fn copy_database(&self, name: &str, template: &str) -> Result<(), Error> {
        // also Citus's own session, which comes again with the next one
        let end = format!(
            "select pg_terminate_backend(a.pid) from pg_stat_activity a
            where a.datname = '{template}'"
        );
        let copy = format!("create database {name} template {template}");
        for node in self.nodes() {
            let mut tries = 0;
            loop {
                node.execute("postgres", &end)?;
                match node.execute("postgres", &copy) {
                    Err(_) if tries < COPY_TRIES_MAX => tries += 1,
                    done => break done?,
                }
            }
        }
        Ok(())
    }

    fn nodes(&self) -> impl Iterator<Item = &Cluster> {
        std::iter::once(self).chain(self.workers())
    }
}
