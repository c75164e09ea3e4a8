//! `holdfast upgrade`: two releases go out while a command puts load on the stack, in the order of
//! docs/operations.md. `tools/release/rehearse` makes the binaries.

use std::path::PathBuf;
use std::process::{ExitCode, ExitStatus};
use std::time::Duration;

use tokio::process::Child;

use crate::command::exit_code;
use crate::functions::{ADMIN, CHECKOUT, MIGRATE, PAYMENTS, SWEEPER, WEBHOOK};
use crate::stack::DATABASE;
use crate::up::shell;
use crate::{Binaries, Error, Stack, StackOptions, project};

/// In this order; each serves while the next one still is of the earlier release.
const FUNCTIONS: [&str; 5] = [CHECKOUT, WEBHOOK, PAYMENTS, SWEEPER, ADMIN];

/// The options of `holdfast upgrade`.
#[derive(Debug, clap::Args)]
pub struct Upgrade {
    /// Folder with the binaries that run at first
    #[arg(long)]
    before: PathBuf,
    /// Folder with the next release: its migrate adds
    #[arg(long)]
    next: PathBuf,
    /// Folder with the release after it: its migrate removes
    #[arg(long)]
    after: PathBuf,
    /// Seconds before each step
    #[arg(long, default_value_t = 3)]
    pause_s: u64,
    /// Units of the sku that everybody wants, LEHENGA-RED-M
    #[arg(long)]
    hot_units: Option<u32>,
    /// The load, as in `up --run`; it must last longer than the releases take
    #[arg(long)]
    run: String,
    /// A query that must answer `true` at the end
    #[arg(long)]
    check: String,
}

impl Upgrade {
    /// Deploys both releases under load. Returns the exit code of the load.
    ///
    /// # Errors
    /// When a step fails, or the final check does not answer `true`.
    pub async fn run(self) -> Result<ExitCode, Error> {
        let stack = Stack::start(StackOptions {
            binaries: Some(Binaries::in_folder(&self.before)?),
            hot_units: self.hot_units,
            logs: Some(project::root().join(".run/logs")),
            ..StackOptions::default()
        })
        .await?;
        let load = shell(&stack, &self.run).spawn();
        let mut load = load.map_err(failed("start the load"))?;
        let outcome = self.release(&stack, &mut load).await;
        let ended = match &outcome {
            Ok(()) => load.wait().await.map_err(failed("wait for the load")),
            Err(_) => Ok(ExitStatus::default()),
        };
        let checked = match outcome {
            Ok(()) => self.check(&stack),
            failed => failed,
        };
        stack.stop().await;
        checked?;
        Ok(exit_code(ended?))
    }

    async fn release(&self, stack: &Stack, load: &mut Child) -> Result<(), Error> {
        let before = Binaries::in_folder(&self.before)?;
        let next = Binaries::in_folder(&self.next)?;
        let after = Binaries::in_folder(&self.after)?;
        self.step(load, "the next release's migrate").await?;
        migrate(stack, &next, "\"left_to\":null").await?;
        for function in FUNCTIONS {
            self.step(load, function).await?;
            stack.deploy(function, &next).await?;
        }
        self.step(load, "a rollback's migrate, which must change nothing")
            .await?;
        migrate(stack, &before, "\"routines\":0").await?;
        self.step(load, "the migrate of the release after").await?;
        migrate(stack, &after, "\"left_to\":null").await?;
        self.step(load, "all is deployed").await
    }

    /// Every step needs the load: without it a step proves nothing.
    async fn step(&self, load: &mut Child, what: &str) -> Result<(), Error> {
        tokio::time::sleep(Duration::from_secs(self.pause_s)).await;
        if load
            .try_wait()
            .map_err(failed("look at the load"))?
            .is_some()
        {
            let short = std::io::Error::other("it ended before the release was out");
            return Err(failed("go on with the load")(short));
        }
        eprintln!("upgrade: {what}");
        Ok(())
    }

    fn check(&self, stack: &Stack) -> Result<(), Error> {
        let query = &self.check;
        let check = format!(
            "do $check$ begin assert ({query}), 'the final check is not true'; end $check$"
        );
        stack.cluster.execute(DATABASE, &check)
    }
}

/// Deploys and calls a migrate function, whose report must say `expected`.
async fn migrate(stack: &Stack, binaries: &Binaries, expected: &str) -> Result<(), Error> {
    stack.deploy(MIGRATE, binaries).await?;
    let wrong = |detail: String| Error::Migrate {
        detail,
        log: stack.logs.folder.join("holdfast-migrate.log"),
    };
    let report = stack.migrate().await;
    let report = report.map_err(|error| wrong(error.to_string()))?;
    let report = String::from_utf8_lossy(&report).into_owned();
    eprintln!("upgrade: migrate answered {report}");
    if report.contains(expected) {
        Ok(())
    } else {
        Err(wrong(format!("its report lacks {expected}")))
    }
}

fn failed(action: &str) -> impl FnOnce(std::io::Error) -> Error + use<> {
    let action = action.to_owned();
    move |source| Error::Io { action, source }
}
