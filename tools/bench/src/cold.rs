//! The HTTP functions' own time: from the start of a new process to its first answer, and for each
//! later request. Another build can be measured in turns with this one.
//!
//! Checkout and admin answer from the database, and the webhook function when the event is in the
//! queue. Lambda's own time to place an environment and to unpack the function comes on top of a
//! first answer.

mod request;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use local::{Error, FunctionOptions, Host, Stack, StackOptions};
use serde_json::Value;

use self::request::{FUNCTIONS, Function};
use crate::figures::{median, progress};
use crate::server::Failed;

/// New processes of each function.
const STARTS: usize = 20;
/// Requests to one process of each function, in batches: the builds take turns after each.
const BATCHES: usize = 10;
const BATCH: usize = 30;

/// Starts a stack, and prints the times of more processes beside it. `against` is the folder of
/// another build's binaries.
pub(crate) async fn run(against: Option<&Path>) -> Result<(), Failed> {
    let against = against.map(complete).transpose()?;
    let stack = Stack::start(StackOptions {
        sweep_every: None,
        ..StackOptions::default()
    })
    .await?;
    let compared = against.is_some();
    let mut builds = vec![None];
    builds.extend(against.map(Some));
    let bench = Bench {
        stack: &stack,
        builds,
    };
    let rows = bench.measure().await;
    stack.stop().await;
    print(&rows?, compared);
    Ok(())
}

/// The folder, when it has the three functions.
fn complete(folder: &Path) -> Result<PathBuf, Failed> {
    let folder = std::path::absolute(folder)?;
    let mut binaries = FUNCTIONS.iter().map(|function| folder.join(function.name));
    match binaries.find(|binary| !binary.is_file()) {
        Some(binary) => Err(Error::BinaryMissing(binary).into()),
        None => Ok(folder),
    }
}

/// What was measured of a function, in milliseconds, of each build.
struct Row {
    function: &'static str,
    what: &'static str,
    times: Vec<Vec<f64>>,
}

struct Bench<'a> {
    stack: &'a Stack,
    /// `None` is the stack's own build, and else the folder of another.
    builds: Vec<Option<PathBuf>>,
}

impl Bench<'_> {
    async fn measure(&self) -> Result<Vec<Row>, Failed> {
        let mut rows = Vec::new();
        for function in &FUNCTIONS {
            let name = function.name;
            progress(&format!("{name}: new processes"));
            rows.push(Row {
                function: name,
                what: "first answer",
                times: self.first_answers(function).await?,
            });
            progress(&format!("{name}: requests"));
            rows.push(Row {
                function: name,
                what: "warm request",
                times: self.warm_requests(function).await?,
            });
        }
        progress("");
        Ok(rows)
    }

    /// From the start of a new process to its answer. The builds take turns after each process.
    async fn first_answers(&self, function: &Function) -> Result<Vec<Vec<f64>>, Failed> {
        let mut times = vec![Vec::new(); self.builds.len()];
        // The first round is not counted: it reads the binaries from the disk.
        for round in 0..=STARTS {
            for build in self.in_turns(round) {
                let options = self.options(function.name, build)?;
                let event = function.event(self.stack);
                let host = self.stack.new_host();
                let began = Instant::now();
                host.add(options).await?;
                let answer = host.invoke(function.name, event).await?;
                let time = began.elapsed();
                host.stop().await;
                accept(&answer)?;
                if round > 0 {
                    times[build].push(milliseconds(time));
                }
            }
        }
        Ok(times)
    }

    /// One request after the other at one process of each build.
    async fn warm_requests(&self, function: &Function) -> Result<Vec<Vec<f64>>, Failed> {
        let mut hosts = Vec::new();
        for build in 0..self.builds.len() {
            let host = self.stack.new_host();
            host.add(self.options(function.name, build)?).await?;
            hosts.push(host);
        }
        let mut times = vec![Vec::new(); hosts.len()];
        // The first batch is not counted: it warms the process.
        for batch in 0..=BATCHES {
            for build in self.in_turns(batch) {
                let measured = self.batch(&hosts[build], function).await?;
                if batch > 0 {
                    times[build].extend(measured);
                }
            }
        }
        for host in hosts {
            host.stop().await;
        }
        Ok(times)
    }

    async fn batch(&self, host: &Host, function: &Function) -> Result<Vec<f64>, Failed> {
        let mut times = Vec::new();
        for _ in 0..BATCH {
            let event = function.event(self.stack);
            let began = Instant::now();
            let answer = host.invoke(function.name, event).await?;
            times.push(milliseconds(began.elapsed()));
            accept(&answer)?;
        }
        Ok(times)
    }

    /// Every build, each round another one first.
    fn in_turns(&self, round: usize) -> impl Iterator<Item = usize> + use<> {
        let count = self.builds.len();
        (0..count).map(move |build| (round + build) % count)
    }

    /// One process with the environment of the stack's function, and so at the same database.
    fn options(&self, function: &str, build: usize) -> Result<FunctionOptions, Failed> {
        let options = self.stack.host.options(function);
        let mut options = options.ok_or_else(|| format!("the stack has no {function}"))?;
        options.concurrency = 1;
        if let Some(folder) = &self.builds[build] {
            options.binary = folder.join(function);
        }
        for (name, value) in &mut options.environment {
            // No function reads this queue, so that none works meanwhile.
            if name == "QUEUE_URL" {
                value.clone_from(&self.stack.dead_letter_queue_url);
            }
        }
        Ok(options)
    }
}

fn accept(answer: &[u8]) -> Result<(), Failed> {
    let answer: Value = serde_json::from_slice(answer)?;
    match answer["statusCode"] == 200 {
        true => Ok(()),
        false => Err(format!("a request was refused: {answer}").into()),
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn print(rows: &[Row], compared: bool) {
    println!(
        "{STARTS} new processes of each function, and {} requests one after the other, in ms",
        BATCHES * BATCH
    );
    print!("  {:<32}{:>10}{:>10}", "", "median", "slowest");
    if compared {
        print!("{:>18}{:>10}{:>10}", "other: median", "slowest", "ratio");
    }
    println!();
    for row in rows {
        print!("  {:<18}{:<14}", row.function, row.what);
        for (build, times) in row.times.iter().enumerate() {
            let slowest = times.iter().copied().fold(0.0, f64::max);
            let width = if build == 0 { 10 } else { 18 };
            print!("{:>width$.2}{slowest:>10.2}", median(times));
        }
        if let [own, other] = &row.times[..] {
            print!("{:>10.2}", median(own) / median(other));
        }
        println!();
    }
    if compared {
        println!("  ratio: the median of this build, as a multiple of the other build's");
    }
}
