//! The whole stack: its parts start in order, and end in order.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use simulator::Simulator;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::demo::{SHOPS, demo_secret, load_catalogues};
use crate::functions::{ADMIN, Binaries, CHECKOUT, CONSOLE, MIGRATE, PAYMENTS, SWEEPER, WEBHOOK};
use crate::http_api::{self, Authorizer};
use crate::lambda::{FunctionOptions, Host, WAITING_MAX};
use crate::listener::{Serving, bind, serve};
use crate::logs::Logs;
use crate::ministack;
use crate::postgres::{Cluster, ClusterOptions, SUPERUSER};
use crate::python::Server;
use crate::queue::{self, Queue, QueueOptions};
use crate::reaper::Reaper;
use crate::roles::{self, Passwords};
use crate::{Error, InvokeError, control, payment_gateways, project, schedule, sign_in};

pub const DATABASE: &str = "holdfast";
/// The stack's name in its metrics.
const METRICS_STACK: &str = "local";

const CONCURRENCY_DEFAULT: usize = 8;
/// Connections of a process without [`StackOptions::pool_size`]. More requests go together.
const POOL_SIZE_DEFAULT: usize = 8;
/// Processes of the admin function, and of the console: an office has few clerks.
const CLERKS: usize = 4;
/// Pollers of the queue, and as many processes behind them.
const POLLERS: usize = 4;
/// On AWS once a minute; a rehearsal of two minutes wants to see it work.
const SWEEP_EVERY_DEFAULT: Duration = Duration::from_secs(5);
/// Pollers and the sweeper finish their work, within the longest function timeout.
const FINISH_TIMEOUT: Duration = Duration::from_secs(20);

/// What to start. The default suits tests: free ports, no output, an unhurried sweeper.
#[derive(Debug, Clone)]
pub struct StackOptions {
    /// `None` takes the functions beside this program.
    pub binaries: Option<Binaries>,
    /// 0 takes a free port, here and below.
    pub api_port: u16,
    pub webhook_port: u16,
    pub gateways_port: u16,
    /// `None`: there is no console, and nobody to sign in.
    pub console_port: Option<u16>,
    /// Processes of the checkout function; the webhook function has half as many.
    pub concurrency: usize,
    /// Requests that each process of the checkout function handles at the same time. More than 1
    /// runs them as Lambda Managed Instances do.
    pub requests_per_process: usize,
    /// `DATABASE_POOL_SIZE` of the checkout function. `None` takes one connection for each request
    /// that a process handles, and 8 at most.
    pub pool_size: Option<usize>,
    /// `None`: there is no schedule, and only [`Stack::sweep`] sweeps.
    pub sweep_every: Option<Duration>,
    /// Units of the sku that everybody wants, instead of the catalogue's own number.
    pub hot_units: Option<u32>,
    /// More of the sweeper's environment.
    pub sweeper_environment: Vec<(String, String)>,
    pub queue: QueueOptions,
    pub cluster: ClusterOptions,
    /// `LOG_LEVEL` of the functions; `None` passes on this process's own.
    pub log_level: Option<String>,
    /// The folder of the logs, or the next free one beside it: see [`Logs::claim`]. `None` puts
    /// them into the run folder, which goes with the stack.
    pub logs: Option<PathBuf>,
}

impl Default for StackOptions {
    fn default() -> Self {
        Self {
            binaries: None,
            api_port: 0,
            webhook_port: 0,
            gateways_port: 0,
            console_port: None,
            concurrency: CONCURRENCY_DEFAULT,
            requests_per_process: 1,
            pool_size: None,
            sweep_every: Some(SWEEP_EVERY_DEFAULT),
            hot_units: None,
            sweeper_environment: Vec::new(),
            queue: QueueOptions::default(),
            cluster: ClusterOptions::default(),
            log_level: None,
            logs: None,
        }
    }
}

/// A running stack. [`Stack::stop`] ends it in order. It also ends when it is dropped, or when the
/// process ends in any way.
#[derive(Debug)]
pub struct Stack {
    /// `http://127.0.0.1:<port>`: the HTTP API.
    pub api_url: String,
    /// `http://127.0.0.1:<port>`: the console, if there is one.
    pub console_url: Option<String>,
    /// `http://127.0.0.1:<port>`: the webhook function's URL.
    pub webhook_url: String,
    pub queue_url: String,
    pub dead_letter_queue_url: String,
    /// The queue of announcements.
    pub outbox_queue_url: String,
    pub sqs_endpoint: String,
    /// The admin API accepts `authorization: Bearer <this>`.
    pub admin_token: String,
    /// The Cashfree secret of each shop.
    pub secrets: BTreeMap<String, String>,
    /// `http://127.0.0.1:<port>`: the simulated gateways, and their control API.
    pub gateways_url: String,
    /// `http://127.0.0.1:<port>`: stops the database and starts it again, counts messages.
    pub control_url: String,
    /// One log of each function, and one of SQS.
    pub logs: Logs,
    pub host: Arc<Host>,
    pub cluster: Arc<Cluster>,
    servings: Vec<Serving>,
    passwords: Passwords,
    tasks: Vec<JoinHandle<()>>,
    stop: DropGuard,
    sqs: Server,
    sign_in: Option<Server>,
    reaper: Arc<Reaper>,
    _simulator: Simulator,
}

impl Stack {
    /// Starts everything. Returns when every part answers.
    ///
    /// # Errors
    /// When a part does not start; the error says what to do.
    pub async fn start(options: StackOptions) -> Result<Self, Error> {
        // First the steps that fail most often and cost nothing.
        let ports = Ports::bind(&options).await?;
        let binaries = match &options.binaries {
            Some(binaries) => binaries.clone(),
            None => Binaries::beside_this_program()?,
        };
        let base = Base::start(&options).await?;
        let logs = base.logs.folder.clone();
        let host = Arc::new(Host::new(logs, Arc::clone(&base.reaper), WAITING_MAX));
        let functions = Functions {
            binaries: &binaries,
            options: &options,
            base: &base,
        };
        functions.prepare(&host).await?;
        let webhook_address = ports
            .webhook
            .local_addr()
            .map_err(Error::io("read the port"))?;
        let simulator = payment_gateways::start(webhook_address, options.gateways_port).await?;
        functions.start(&host, &simulator.url()).await?;
        let stopping = CancellationToken::new();
        let console = match ports.console {
            Some(port) => Some(functions.start_console(&host, port, &stopping).await?),
            None => None,
        };
        let (console, sign_in) = console.unzip();
        let authorizer = Authorizer::new(&SHOPS);
        let admin_token = authorizer.token().to_owned();
        let control = control::router(&base.cluster, &base.queue);
        let serve = |listener, router| {
            serve(listener, router, stopping.clone()).map_err(Error::io("read the port"))
        };
        let api = serve(ports.api, http_api::http_api(&host, authorizer))?;
        let webhook = serve(ports.webhook, http_api::function_url(&host))?;
        let console_url = console.as_ref().map(Serving::url);
        let control = serve(bind(0).await.map_err(Error::io("take a port"))?, control)?;
        let mut tasks = base.queue.feed(&host, PAYMENTS, POLLERS, &stopping);
        if let Some(period) = options.sweep_every {
            let sweeper = schedule::every(period, SWEEPER, Arc::clone(&host), stopping.clone());
            tasks.push(tokio::spawn(sweeper));
        }
        Ok(Self {
            api_url: api.url(),
            console_url,
            webhook_url: webhook.url(),
            queue_url: base.queue.url,
            dead_letter_queue_url: base.queue.dead_letter_url,
            outbox_queue_url: base.queue.outbox_url,
            sqs_endpoint: base.queue.endpoint,
            admin_token,
            secrets: SHOPS
                .map(|shop| (shop.to_owned(), demo_secret(shop)))
                .into(),
            gateways_url: simulator.url(),
            control_url: control.url(),
            logs: base.logs,
            host,
            cluster: base.cluster,
            servings: [api, webhook, control].into_iter().chain(console).collect(),
            passwords: base.passwords,
            tasks,
            stop: stopping.drop_guard(),
            sqs: base.sqs,
            sign_in,
            reaper: base.reaper,
            _simulator: simulator,
        })
    }

    /// The owner's connection URL: reads every table, cannot break the constraints.
    #[must_use]
    pub fn database_url(&self) -> String {
        let url = self.url(roles::MIGRATOR, DATABASE);
        // The other nodes of Citus let the owner in, and no member of it.
        match self.cluster.has_citus() {
            true => url + "?options=-c%20role%3Dholdfast_owner",
            false => url,
        }
    }

    /// A role's connection URL, with its password.
    #[must_use]
    pub fn url(&self, role: &str, database: &str) -> String {
        self.cluster.url(&self.login(role), database)
    }

    /// `role:password`, for the place in front of a URL's `@`.
    #[must_use]
    pub fn login(&self, role: &str) -> String {
        self.passwords.login(role)
    }

    /// As [`Self::url`], through the pooler if there is one.
    #[must_use]
    pub fn pooled_url(&self, role: &str, database: &str) -> String {
        self.cluster.pooled_url(&self.login(role), database)
    }

    /// Deploys another binary of one function, while requests come.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn deploy(&self, function: &'static str, binaries: &Binaries) -> Result<(), Error> {
        self.host.replace(function, binaries.path(function)).await
    }

    /// A host beside the stack's own, for processes that end before the stack does.
    #[must_use]
    pub fn new_host(&self) -> Host {
        let logs = self.logs.folder.clone();
        Host::new(logs, Arc::clone(&self.reaper), WAITING_MAX)
    }

    /// Calls the migrate function, and returns its report.
    ///
    /// # Errors
    /// When it failed.
    pub async fn migrate(&self) -> Result<Vec<u8>, InvokeError> {
        self.host.invoke(MIGRATE, b"{}".to_vec()).await
    }

    /// Calls the sweeper now, and returns its report.
    ///
    /// # Errors
    /// When it failed.
    pub async fn sweep(&self) -> Result<Vec<u8>, InvokeError> {
        self.host.invoke(SWEEPER, b"{}".to_vec()).await
    }

    /// Ends everything in the order of its callers: listeners, triggers, functions, SQS,
    /// PostgreSQL, folders. Returns when no process is left.
    pub async fn stop(self) {
        drop(self.stop);
        for serving in self.servings {
            serving.finish().await;
        }
        for task in self.tasks {
            // The end of its function cuts off a task that does not end.
            drop(tokio::time::timeout(FINISH_TIMEOUT, task).await);
        }
        self.host.stop().await;
        let (cluster, reaper) = (self.cluster, self.reaper);
        let servers = (self.sqs, self.sign_in);
        let ended = tokio::task::spawn_blocking(move || {
            drop(servers);
            // The control API may still be starting it: the last owner stops it.
            drop(cluster);
            reaper.clean_up();
        });
        // It only panics if a lock is poisoned; the reapers clean up then.
        drop(ended.await);
    }
}

/// The ports that people and gateways know.
struct Ports {
    api: TcpListener,
    webhook: TcpListener,
    console: Option<TcpListener>,
}

impl Ports {
    async fn bind(options: &StackOptions) -> Result<Self, Error> {
        let take = async |port, option| bind(port).await.map_err(Error::port(port, option));
        Ok(Self {
            api: take(options.api_port, "--api-port").await?,
            webhook: take(options.webhook_port, "--webhook-port").await?,
            console: match options.console_port {
                Some(port) => Some(take(port, "--console-port").await?),
                None => None,
            },
        })
    }
}

/// What the functions need: a database and queues.
struct Base {
    /// Goes with the stack.
    folder: PathBuf,
    reaper: Arc<Reaper>,
    logs: Logs,
    cluster: Arc<Cluster>,
    passwords: Passwords,
    sqs: Server,
    queue: Queue,
}

impl Base {
    async fn start(options: &StackOptions) -> Result<Self, Error> {
        let folder = project::run_folder()?;
        let reaper = Arc::new(Reaper::start(&folder)?);
        let logs = options.logs.clone().unwrap_or_else(|| folder.join("logs"));
        let logs =
            Logs::claim(&logs).map_err(Error::io(format!("write logs into {}", logs.display())))?;
        let passwords = Passwords::generate();
        let cluster_options = ClusterOptions {
            passwords: true,
            pooler_passwords: passwords.by_role(),
            ..options.cluster.clone()
        };
        let create_master = passwords.create_master();
        let cluster = blocking(move || {
            let cluster = Cluster::start(cluster_options)?;
            cluster.execute("postgres", &create_master)?;
            cluster.create_database(DATABASE, &format!("owner {}", roles::MASTER))?;
            Ok(Arc::new(cluster))
        });
        let sqs = ministack::start(&folder, &logs.folder, Arc::clone(&reaper));
        let (cluster, sqs) = tokio::try_join!(cluster, sqs)?;
        let queue = Queue::create(sqs.url(), &options.queue).await?;
        Ok(Self {
            folder,
            reaper,
            logs,
            cluster,
            passwords,
            sqs,
            queue,
        })
    }
}

/// The functions of a stack, with their environments.
struct Functions<'a> {
    binaries: &'a Binaries,
    options: &'a StackOptions,
    base: &'a Base,
}

impl Functions<'_> {
    /// The schema, the roles' passwords and the catalogues.
    async fn prepare(&self, host: &Host) -> Result<(), Error> {
        self.migrate(host).await?;
        let cluster = Arc::clone(&self.base.cluster);
        if cluster.has_citus() {
            self.distribute(&cluster).await?;
        }
        let (set_all, hot_units) = (self.base.passwords.set_all(), self.options.hot_units);
        blocking(move || {
            cluster.execute(DATABASE, &set_all)?;
            load_catalogues(&cluster, DATABASE, hot_units)
        })
        .await
    }

    async fn migrate(&self, host: &Host) -> Result<(), Error> {
        let database = self.database(roles::MASTER);
        host.add(self.function(MIGRATE, 1, 300, database)).await?;
        let done = host.invoke(MIGRATE, b"{}".to_vec()).await;
        done.map(drop).map_err(|error| Error::Migrate {
            detail: error.to_string(),
            log: self.base.logs.folder.join(format!("{MIGRATE}.log")),
        })
    }

    /// As an operator does, by the command beside the functions.
    async fn distribute(&self, cluster: &Arc<Cluster>) -> Result<(), Error> {
        let nodes = Arc::clone(cluster);
        blocking(move || nodes.join_nodes(DATABASE)).await?;
        let output = tokio::process::Command::new(self.binaries.path("holdfast"))
            .args(["distribute", "--shards", "8"])
            .env("DATABASE_URL", cluster.url(SUPERUSER, DATABASE))
            .output()
            .await
            .map_err(Error::io("run holdfast distribute"))?;
        let detail = String::from_utf8_lossy(&output.stderr);
        match output.status.success() {
            true => Ok(()),
            false => Err(Error::postgres("distributing", detail)),
        }
    }

    async fn start(&self, host: &Host, gateways_url: &str) -> Result<(), Error> {
        let gateways = variable("GATEWAYS", &payment_gateways::settings(gateways_url));
        let mut checkout = vec![
            variable("SHOPS", "*"),
            variable("OFFLINE_PAYMENT", "allow"),
            gateways.clone(),
        ];
        checkout.extend(self.database(roles::CHECKOUT));
        checkout.push(variable(
            "DATABASE_POOL_SIZE",
            &self.pool_size().to_string(),
        ));
        let checkout = FunctionOptions {
            requests_per_process: self.options.requests_per_process,
            ..self.function(CHECKOUT, self.options.concurrency, 25, checkout)
        };
        let webhook = vec![
            variable("WEBHOOK_SECRETS", &payment_gateways::webhook_secrets()),
            variable("QUEUE_URL", &self.base.queue.url),
            variable("AWS_ENDPOINT_URL_SQS", &self.base.queue.endpoint),
        ];
        let mut payments = Vec::from(self.outbox());
        payments.extend(self.database(roles::PAYMENTS));
        let mut sweeper = vec![gateways];
        sweeper.extend(self.outbox());
        sweeper.extend(self.database(roles::SWEEPER));
        sweeper.extend(self.options.sweeper_environment.iter().cloned());
        let admin = self.database(roles::ADMIN);

        let webhooks = self.options.concurrency.div_ceil(2);
        let payments_s = queue::FUNCTION_TIMEOUT.as_secs();
        tokio::try_join!(
            host.add(checkout),
            host.add(self.function(WEBHOOK, webhooks, 10, webhook)),
            host.add(self.function(PAYMENTS, POLLERS, payments_s, payments)),
            host.add(self.function(SWEEPER, 1, 60, sweeper)),
            host.add(self.function(ADMIN, CLERKS, 25, admin))
        )?;
        Ok(())
    }

    /// The console, and the provider that its people sign in at.
    async fn start_console(
        &self,
        host: &Arc<Host>,
        port: TcpListener,
        stopping: &CancellationToken,
    ) -> Result<(Serving, Server), Error> {
        let base = self.base;
        let provider = sign_in::start(&base.folder, &base.logs.folder, Arc::clone(&base.reaper));
        let provider = provider.await?;
        let serving = serve(port, http_api::console(host), stopping.clone());
        let serving = serving.map_err(Error::io("read the port"))?;
        let mut environment = vec![
            variable("CONSOLE_ISSUER", &provider.url()),
            variable("CONSOLE_CLIENT_ID", sign_in::CLIENT_ID),
            variable("CONSOLE_SECRETS", &sign_in::secrets()),
            variable("CONSOLE_ORIGIN", &serving.url()),
        ];
        environment.extend(self.database(roles::CONSOLE));
        host.add(self.function(CONSOLE, CLERKS, 25, environment))
            .await?;
        Ok((serving, provider))
    }

    fn function(
        &self,
        name: &'static str,
        concurrency: usize,
        timeout_s: u64,
        mut environment: Vec<(String, String)>,
    ) -> FunctionOptions {
        let own = || std::env::var("LOG_LEVEL").ok();
        let level = self.options.log_level.clone().or_else(own);
        environment.extend(level.map(|level| variable("LOG_LEVEL", &level)));
        // Metrics are lines of the logs, here as on AWS.
        environment.push(variable("METRICS_STACK", METRICS_STACK));
        FunctionOptions {
            name: name.to_owned(),
            binary: self.binaries.path(name),
            environment,
            concurrency,
            requests_per_process: 1,
            timeout: Duration::from_secs(timeout_s),
        }
    }

    /// Connections of one process of the checkout function.
    fn pool_size(&self) -> usize {
        let requests = self.options.requests_per_process;
        let default = requests.min(POOL_SIZE_DEFAULT);
        self.options.pool_size.unwrap_or(default)
    }

    /// A function with these sends announcements.
    fn outbox(&self) -> [(String, String); 2] {
        let queue = &self.base.queue;
        [
            variable("OUTBOX_QUEUE_URL", &queue.outbox_url),
            variable("AWS_ENDPOINT_URL_SQS", &queue.endpoint),
        ]
    }

    /// A function with these reaches the database as this role.
    fn database(&self, role: &str) -> Vec<(String, String)> {
        let cluster = &self.base.cluster;
        let url = cluster.pooled_url(&self.base.passwords.login(role), DATABASE);
        let mut variables = vec![
            variable("DATABASE_URL", &url),
            variable("DATABASE_TLS", "off"),
        ];
        // a migration is for all nodes
        if cluster.has_citus() && role != roles::MASTER {
            variables.push(variable("DATABASE_CLUSTER", "citus"));
        }
        variables
    }
}

fn variable(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// Runs blocking work on a thread of its own.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(Error::io("finish a step")(std::io::Error::other(error))))
}
