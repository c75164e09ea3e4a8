//! The whole stack: what starts in which order, and how it ends.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use simulator::Simulator;
use tokio::task::JoinHandle;

use crate::functions::{ADMIN, Binaries, CHECKOUT, MIGRATE, PAYMENTS, SWEEPER, WEBHOOK};
use crate::gateway::{self, Authorizer, Serving};
use crate::guardian::Guardian;
use crate::lambda::{FunctionOptions, Host, HostOptions};
use crate::logs::Logs;
use crate::ministack::MiniStack;
use crate::postgres::{Cluster, ClusterOptions};
use crate::queue::{self, Queue, QueueOptions};
use crate::roles::{self, Passwords};
use crate::stopping::Stop;
use crate::{Error, catalogue, control, payment_gateways, schedule};

pub const DATABASE: &str = "holdfast";
/// What this stack is called in its metrics.
const METRICS_STACK: &str = "local";
/// The demo's shops; their webhook secrets are [`demo_secret`].
pub const SHOPS: [&str; 2] = ["dress", "tour"];

const CONCURRENCY_DEFAULT: usize = 8;
/// Processes of the admin function: an office has few clerks.
const CLERKS: usize = 4;
/// Pollers of the queue, and as many processes behind them.
const POLLERS: usize = 4;
/// On AWS once a minute; a rehearsal of two minutes wants to see it work.
const SWEEP_EVERY_DEFAULT: Duration = Duration::from_secs(5);
/// Pollers and the sweeper finish what they are at, within the longest function timeout.
const GOODBYE: Duration = Duration::from_secs(20);

/// What to start; the default is what tests want: free ports, no output, an unhurried sweeper.
#[derive(Debug, Clone)]
pub struct StackOptions {
    /// The functions; `None` takes those beside this program.
    pub binaries: Option<Binaries>,
    /// 0 takes a free port.
    pub api_port: u16,
    /// 0 takes a free port.
    pub webhook_port: u16,
    /// 0 takes a free port.
    pub gateways_port: u16,
    /// Processes of the checkout function, and half as many of the webhook function.
    pub concurrency: usize,
    /// `None`: the schedule is off, and only [`Stack::sweep`] sweeps.
    pub sweep_every: Option<Duration>,
    /// Load the demo catalogue; without it there is not even a shop.
    pub with_catalogue: bool,
    /// Stock of the catalogue's hot piece, instead of the catalogue's own figure.
    pub hot_units: Option<u32>,
    /// An SQS endpoint to use instead of starting MiniStack.
    pub sqs_endpoint: Option<String>,
    /// More of the sweeper's environment: how often it looks things up at the gateways.
    pub sweeper_environment: Vec<(String, String)>,
    /// Tests that need a message's last try make them fewer, and those that break functions make
    /// them closer: a batch may then run twice at once, which changes nothing but the time.
    pub queue: QueueOptions,
    pub cluster: ClusterOptions,
    /// `LOG_LEVEL` of the functions; `None` passes on this process's own.
    pub log_level: Option<String>,
    /// Where logs go, or, when another running stack has that folder, the next one beside it;
    /// `None` puts them into the run folder, which goes with the stack.
    pub logs: Option<PathBuf>,
}

impl Default for StackOptions {
    fn default() -> Self {
        Self {
            binaries: None,
            api_port: 0,
            webhook_port: 0,
            gateways_port: 0,
            concurrency: CONCURRENCY_DEFAULT,
            sweep_every: Some(SWEEP_EVERY_DEFAULT),
            with_catalogue: true,
            hot_units: None,
            sqs_endpoint: None,
            sweeper_environment: Vec::new(),
            queue: QueueOptions::default(),
            cluster: ClusterOptions::default(),
            log_level: None,
            logs: None,
        }
    }
}

/// A running stack. [`Stack::stop`] ends it in order; dropping it, or the end of the process in
/// any way, ends it all the same.
#[derive(Debug)]
pub struct Stack {
    /// `http://127.0.0.1:<port>`: the HTTP API.
    pub api_url: String,
    /// `http://127.0.0.1:<port>`: the webhook's function URL.
    pub webhook_url: String,
    pub queue_url: String,
    pub dead_letter_queue_url: String,
    /// The announcements.
    pub outbox_queue_url: String,
    pub sqs_endpoint: String,
    /// What the authorizer of the admin API accepts: `authorization: Bearer <this>`.
    pub admin_token: String,
    /// The Cashfree secret of each shop.
    pub secrets: BTreeMap<String, String>,
    /// `http://127.0.0.1:<port>`: the simulated gateways, and their control API.
    pub gateways_url: String,
    /// `http://127.0.0.1:<port>`: what a rehearsal may do to the stack: stop its
    /// database and start it again, count the queue's messages.
    pub control_url: String,
    /// One log per function, and that of SQS, in a folder that is this stack's alone.
    pub logs: Logs,
    pub host: Arc<Host>,
    pub cluster: Arc<Cluster>,
    servings: Vec<Serving>,
    passwords: Passwords,
    tasks: Vec<JoinHandle<()>>,
    stop: Stop,
    sqs: Option<MiniStack>,
    guardian: Arc<Guardian>,
    _simulator: Simulator,
}

impl Stack {
    /// Starts everything; returns when it all answers.
    pub async fn start(options: StackOptions) -> Result<Self, Error> {
        // First what fails most often and costs nothing to try.
        let api = gateway::bind(options.api_port, "--api-port").await?;
        let webhook = gateway::bind(options.webhook_port, "--webhook-port").await?;
        let binaries = match &options.binaries {
            Some(binaries) => binaries.clone(),
            None => Binaries::beside_this_program()?,
        };
        let ground = Ground::prepare(&options).await?;
        let host = HostOptions::new(ground.logs.folder.clone(), Arc::clone(&ground.guardian));
        let host = Arc::new(Host::new(host));
        let mut migrate = function(&binaries, &options, MIGRATE, 1, 300);
        migrate.environment.extend(ground.database(roles::MASTER));
        host.add(migrate).await?;
        apply_migrations(&host, &ground.logs.folder).await?;
        ground.let_roles_log_in()?;
        if options.with_catalogue {
            let owner = ground.url(roles::MIGRATOR);
            catalogue::load(&owner, options.hot_units).await?;
        }
        let webhook_address = webhook.local_addr().map_err(Error::io("read the port"))?;
        let simulator = payment_gateways::start(webhook_address, options.gateways_port).await?;
        let places = Places {
            binaries: &binaries,
            ground: &ground,
            gateways: payment_gateways::settings(&simulator.url()),
        };
        start_functions(&host, &places, &options).await?;

        let stop = Stop::new();
        let clerk = Authorizer::new(&SHOPS);
        let admin_token = clerk.token().to_owned();
        let admin = (ADMIN, clerk);
        let api = gateway::http_api(api, Arc::clone(&host), CHECKOUT, admin, stop.watch())?;
        let webhook = gateway::function_url(webhook, Arc::clone(&host), WEBHOOK, stop.watch())?;
        let mut tasks = ground.queue.feed(&host, PAYMENTS, POLLERS, &stop.watch());
        if let Some(period) = options.sweep_every {
            tasks.push(schedule::every(
                period,
                SWEEPER,
                Arc::clone(&host),
                stop.watch(),
            ));
        }
        let cluster = Arc::new(ground.cluster);
        let control = gateway::bind(0, "").await?;
        let control = control::serve(control, &cluster, &ground.queue, stop.watch())?;
        Ok(Self {
            api_url: format!("http://{}", api.address),
            webhook_url: format!("http://{}", webhook.address),
            queue_url: ground.queue.url,
            dead_letter_queue_url: ground.queue.dead_letter_url,
            outbox_queue_url: ground.queue.outbox_url,
            sqs_endpoint: ground.sqs_endpoint,
            admin_token,
            secrets: SHOPS
                .map(|shop| (shop.to_owned(), demo_secret(shop)))
                .into(),
            gateways_url: simulator.url(),
            control_url: format!("http://{}", control.address),
            logs: ground.logs,
            host,
            cluster,
            servings: vec![api, webhook, control],
            passwords: ground.passwords,
            tasks,
            stop,
            sqs: ground.sqs,
            guardian: ground.guardian,
            _simulator: simulator,
        })
    }

    /// The owner's connection URL: reads every table, may not break the constraints.
    #[must_use]
    pub fn database_url(&self) -> String {
        self.url(roles::MIGRATOR, DATABASE)
    }

    /// A role's connection URL, with its password.
    #[must_use]
    pub fn url(&self, role: &str, database: &str) -> String {
        self.cluster.url(&self.passwords.login(role), database)
    }

    /// What a connection URL of this role has in front of its `@`.
    #[must_use]
    pub fn login(&self, role: &str) -> String {
        self.passwords.login(role)
    }

    /// As [`Self::url`], through the pooler where there is one.
    #[must_use]
    pub fn pooled_url(&self, role: &str, database: &str) -> String {
        let login = self.passwords.login(role);
        self.cluster.pooled_url(&login, database)
    }

    /// Deploys one function of other binaries, while requests come; `migrate` is one of them.
    pub async fn deploy(&self, function: &'static str, binaries: &Binaries) -> Result<(), Error> {
        self.host.replace(function, binaries.path(function)).await
    }

    /// Calls the migrate function, and returns its report.
    pub async fn migrate(&self) -> Result<Vec<u8>, crate::InvokeError> {
        self.host.invoke(MIGRATE, b"{}".to_vec()).await
    }

    /// Calls the sweeper now, and returns its report.
    pub async fn sweep(&self) -> Result<Vec<u8>, crate::InvokeError> {
        self.host.invoke(SWEEPER, b"{}".to_vec()).await
    }

    /// Ends everything in the order of its callers: listeners, triggers, functions, SQS,
    /// PostgreSQL, folders. Returns when no process is left.
    pub async fn stop(mut self) {
        self.stop.stop();
        for serving in std::mem::take(&mut self.servings) {
            serving.finish().await;
        }
        for task in std::mem::take(&mut self.tasks) {
            // A task that does not end is cut off by the end of its function.
            drop(tokio::time::timeout(GOODBYE, task).await);
        }
        self.host.stop().await;
        let ended = tokio::task::spawn_blocking(move || {
            drop(self.sqs.take());
            // The control API may still be starting it; the last to let go of it stops it.
            drop(self.cluster);
            self.guardian.dismiss();
        });
        // It only panics if a lock is poisoned; the guardians clean up then.
        drop(ended.await);
    }
}

/// What the functions stand on.
struct Ground {
    guardian: Arc<Guardian>,
    logs: Logs,
    cluster: Cluster,
    passwords: Passwords,
    sqs: Option<MiniStack>,
    sqs_endpoint: String,
    queue: Queue,
}

impl Ground {
    async fn prepare(options: &StackOptions) -> Result<Self, Error> {
        let folder = tempfile::Builder::new()
            .prefix("holdfast-")
            .tempdir_in("/tmp")
            .map_err(Error::io("make a folder in /tmp"))?
            .keep();
        let guardian = Arc::new(Guardian::start(&folder)?);
        let logs = options.logs.clone().unwrap_or_else(|| folder.join("logs"));
        let logs =
            Logs::claim(&logs).map_err(Error::io(format!("write logs into {}", logs.display())))?;
        let passwords = Passwords::generate();
        let cluster = ClusterOptions {
            passwords: true,
            pooler_passwords: passwords.by_role(),
            ..options.cluster.clone()
        };
        let create_master = passwords.create_master();
        let cluster = blocking(move || {
            let cluster = Cluster::start(cluster)?;
            cluster.execute("postgres", &create_master)?;
            let create = format!("create database {DATABASE} owner {}", roles::MASTER);
            cluster.execute("postgres", &create)?;
            Ok(cluster)
        });
        let sqs = async {
            match &options.sqs_endpoint {
                Some(_) => Ok(None),
                None => MiniStack::start(&folder, &logs.folder, Arc::clone(&guardian))
                    .await
                    .map(Some),
            }
        };
        let (cluster, sqs) = tokio::try_join!(cluster, sqs)?;
        let own = sqs.as_ref().map(MiniStack::endpoint);
        let sqs_endpoint = own
            .or_else(|| options.sqs_endpoint.clone())
            .unwrap_or_default();
        let queue = Queue::create(&sqs_endpoint, &options.queue).await?;
        Ok(Self {
            guardian,
            logs,
            cluster,
            passwords,
            sqs,
            sqs_endpoint,
            queue,
        })
    }

    /// As the operator of a deployment does after the first migration, which made the roles.
    fn let_roles_log_in(&self) -> Result<(), Error> {
        self.cluster.execute(DATABASE, &self.passwords.set_all())
    }

    fn url(&self, role: &str) -> String {
        self.cluster.url(&self.passwords.login(role), DATABASE)
    }

    fn pooled_url(&self, role: &str) -> String {
        self.cluster
            .pooled_url(&self.passwords.login(role), DATABASE)
    }

    /// What a function needs to send announcements.
    fn outbox(&self) -> [(String, String); 2] {
        [
            variable("OUTBOX_QUEUE_URL", &self.queue.outbox_url),
            variable("AWS_ENDPOINT_URL_SQS", &self.sqs_endpoint),
        ]
    }

    /// What a function needs to reach the database as this role.
    fn database(&self, role: &str) -> [(String, String); 2] {
        [
            variable("DATABASE_URL", &self.pooled_url(role)),
            variable("DATABASE_TLS", "off"),
        ]
    }
}

/// Where the functions find what they need.
struct Places<'a> {
    binaries: &'a Binaries,
    ground: &'a Ground,
    /// The demo shops' accounts at the simulated gateways.
    gateways: String,
}

async fn start_functions(
    host: &Host,
    places: &Places<'_>,
    options: &StackOptions,
) -> Result<(), Error> {
    let (ground, concurrency) = (places.ground, options.concurrency);
    let function = |name, concurrency, timeout_s| {
        function(places.binaries, options, name, concurrency, timeout_s)
    };
    let mut checkout = function(CHECKOUT, concurrency, 25);
    checkout
        .environment
        .extend(ground.database(roles::CHECKOUT));
    checkout.environment.extend([
        variable("SHOPS", "*"),
        variable("OFFLINE_PAYMENT", "allow"),
        variable("GATEWAYS", &places.gateways),
    ]);

    let mut webhook = function(WEBHOOK, concurrency.div_ceil(2), 10);
    webhook.environment.extend([
        variable("WEBHOOK_SECRETS", &payment_gateways::webhook_secrets()),
        variable("QUEUE_URL", &ground.queue.url),
        variable("AWS_ENDPOINT_URL_SQS", &ground.sqs_endpoint),
    ]);

    let mut payments = function(PAYMENTS, POLLERS, queue::FUNCTION_TIMEOUT.as_secs());
    payments
        .environment
        .extend(ground.database(roles::PAYMENTS));
    payments.environment.extend(ground.outbox());
    let mut sweeper = function(SWEEPER, 1, 60);
    sweeper.environment.extend(ground.database(roles::SWEEPER));
    sweeper
        .environment
        .push(variable("GATEWAYS", &places.gateways));
    sweeper
        .environment
        .extend(options.sweeper_environment.iter().cloned());
    sweeper.environment.extend(ground.outbox());
    let mut admin = function(ADMIN, CLERKS, 25);
    admin.environment.extend(ground.database(roles::ADMIN));
    tokio::try_join!(
        host.add(checkout),
        host.add(webhook),
        host.add(payments),
        host.add(sweeper),
        host.add(admin)
    )?;
    Ok(())
}

fn function(
    binaries: &Binaries,
    options: &StackOptions,
    name: &'static str,
    concurrency: usize,
    timeout_s: u64,
) -> FunctionOptions {
    let own = || std::env::var("LOG_LEVEL").ok();
    let level = options.log_level.clone().or_else(own);
    // Metrics are lines of the logs, here as on AWS; nobody makes graphs of these.
    let mut environment = vec![variable("METRICS_STACK", METRICS_STACK)];
    environment.extend(level.map(|level| variable("LOG_LEVEL", &level)));
    FunctionOptions {
        name: name.to_owned(),
        binary: binaries.path(name),
        environment,
        concurrency,
        timeout: Duration::from_secs(timeout_s),
    }
}

fn variable(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// Fixed, so that example calls can be repeated; it protects nothing but this machine's demo.
#[must_use]
pub fn demo_secret(shop: &str) -> String {
    format!("local-demo-secret-{shop}")
}

async fn apply_migrations(host: &Host, logs: &Path) -> Result<(), Error> {
    #[derive(Deserialize)]
    struct Report {
        applied: Vec<String>,
        routines: u32,
    }
    let failed = |detail: String| Error::Migrate {
        detail,
        log: logs.join("holdfast-migrate.log"),
    };
    let answer = host.invoke(MIGRATE, b"{}".to_vec()).await;
    let answer = answer.map_err(|error| failed(error.to_string()))?;
    let report: Report = serde_json::from_slice(&answer)
        .map_err(|_| failed(format!("it answered {}", String::from_utf8_lossy(&answer))))?;
    tracing::debug!(
        "{} migrations, {} routines",
        report.applied.len(),
        report.routines
    );
    Ok(())
}

/// Runs blocking work beside the async kind.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(Error::io("finish a step")(std::io::Error::other(error))))
}
