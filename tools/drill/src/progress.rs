//! The line that the terminal shows while the sale goes on. A terminal rewrites it; elsewhere a new
//! line comes every two seconds.

use std::io::{IsTerminal as _, Write as _, stdout};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::meters::Call;
use crate::sale::Sale;

/// Shows the progress until this future is dropped.
pub(crate) async fn show(sale: &Sale, shoppers: u32) {
    let rewrites = stdout().is_terminal();
    let every = Duration::from_millis(if rewrites { 200 } else { 2_000 });
    loop {
        tokio::time::sleep(every).await;
        let line = line(sale, shoppers);
        // A terminal that went away is no reason to stop the run.
        let _ = if rewrites {
            write!(stdout(), "\r\x1b[2K{line}").and_then(|()| stdout().flush())
        } else {
            writeln!(stdout(), "{line}")
        };
    }
}

fn line(sale: &Sale, shoppers: u32) -> String {
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let counts = &sale.counts;
    format!(
        "{:6.1} s  shoppers {}/{shoppers}  holds {}  refused {}  orders {}  paid {}  \
         begin p99 {:.0} ms",
        sale.api.now().as_secs_f64(),
        count(&counts.done),
        count(&counts.granted),
        count(&counts.refused),
        count(&counts.orders),
        count(&counts.paid),
        sale.api.meters.p99_ms(Call::Begin),
    )
}
