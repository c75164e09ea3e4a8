//! What the terminal shows while the sale goes on: one line that is rewritten, or, when nobody
//! watches, one line every two seconds.

use std::io::{IsTerminal as _, Write as _, stdout};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot::{Receiver, Sender, channel};
use tokio::task::JoinHandle;

use crate::meters::Call;
use crate::stage::{Counts, Stage};

pub(crate) struct Ticker {
    stop: Sender<()>,
    task: JoinHandle<()>,
}

impl Ticker {
    pub(crate) async fn stop(self) {
        let _ = self.stop.send(());
        let _ = self.task.await;
    }
}

pub(crate) fn start(stage: Arc<Stage>, shoppers: u32) -> Ticker {
    let (stop, stopped) = channel();
    Ticker {
        stop,
        task: tokio::spawn(show(stage, shoppers, stopped)),
    }
}

async fn show(stage: Arc<Stage>, shoppers: u32, mut stopped: Receiver<()>) {
    let rewrites = stdout().is_terminal();
    let every = Duration::from_millis(if rewrites { 200 } else { 2_000 });
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    ticks.tick().await;
    loop {
        let ended = tokio::select! {
            _ = ticks.tick() => false,
            _ = &mut stopped => true,
        };
        let line = line(&stage, shoppers);
        // a terminal that went away is no reason to stop the rehearsal
        let _ = if rewrites {
            write!(stdout(), "\r\x1b[2K{line}").and_then(|()| stdout().flush())
        } else {
            writeln!(stdout(), "{line}")
        };
        if ended {
            if rewrites {
                let _ = writeln!(stdout());
            }
            return;
        }
    }
}

fn line(stage: &Stage, shoppers: u32) -> String {
    let counts = &stage.counts;
    let begin = stage.api.meters.of(Call::Begin);
    format!(
        "{:6.1} s  shoppers {}/{shoppers}  holds {}  refused {}  orders {}  paid {}  \
         begin p99 {:.0} ms",
        stage.api.now().as_secs_f64(),
        Counts::get(&counts.done),
        Counts::get(&counts.granted),
        Counts::get(&counts.refused),
        Counts::get(&counts.orders),
        Counts::get(&counts.paid),
        begin.quantile_ms(0.99),
    )
}
