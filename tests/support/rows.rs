//! Whole tables, to compare before and after; and the constraint that refused a statement.

use std::collections::BTreeMap;

use operations::db::constraint;
use serde_json::Value;
use tokio_postgres::Client;

use crate::{CLUSTER, TestDb};

/// Every row of every table, as JSON, by table.
pub type Rows = BTreeMap<String, Vec<Value>>;

impl TestDb {
    /// Every row of every shop, except what the check of the promises remembers.
    pub async fn rows(&self) -> Rows {
        self.rows_where("true").await
    }

    /// Every row of one shop.
    pub async fn rows_of(&self, shop: &str) -> Rows {
        self.rows_where(&format!("t.shop = '{shop}'")).await
    }

    async fn rows_where(&self, condition: &str) -> Rows {
        let tables = "select table_name::text from information_schema.columns \
                      where table_schema = 'holdfast' and column_name = 'shop' \
                        and table_name not like 'promise\\_%' order by 1";
        let mut all = Rows::new();
        for table in self.owner.query(tables, &[]).await.unwrap() {
            let table: String = table.get(0);
            let query = format!(
                "select to_jsonb(t) from holdfast.{table} t where {condition} \
                 order by to_jsonb(t)::text"
            );
            let rows = self.owner.query(&query, &[]).await.unwrap();
            all.insert(table, rows.iter().map(|row| row.get(0)).collect());
        }
        all
    }

    /// One text of a query without parameters.
    pub async fn text(&self, query: &str) -> String {
        self.owner.query_one(query, &[]).await.unwrap().get(0)
    }

    /// The database's clock.
    pub async fn clock(&self) -> time::OffsetDateTime {
        let now = "select clock_timestamp()";
        self.owner.query_one(now, &[]).await.unwrap().get(0)
    }

    /// Moves the end of every hold into the past, except one checkout's.
    pub async fn make_all_due_but(&self, spared: operations::ids::CheckoutId) {
        self.sql(&format!(
            "with due as (
                update holdfast.checkouts set expires_at = now() - interval '1 second'
                where ended_at is null and checkout_id <> '{spared}'
                returning shop, checkout_id, expires_at)
            update holdfast.holds h set expires_at = d.expires_at from due d
            where h.shop = d.shop and h.checkout_id = d.checkout_id and h.resolved_at is null"
        ))
        .await;
    }

    /// One JSON value of a query without parameters.
    pub async fn json(&self, query: &str) -> Value {
        self.owner.query_one(query, &[]).await.unwrap().get(0)
    }

    /// Runs SQL as the owner. Citus sends the text of a change to a table to the nodes, so there
    /// each statement goes alone.
    pub async fn sql(&self, sql: &str) {
        let statements = match self.has_citus {
            true => statements(sql),
            false => vec![sql],
        };
        for statement in statements {
            if let Err(error) = self.owner.batch_execute(statement).await {
                panic!("{statement}: {error:?}");
            }
        }
    }

    /// Runs SQL without triggers, to break rows that the schema protects.
    pub async fn corrupt(&self, sql: &str) {
        self.sql(&format!(
            "begin; set local session_replication_role = replica; {sql}; commit"
        ))
        .await;
    }

    /// The name of the constraint or trigger that refuses `sql`; fails when nothing does.
    pub async fn refused_by(&self, sql: &str) -> String {
        let session = self.session().await;
        refused_by(&session, sql).await
    }
}

/// Fails unless the commit that ends `sql` is refused, because an attempt was refused after its
/// first write. If another node of Citus refuses the commit, the error does not name the rule, and
/// sometimes ends the session.
pub async fn assert_commit_refused(client: &Client, sql: &str) {
    let elsewhere = "could not commit transaction for shard";
    let error = client.batch_execute(sql).await.unwrap_err();
    let refusal = error.as_db_error();
    let is_elsewhere = refusal.is_none_or(|error| error.message().starts_with(elsewhere));
    if CLUSTER.workers().is_empty() || !is_elsewhere {
        let rule = "must_roll_back_is_never_committed";
        assert_eq!(refusal.and_then(constraint), Some(rule), "{sql}: {error:?}");
    }
}

/// The name of the constraint or trigger that refuses `sql`; fails when nothing does.
pub async fn refused_by(client: &Client, sql: &str) -> String {
    let Err(error) = client.batch_execute(sql).await else {
        panic!("not refused: {sql}")
    };
    let refusal = error.as_db_error().unwrap();
    match constraint(refusal) {
        Some(name) => name.to_owned(),
        None => panic!("refused by no constraint: {sql}: {refusal:?}"),
    }
}

/// The statements of a text. A semicolon in quotes, in a body or in a comment ends none.
fn statements(sql: &str) -> Vec<&str> {
    let (mut found, mut from, mut at) = (Vec::new(), 0, 0);
    while at < sql.len() {
        let rest = &sql[at..];
        let until = |end: &str, begin: usize| {
            rest[begin..]
                .find(end)
                .map_or(rest.len(), |n| begin + n + end.len())
        };
        at += match rest.as_bytes()[0] {
            b'\'' => until("'", 1),
            b'$' if rest.starts_with("$$") => until("$$", 2),
            b'-' if rest.starts_with("--") => until("\n", 2),
            b';' => {
                found.push(&sql[from..=at]);
                from = at + 1;
                1
            }
            _ => rest.chars().next().map_or(1, char::len_utf8),
        };
    }
    found.push(&sql[from..]);
    found.retain(|statement| !statement.trim().is_empty());
    found
}

#[cfg(test)]
mod tests {
    use super::statements;

    #[test]
    fn a_text_is_cut_between_its_statements() {
        let text = "a 'x;y'; -- it's; one\nb $$ c; $$;\n d";
        let cut = ["a 'x;y';", " -- it's; one\nb $$ c; $$;", "\n d"];
        assert_eq!(statements(text), cut);
    }
}
