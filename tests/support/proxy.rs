//! A connection to PostgreSQL that can be cut at the worst time.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use local::Cluster;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};

/// The name of the socket in its folder, for the default port.
const SOCKET: &str = ".s.PGSQL.5432";
/// The server's last words after a call: ready, and in no transaction.
const READY: [u8; 6] = [b'Z', 0, 0, 0, 5, b'I'];

/// The time of the cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// The call never reaches the server.
    BeforeTheCall,
    /// The server has done it and said so; the answer never reaches the caller.
    BeforeTheAnswer,
}

/// Passes everything on, until the test arms a cut.
pub struct Proxy {
    folder: TempDir,
    armed: Arc<Mutex<Option<(Cut, &'static str)>>>,
}

impl Proxy {
    /// A proxy in front of a cluster's socket, or its pooler's.
    pub fn new(cluster: &Cluster) -> Self {
        let folder = tempfile::tempdir_in("/tmp").unwrap();
        let listener = UnixListener::bind(folder.path().join(SOCKET)).unwrap();
        let armed: Arc<Mutex<Option<(Cut, &'static str)>>> = Arc::default();
        let (target, shared) = (cluster.pooled_socket().join(SOCKET), Arc::clone(&armed));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, target.clone(), Arc::clone(&shared)));
            }
        });
        Self { folder, armed }
    }

    /// Cuts the next connection that calls this routine, once.
    pub fn arm(&self, cut: Cut, routine: &'static str) {
        *self.armed.lock().unwrap() = Some((cut, routine));
    }

    /// Whether the cut has happened.
    pub fn has_cut(&self) -> bool {
        self.armed.lock().unwrap().is_none()
    }

    /// A connection URL through the proxy.
    pub fn url(&self, user: &str, database: &str) -> String {
        let folder = folder_in_url(self.folder.path());
        format!("postgresql://{user}@{folder}/{database}")
    }
}

fn folder_in_url(folder: &Path) -> String {
    folder.display().to_string().replace('/', "%2F")
}

async fn pass(
    mut client: UnixStream,
    target: PathBuf,
    armed: Arc<Mutex<Option<(Cut, &'static str)>>>,
) {
    let mut server = UnixStream::connect(target).await.unwrap();
    let (mut asked, mut said) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let Ok(bytes @ 1..) = read else { return };
                let bytes = &asked[..bytes];
                let cut = take_if_called(&armed, bytes);
                if cut == Some(Cut::BeforeTheCall) {
                    return;
                }
                server.write_all(bytes).await.unwrap();
                if cut == Some(Cut::BeforeTheAnswer) {
                    let mut answer = Vec::new();
                    while !answer.ends_with(&READY) {
                        assert_ne!(server.read_buf(&mut answer).await.unwrap(), 0);
                    }
                    return;
                }
            }
            read = server.read(&mut said) => {
                let Ok(bytes @ 1..) = read else { return };
                if client.write_all(&said[..bytes]).await.is_err() {
                    return;
                }
            }
        }
    }
}

fn take_if_called(armed: &Mutex<Option<(Cut, &'static str)>>, bytes: &[u8]) -> Option<Cut> {
    let mut armed = armed.lock().unwrap();
    let calls = |routine: &str| {
        let call = format!("holdfast.{routine}(");
        bytes
            .windows(call.len())
            .any(|window| window == call.as_bytes())
    };
    armed
        .take_if(|(_, routine)| calls(routine))
        .map(|(cut, _)| cut)
}
