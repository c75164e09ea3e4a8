//! A TCP connection to PostgreSQL that goes silent, like one behind network address translation
//! that has forgotten it: it swallows everything, and nothing comes back.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use local::Cluster;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::task::JoinHandle;

/// Passes everything on, until the test silences it.
pub struct Wire {
    port: u16,
    state: Arc<State>,
    task: JoinHandle<()>,
}

/// The state that the connections and the test share.
#[derive(Default)]
struct State {
    /// Connections up to this number are silent.
    generation: AtomicU64,
    /// New ones are silent, too.
    is_lost: AtomicBool,
    opened: AtomicUsize,
    swallowed: AtomicUsize,
}

impl Wire {
    /// A wire in front of a cluster, or of its pooler.
    pub async fn new(cluster: &Cluster) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let target = cluster
            .pooled_socket()
            .join(format!(".s.PGSQL.{}", cluster.port()));
        let state = Arc::<State>::default();
        let shared = Arc::clone(&state);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                shared.opened.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(pass(client, target.clone(), Arc::clone(&shared)));
            }
        });
        Self { port, state, task }
    }

    /// Silences all existing connections. New ones work.
    pub fn go_silent(&self) {
        self.state.generation.fetch_add(1, Ordering::Relaxed);
    }

    /// Silences all existing connections, and all new ones: its packets are lost.
    pub fn lose(&self) {
        self.state.is_lost.store(true, Ordering::Relaxed);
    }

    /// Silences all existing connections, and takes no new ones.
    pub fn close(&self) {
        self.task.abort();
        self.go_silent();
    }

    /// Where it takes connections.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The number of opened connections.
    pub fn opened(&self) -> usize {
        self.state.opened.load(Ordering::Relaxed)
    }

    /// The number of swallowed bytes.
    pub fn swallowed(&self) -> usize {
        self.state.swallowed.load(Ordering::Relaxed)
    }

    /// A connection URL through the wire.
    pub fn url(&self, user: &str, database: &str) -> String {
        format!("postgresql://{user}@127.0.0.1:{}/{database}", self.port)
    }
}

async fn pass(mut client: TcpStream, target: PathBuf, state: Arc<State>) {
    client.set_nodelay(true).unwrap();
    let generation = state.generation.load(Ordering::Relaxed);
    let is_silent = || {
        let now = state.generation.load(Ordering::Relaxed);
        now != generation || state.is_lost.load(Ordering::Relaxed)
    };
    let mut server = UnixStream::connect(target).await.unwrap();
    let (mut asked, mut said) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let Ok(bytes @ 1..) = read else { return };
                if is_silent() {
                    state.swallowed.fetch_add(bytes, Ordering::Relaxed);
                } else {
                    server.write_all(&asked[..bytes]).await.unwrap();
                }
            }
            read = server.read(&mut said) => {
                let Ok(bytes @ 1..) = read else { return };
                if !is_silent() && client.write_all(&said[..bytes]).await.is_err() {
                    return;
                }
            }
        }
    }
}
