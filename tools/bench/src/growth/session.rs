//! A function's session whose statements are explained.

use std::future::poll_fn;

use operations::cause::causes;
use serde_json::Value;
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio_postgres::{AsyncMessage, Client, NoTls};

use crate::server::Failed;

/// The beginning of a notice of auto_explain, and what is between its time and its plan.
const DURATION: &str = "duration: ";
const PLAN: &str = " ms  plan:\n";

/// A statement inside a routine.
#[derive(Debug)]
pub(super) struct Explained {
    pub(super) statement: String,
    /// Buffers that it read, with the statements inside it.
    pub(super) buffers: u64,
    pub(super) milliseconds: f64,
    pub(super) plan: Value,
}

/// A connection, and the notices that it gets.
pub(super) struct Session {
    client: Client,
    notices: UnboundedReceiver<String>,
}

impl Session {
    /// Opens a session with these settings.
    pub(super) async fn open(url: &str, settings: &str) -> Result<Self, Failed> {
        let (client, mut connection) = tokio_postgres::connect(url, NoTls).await?;
        let (sender, notices) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Some(Ok(message)) = poll_fn(|cx| connection.poll_message(cx)).await {
                if let AsyncMessage::Notice(notice) = message {
                    // nobody listens any more: the session is over
                    let _unheard = sender.send(notice.message().to_owned());
                }
            }
        });
        // A statement is as long as it is here, and is cut off nowhere.
        client.batch_execute("set statement_timeout = 0").await?;
        client.batch_execute(settings).await?;
        Ok(Self { client, notices })
    }

    /// Makes a call, and returns the statements inside it.
    pub(super) async fn call(
        &mut self,
        sql: &str,
        rolled_back: bool,
    ) -> Result<Vec<Explained>, Failed> {
        if rolled_back {
            self.client.batch_execute("begin").await?;
        }
        let called = self.client.batch_execute(sql).await;
        if rolled_back {
            self.client.batch_execute("rollback").await?;
        }
        called.map_err(|error| causes(&error))?;
        let mut explained = Vec::new();
        while let Ok(notice) = self.notices.try_recv() {
            explained.extend(parse(&notice)?);
        }
        // the call itself, and not a statement of the routine
        explained.retain(|one| bare(&one.statement) != bare(sql));
        Ok(explained)
    }
}

/// A statement without the end that PostgreSQL may leave out.
fn bare(statement: &str) -> &str {
    statement.trim().trim_end_matches(';')
}

/// The plan of a notice; `None` of another notice.
fn parse(notice: &str) -> Result<Option<Explained>, Failed> {
    let Some((milliseconds, json)) = notice
        .strip_prefix(DURATION)
        .and_then(|rest| rest.split_once(PLAN))
    else {
        return Ok(None);
    };
    let plan: Value = serde_json::from_str(json)?;
    let blocks = |name: &str| plan["Plan"][name].as_u64().unwrap_or(0);
    Ok(Some(Explained {
        statement: plan["Query Text"].as_str().unwrap_or("").to_owned(),
        buffers: blocks("Shared Hit Blocks") + blocks("Shared Read Blocks"),
        milliseconds: milliseconds.parse()?,
        plan,
    }))
}
