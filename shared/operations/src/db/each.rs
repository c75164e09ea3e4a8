//! Work over all shops: on each node of a cluster with the shops of this node, on one server once
//! with all. While a node is down its shops wait, and the rest goes on.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use futures_util::future::join_all;
use tokio::time::Instant;
use tokio_postgres::Row;

use super::Database;
use super::failure::{Failure, TimeUp};
use super::nodes::Place;
use super::parameter::Parameter;
use super::run::{Group, NODE_WITHIN, Run, Waiting, refusal};
use super::tries::Tries;
use crate::cause::causes;

/// Shops of one statement. Each shard looks each of them up for each of its own, so that one
/// statement of many thousand shops takes longer than many of few.
const SHOPS_MAX: usize = 500;

const LIST: &str = "select * from holdfast.shop_list()";

impl Database {
    /// The same pool for one run of work over all shops. In a cluster it lists the shops and asks
    /// each node for a connection. A node that does not answer is left alone until the next run:
    /// [`Self::waiting`] names its shops, and a call about one of them fails at once. If the
    /// coordinator does not answer, the list of the last run counts. On one server this does
    /// nothing.
    ///
    /// # Errors
    /// [`Failure`] when nobody can say where the shops are.
    pub async fn for_run(&self) -> Result<Self, Failure> {
        if self.cluster.is_none() || self.run.is_some() {
            return Ok(self.clone());
        }
        let run = Run::new(self.groups().await?);
        let asked = run.groups.iter().map(async |group| {
            let accepts = match self.at_place(&group.place) {
                Ok(node) => node.accepts().await,
                Err(failure) => Err(failure),
            };
            if let Err(failure) = accepts {
                run.failed(&group.place, &failure);
            }
        });
        join_all(asked).await;
        Ok(Self {
            run: Some(Arc::new(run)),
            ..self.clone()
        })
    }

    /// The same pool for a batch of calls about any shops: in a cluster, a node that did not answer
    /// for a while is not asked again.
    #[must_use]
    pub fn for_batch(&self) -> Self {
        Self {
            run: self.cluster.is_some().then(Arc::default),
            ..self.clone()
        }
    }

    /// Whether shops are on several servers: if one does not answer, another may.
    #[must_use]
    pub fn has_nodes(&self) -> bool {
        self.cluster.is_some()
    }

    /// The shops that wait for another run, by node.
    #[must_use]
    pub fn waiting(&self) -> Vec<Waiting> {
        self.run.as_ref().map_or_else(Vec::new, |run| run.waiting())
    }

    /// Whether this shop waits for another run.
    #[must_use]
    pub fn waits(&self, shop: &str) -> bool {
        self.run.as_ref().is_some_and(|run| run.waits(shop))
    }

    /// Work about shops with the same answer goes to the same node, and to no other: it need not
    /// wait for the others. On one server all shops have one.
    #[must_use]
    pub fn group_of(&self, shop: &str) -> Option<usize> {
        self.run.as_ref().and_then(|run| run.group_of(shop))
    }

    /// Runs a statement about all shops on each node, with the shops of this node as its only
    /// parameter, and returns the rows of all. On one server the parameter is null. A node that
    /// fails adds no row, and its shops wait. A node without shops is not asked.
    ///
    /// # Errors
    /// [`Failure`] when no node could answer.
    pub(crate) async fn call_each(&self, statement: &str) -> Result<Vec<Row>, Failure> {
        self.call_some(statement, |group| !group.shops.is_empty())
            .await
    }

    /// The same on the coordinator, too, if it has no shops: for a statement that also says
    /// something of its server, and touches no shop if there is none in its parameter.
    ///
    /// # Errors
    /// As [`Self::call_each`].
    pub(crate) async fn call_servers(&self, statement: &str) -> Result<Vec<Row>, Failure> {
        self.call_some(statement, |_| true).await
    }

    async fn call_some(
        &self,
        statement: &str,
        is_asked: fn(&Group) -> bool,
    ) -> Result<Vec<Row>, Failure> {
        let Some(run) = &self.run else {
            if self.cluster.is_some() {
                let run = self.for_run().await?;
                return Box::pin(run.call_some(statement, is_asked)).await;
            }
            return self.call(statement, &[&None::<Vec<String>>]).await;
        };
        let groups = run.groups.iter().filter(|group| is_asked(group));
        if groups.clone().next().is_none() {
            return Ok(Vec::new());
        }
        let asked = groups.filter(|group| !run.is_silent(&group.place));
        let answers = join_all(asked.map(async |group| {
            let answer = self.call_group(statement, group).await;
            answer.inspect_err(|failure| run.failed(&group.place, failure))
        }));
        let mut rows: Option<Vec<Row>> = None;
        let mut first = None;
        for answer in answers.await {
            match answer {
                Ok(more) => rows.get_or_insert_default().extend(more),
                Err(failure) => first = first.or(Some(failure)),
            }
        }
        rows.ok_or_else(|| first.unwrap_or_else(refusal))
    }

    async fn call_group(&self, statement: &str, group: &Group) -> Result<Vec<Row>, Failure> {
        let node = self.at_place(&group.place)?;
        // one time for all parts, or a node of many shops would have many times as much
        let deadline = Instant::now() + self.call_timeout;
        let mut rows = Vec::new();
        // once, if there is no shop
        let mut parts = group.shops.chunks(SHOPS_MAX);
        let first = parts.next().unwrap_or_default();
        for part in std::iter::once(first).chain(parts) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Failure::Unavailable(TimeUp.into()));
            }
            let params: [&dyn Parameter; 1] = [&Some(part)];
            let node = node.clone().with_call_timeout(left);
            rows.extend(node.call(statement, &params).await?);
        }
        Ok(rows)
    }

    /// The codes of all shops, sorted.
    ///
    /// # Errors
    /// [`Failure`] when the database could not answer.
    pub(crate) async fn shops(&self) -> Result<Vec<String>, Failure> {
        if let Some(run) = &self.run {
            let groups = run.groups.iter();
            let mut shops: Vec<String> = groups.flat_map(|one| one.shops.clone()).collect();
            shops.sort();
            return Ok(shops);
        }
        let rows = self.call(LIST, &[]).await?;
        Ok(rows.iter().map(|row| row.get("o_shop")).collect())
    }

    /// The shops of each node, and of the coordinator, which may have none.
    async fn groups(&self) -> Result<Arc<Vec<Group>>, Failure> {
        let Some(citus) = &self.cluster else {
            return Ok(Arc::default());
        };
        let kept = || citus.groups.lock().unwrap_or_else(PoisonError::into_inner);
        let coordinator = match kept().is_some() {
            true => self.clone().with_call_timeout(NODE_WITHIN),
            false => self.clone(),
        };
        let rows = match (coordinator.call(LIST, &[]).await, &*kept()) {
            (Ok(rows), _) => rows,
            (Err(failure), Some(groups)) => {
                let causes = causes(&failure);
                tracing::warn!(causes, "the coordinator does not list the shops");
                return Ok(Arc::clone(groups));
            }
            (Err(failure), None) => return Err(failure),
        };
        let mut shops = BTreeMap::from([(Place::Coordinator, Vec::new())]);
        for row in rows {
            let shop: String = row.get("o_shop");
            let place = Place::of(&row);
            citus.nodes.learn(&shop, place.clone());
            shops.entry(place).or_default().push(shop);
        }
        let groups = shops
            .into_iter()
            .map(|(place, shops)| Group { place, shops });
        let groups = Arc::new(groups.collect());
        *kept() = Some(Arc::clone(&groups));
        Ok(groups)
    }

    /// The pool of this node, without the run: for calls that know where they go.
    fn at_place(&self, place: &Place) -> Result<Self, Failure> {
        match (place, &self.cluster) {
            (Place::Node(address), Some(citus)) => self.node(citus, address.clone()),
            _ => Ok(Self {
                cluster: None,
                run: None,
                ..self.clone()
            }),
        }
    }

    /// Opens a connection, or takes one that was checked.
    async fn accepts(&self) -> Result<(), Failure> {
        let mut tries = Tries::until(Instant::now() + NODE_WITHIN);
        loop {
            match self.connected(tries.deadline()).await {
                Ok(_) => return Ok(()),
                Err(failure) => tries.again_after(failure).await?,
            }
        }
    }
}
