//! Staff who work beside the shoppers in a mixed run. Each role is a file: a loop of turns until
//! all are sent home. The promises are judged by their actions too.

mod clerk;
mod dispatcher;
mod importer;
mod office;
mod returns;
mod storekeeper;

use std::sync::{Arc, Mutex};

use tokio::sync::watch::{Sender, channel};
use tokio::task::JoinSet;

use crate::answers::Sku;
use crate::history::StaffAction;
use crate::sale::Sale;
use crate::taken::{self, Taken};
use office::Office;

const CLERKS: u64 = 3;
const DISPATCHERS: u64 = 2;

/// All who work, until [`Staff::go_home`].
pub(crate) struct Staff {
    office: Arc<Office>,
    stop: Sender<bool>,
    working: JoinSet<()>,
}

impl Staff {
    pub(crate) fn start(sale: &Arc<Sale>, skus: Vec<Sku>) -> Self {
        let (stop, stopped) = channel(false);
        let office = Arc::new(Office {
            sale: Arc::clone(sale),
            skus,
            actions: Mutex::default(),
            stopped,
        });
        let mut working = JoinSet::new();
        let desk = |number| (Arc::clone(&office), office.random(number));
        for number in 0..CLERKS {
            let (office, random) = desk(number);
            working.spawn(clerk::work(office, random));
        }
        for number in CLERKS..CLERKS + DISPATCHERS {
            let (office, random) = desk(number);
            working.spawn(dispatcher::work(office, random));
        }
        let (here, random) = desk(CLERKS + DISPATCHERS);
        working.spawn(returns::work(here, random));
        let (here, random) = desk(CLERKS + DISPATCHERS + 1);
        working.spawn(storekeeper::work(here, random));
        let (here, random) = desk(CLERKS + DISPATCHERS + 2);
        working.spawn(importer::work(here, random));
        Self {
            office,
            stop,
            working,
        }
    }

    /// The units that they have taken and brought so far.
    pub(crate) fn taken(&self) -> Vec<Taken> {
        let actions = self.office.actions();
        actions.iter().flat_map(taken::by_staff).collect()
    }

    /// Each ends the current turn.
    pub(crate) async fn go_home(mut self) -> Vec<StaffAction> {
        self.stop.send_replace(true);
        while let Some(ended) = self.working.join_next().await {
            // An error is a panic. It was printed, and the missing actions show in the results.
            let _ = ended;
        }
        self.office.actions().clone()
    }
}
