//! The bad day, while the shoppers come: gateways whose webhooks are lost, doubled and shuffled and
//! which don't answer for a while; banks that take their time with refunds; a database that stops.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::watch::{Receiver, Sender};
use tokio::task::JoinHandle;

use crate::api::Api;
use crate::args::Args;
use crate::books::Books;
use crate::control::Control;
use crate::stage::Stage;
use crate::watch::{self, Database};

/// Webhooks leave so much later than what they tell of.
const DELAY_MS: u64 = 150;
/// How often the banks look at what refunds there are.
const BANKS_EVERY: Duration = Duration::from_secs(2);
/// How each gateway fails when it is its turn, one after another.
const TURNS: [(&str, &str); 3] = [
    ("stripe", "down"),
    ("razorpay", "hanging"),
    ("cashfree", "busy"),
];

/// How often the books are looked at until they are in order.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// The storm, where shoppers pay at gateways that have weather.
pub(crate) struct Storms(Option<(Storm, Sender<bool>)>);

impl Storms {
    pub(crate) async fn start(args: &Args, stage: &Stage) -> Result<Self, String> {
        let Some(control) = &stage.control else {
            return Ok(Self(None));
        };
        let (stop, stopped) = tokio::sync::watch::channel(false);
        let storm = Storm::start(args, control, &stage.api, &stopped).await?;
        Ok(Self(Some((storm, stop))))
    }

    /// Waits, within the bound, until every payment has ended, while webhooks are lost still; then
    /// ends the storm. The books, however they are.
    pub(crate) async fn weathered(
        self,
        args: &Args,
        stage: &Stage,
    ) -> Result<Option<Books>, String> {
        let (Some((mut storm, stop)), Some(url)) = (self.0, &args.database) else {
            return Ok(None);
        };
        let outage = storm.outage().await?;
        let mut database = Database::connect(url, &args.shop)
            .await
            .map_err(|error| format!("--database: {}", watch::reason_of(&error)))?;
        let until = stage.api.now() + args.settle_s;
        let books = loop {
            let mut books = storm.books(&mut database).await?;
            books.outage_s = outage.as_secs_f64();
            let over = stage.api.now() >= until || stage.api.out_of_time();
            if over || books.are_in_order() {
                break books;
            }
            stage.api.pause(LOOK_EVERY).await;
        };
        stop.send_replace(true);
        storm.end().await?;
        Ok(Some(books))
    }
}

/// What goes on until it is stopped.
struct Storm {
    tasks: Vec<JoinHandle<Result<(), String>>>,
    outage: Option<JoinHandle<Result<Duration, String>>>,
    control: Arc<Control>,
}

impl Storm {
    /// Begins it; a gateway that does not answer is told at once.
    async fn start(
        args: &Args,
        control: &Arc<Control>,
        api: &Arc<Api>,
        stopped: &Receiver<bool>,
    ) -> Result<Self, String> {
        let webhooks = Webhooks {
            lost_percent: args.lost_percent,
            duplicates: args.duplicates,
        };
        for (gateway, _) in TURNS {
            control.faults(gateway, &webhooks.faults("up")).await?;
        }
        let banks = banks(Arc::clone(control), stopped.clone());
        let mut tasks = vec![tokio::spawn(banks)];
        if !args.gateway_down_s.is_zero() {
            let (control, api) = (Arc::clone(control), Arc::clone(api));
            let turns = turns(control, api, webhooks, args.rush_s, args.gateway_down_s);
            tasks.push(tokio::spawn(turns));
        }
        let outage = (!args.database_down_s.is_zero()).then(|| {
            let (control, api) = (Arc::clone(control), Arc::clone(api));
            let (after, lasts) = (args.rush_s / 2, args.database_down_s);
            tokio::spawn(async move {
                api.pause(after).await;
                let began = Instant::now();
                control.stop_database().await?;
                api.pause(lasts).await;
                control.start_database().await?;
                Ok(began.elapsed())
            })
        });
        Ok(Self {
            tasks,
            outage,
            control: Arc::clone(control),
        })
    }

    /// Waits for the end of the outage: its length.
    async fn outage(&mut self) -> Result<Duration, String> {
        match self.outage.take() {
            Some(outage) => outage.await.unwrap_or_else(|error| Err(error.to_string())),
            None => Ok(Duration::ZERO),
        }
    }

    /// Both accounts. The gateways' is taken first: what they do after it is not asked of the
    /// deployment's.
    async fn books(&self, database: &mut Database) -> Result<Books, String> {
        let world = self.control.world().await?;
        let queues = self.control.queues().await?;
        let ledger = database.ledger().await;
        let ledger = ledger.map_err(|error| format!("--database: {}", watch::reason_of(&error)))?;
        Ok(Books {
            world,
            ledger,
            queues,
            outage_s: 0.0,
        })
    }

    /// The weather is fine again; call it when `stopped` was told.
    async fn end(self) -> Result<(), String> {
        for task in self.tasks {
            task.await.unwrap_or_else(|error| Err(error.to_string()))?;
        }
        for (gateway, _) in TURNS {
            self.control.faults(gateway, &json!({})).await?;
        }
        Ok(())
    }
}

#[derive(Clone, Copy)]
struct Webhooks {
    lost_percent: u32,
    duplicates: u32,
}

impl Webhooks {
    fn faults(self, api: &str) -> Value {
        json!({
            "api": api,
            "refunds": "later",
            "webhooks": {
                "lost_percent": self.lost_percent, "duplicates": self.duplicates,
                "fresh_ids": true, "shuffled": true, "delay_ms": DELAY_MS,
            },
        })
    }
}

/// Each gateway fails once, for a while, in the first part of the rush.
async fn turns(
    control: Arc<Control>,
    api: Arc<Api>,
    webhooks: Webhooks,
    rush: Duration,
    lasts: Duration,
) -> Result<(), String> {
    api.pause(rush / 10).await;
    for (gateway, how) in TURNS {
        control.faults(gateway, &webhooks.faults(how)).await?;
        api.pause(lasts).await;
        control.faults(gateway, &webhooks.faults("up")).await?;
    }
    Ok(())
}

/// Settles refunds some time after they were asked for.
async fn banks(control: Arc<Control>, mut stopped: Receiver<bool>) -> Result<(), String> {
    let mut seen: Vec<String> = vec![];
    while !*stopped.borrow() {
        tokio::select! {
            () = tokio::time::sleep(BANKS_EVERY) => {}
            _ = stopped.changed() => {}
        }
        let refunds = control.world().await?.refunds;
        let pending = refunds.into_iter().filter(|r| r.state == "pending");
        let (due, new): (Vec<String>, Vec<String>) =
            pending.map(|r| r.id).partition(|id| seen.contains(id));
        for refund in &due {
            control.end_refund(refund, "settled").await?;
        }
        seen = new;
    }
    Ok(())
}
