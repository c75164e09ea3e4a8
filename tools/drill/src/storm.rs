//! The storm: gateways that lose, copy and shuffle their webhooks and fail in turn, banks that take
//! their time with refunds, and a database that stops.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::watch::{Receiver, Sender, channel};
use tokio::task::JoinHandle;

use crate::api::Api;
use crate::args::Args;
use crate::checks::money;
use crate::control::Control;
use crate::database::Database;
use crate::records::Records;
use crate::sale::Sale;

/// From an event to its webhook.
const WEBHOOK_DELAY_MS: u64 = 150;
/// How often the banks look for new refunds.
const BANKS_EVERY: Duration = Duration::from_secs(2);
/// How often the records are read until they are settled.
const RECORDS_EVERY: Duration = Duration::from_secs(2);
/// The failures, one after another.
const FAILURES: [(&str, &str); 3] = [
    ("stripe", "down"),
    ("razorpay", "hanging"),
    ("cashfree", "busy"),
];

pub(crate) struct Storm {
    control: Arc<Control>,
    stop: Sender<bool>,
    tasks: Vec<JoinHandle<Result<(), String>>>,
    outage: JoinHandle<Result<Duration, String>>,
}

impl Storm {
    /// Starts the storm, where shoppers pay at simulated gateways.
    pub(crate) async fn start(args: &Args, sale: &Sale) -> Result<Option<Self>, String> {
        let Some(control) = &sale.control else {
            return Ok(None);
        };
        let faults = Faults {
            lost_percent: args.lost_percent,
            duplicates: args.duplicates,
        };
        for (gateway, _) in FAILURES {
            control.set_faults(gateway, &faults.json("up")).await?;
        }
        let (stop, stopped) = channel(false);
        let mut tasks = vec![tokio::spawn(settle_refunds(Arc::clone(control), stopped))];
        let (api, rush) = (|| Arc::clone(&sale.api), args.rush_s);
        if !args.gateway_down_s.is_zero() {
            let lasts = args.gateway_down_s;
            let failing = fail_in_turn(Arc::clone(control), api(), rush, lasts, faults);
            tasks.push(tokio::spawn(failing));
        }
        let outage = stop_database(Arc::clone(control), api(), rush, args.database_down_s);
        Ok(Some(Self {
            control: Arc::clone(control),
            stop,
            tasks,
            outage: tokio::spawn(outage),
        }))
    }

    /// Waits, within the bound, until every payment has ended, while webhooks are still being lost.
    /// Then ends the storm. Returns the last records.
    pub(crate) async fn end(self, args: &Args, sale: &Sale) -> Result<Records, String> {
        let outage = self.outage.await;
        let outage = outage.unwrap_or_else(|error| Err(error.to_string()))?;
        let url = args.database.as_deref().unwrap_or_default();
        let mut database = Database::connect(url, &args.shop).await?;
        let until = sale.api.now() + args.settle_s;
        let records = loop {
            // The gateways first: the deployment need not know yet what they do after it.
            let records = Records {
                gateways: self.control.gateway_state().await?,
                queue: self.control.queue().await?,
                database: database.ledger().await?,
                outage_s: outage.as_secs_f64(),
            };
            let over = sale.api.now() >= until || sale.api.out_of_time();
            if over || money::is_settled(&records) {
                break records;
            }
            sale.api.pause(RECORDS_EVERY).await;
        };
        self.stop.send_replace(true);
        for task in self.tasks {
            task.await.unwrap_or_else(|error| Err(error.to_string()))?;
        }
        for (gateway, _) in FAILURES {
            self.control.set_faults(gateway, &json!({})).await?;
        }
        Ok(records)
    }
}

#[derive(Clone, Copy)]
struct Faults {
    lost_percent: u32,
    duplicates: u32,
}

impl Faults {
    /// In the simulator's words; `api`: how it answers the deployment.
    fn json(self, api: &str) -> Value {
        json!({
            "api": api,
            "refunds": "later",
            "webhooks": {
                "lost_percent": self.lost_percent, "duplicates": self.duplicates,
                "fresh_ids": true, "shuffled": true, "delay_ms": WEBHOOK_DELAY_MS,
            },
        })
    }
}

/// Each gateway fails once, for a while, in the first part of the rush.
async fn fail_in_turn(
    control: Arc<Control>,
    api: Arc<Api>,
    rush: Duration,
    lasts: Duration,
    faults: Faults,
) -> Result<(), String> {
    api.pause(rush / 10).await;
    for (gateway, how) in FAILURES {
        control.set_faults(gateway, &faults.json(how)).await?;
        api.pause(lasts).await;
        control.set_faults(gateway, &faults.json("up")).await?;
    }
    Ok(())
}

/// Stops the database in the middle of the rush. Returns how long it was down.
async fn stop_database(
    control: Arc<Control>,
    api: Arc<Api>,
    rush: Duration,
    lasts: Duration,
) -> Result<Duration, String> {
    if lasts.is_zero() {
        return Ok(lasts);
    }
    api.pause(rush / 2).await;
    let began = Instant::now();
    control.stop_database().await?;
    api.pause(lasts).await;
    control.start_database().await?;
    Ok(began.elapsed())
}

/// The banks: settle each refund some time after the deployment asked for it.
async fn settle_refunds(control: Arc<Control>, mut stop: Receiver<bool>) -> Result<(), String> {
    let mut seen: Vec<String> = vec![];
    while !*stop.borrow() {
        tokio::select! {
            () = tokio::time::sleep(BANKS_EVERY) => {}
            _ = stop.changed() => {}
        }
        let refunds = control.gateway_state().await?.refunds.into_iter();
        let pending = refunds.filter(|refund| refund.state == "pending");
        let (due, new): (Vec<String>, Vec<String>) = pending
            .map(|refund| refund.id)
            .partition(|id| seen.contains(id));
        for refund in &due {
            control.settle_refund(refund).await?;
        }
        seen = new;
    }
    Ok(())
}
