//! What a run of work over all shops knows of a cluster: which node has which shops, and which
//! nodes do not answer. Their shops wait, and the rest goes on.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use super::failure::Failure;
use super::nodes::Place;
use crate::cause::causes;

/// Time for a node to accept a connection at the beginning of a run, and for tries that get no
/// answer in its midst. All nodes are asked at the same time. If too low, the shops of a busy node
/// wait for the next run. If too high, all shops wait for a node that is down.
pub(super) const NODE_WITHIN: Duration = Duration::from_secs(3);
/// Codes of waiting shops that a report names, for each node.
pub const CODES_MAX: usize = 100;

/// The shops of a node that wait for another run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Waiting {
    /// `host:port`, or `the coordinator`.
    pub node: String,
    /// How many shops wait.
    pub shops: usize,
    /// The first [`CODES_MAX`] of their codes.
    pub codes: Vec<String>,
    /// Why, for a person to read.
    pub failure: String,
}

/// The shops of one node, sorted.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) place: Place,
    pub(super) shops: Vec<String>,
}

/// What a run knows.
#[derive(Debug, Default)]
pub(super) struct Run {
    pub(super) groups: Arc<Vec<Group>>,
    /// Which of the groups a shop is in.
    group_of: HashMap<String, usize>,
    nodes: Mutex<BTreeMap<Place, State>>,
}

/// What is wrong with a node.
#[derive(Debug, Default)]
struct State {
    /// Its calls got no answer since then.
    failing_since: Option<Instant>,
    /// It is not asked again in this run. The reason.
    silent: Option<String>,
    /// It answers, and one of its calls over all its shops failed. The reason.
    failed: Option<String>,
}

impl Run {
    pub(super) fn new(groups: Arc<Vec<Group>>) -> Self {
        let places = groups.iter().enumerate();
        let group_of = places.flat_map(|(nth, group)| {
            let shops = group.shops.iter();
            shops.map(move |shop| (shop.clone(), nth))
        });
        Self {
            group_of: group_of.collect(),
            groups,
            nodes: Mutex::default(),
        }
    }

    fn nodes(&self) -> MutexGuard<'_, BTreeMap<Place, State>> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_silent(&self, place: &Place) -> bool {
        let nodes = self.nodes();
        nodes.get(place).is_some_and(|node| node.silent.is_some())
    }

    /// Whether the shop waits: its node did not answer before.
    pub(super) fn waits(&self, shop: &str) -> bool {
        let group = self.group_of.get(shop).map(|nth| &self.groups[*nth]);
        group.is_some_and(|group| self.is_silent(&group.place))
    }

    /// The number of the group that the shop is in.
    pub(super) fn group_of(&self, shop: &str) -> Option<usize> {
        self.group_of.get(shop).copied()
    }

    /// Why a call about a shop of this node is not made.
    ///
    /// # Errors
    /// The node did not answer before.
    pub(super) fn check(&self, place: &Place) -> Result<(), Failure> {
        match self.is_silent(place) {
            true => Err(refusal()),
            false => Ok(()),
        }
    }

    /// A call to this node ended.
    pub(super) fn note<T>(&self, place: &Place, called: &Result<T, Failure>) {
        let failure = called
            .as_ref()
            .err()
            .filter(|failure| failure.is_of_server());
        let mut nodes = self.nodes();
        let node = nodes.entry(place.clone()).or_default();
        let Some(failure) = failure else {
            node.failing_since = None;
            return;
        };
        let since = *node.failing_since.get_or_insert_with(Instant::now);
        if since.elapsed() >= NODE_WITHIN {
            node.silent.get_or_insert_with(|| causes(failure));
        }
    }

    /// A call over all shops of this node failed.
    pub(super) fn failed(&self, place: &Place, failure: &Failure) {
        let mut nodes = self.nodes();
        let node = nodes.entry(place.clone()).or_default();
        let reason = match failure.is_of_server() {
            true => &mut node.silent,
            false => &mut node.failed,
        };
        reason.get_or_insert_with(|| causes(failure));
    }

    pub(super) fn waiting(&self) -> Vec<Waiting> {
        let nodes = self.nodes();
        let waits = |group: &Group| {
            let node = nodes.get(&group.place)?;
            let failure = node.silent.as_ref().or(node.failed.as_ref())?;
            Some(Waiting {
                node: group.place.to_string(),
                shops: group.shops.len(),
                codes: group.shops.iter().take(CODES_MAX).cloned().collect(),
                failure: failure.clone(),
            })
        };
        self.groups.iter().filter_map(waits).collect()
    }
}

/// A refusal without a call.
pub(super) fn refusal() -> Failure {
    Failure::Refused("the node of the shop did not answer before in this run".into())
}
