//! An HTTP server on loopback that answers until the stack stops.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt as _;
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Connections that wait to be accepted, in a rush. The kernel has a limit of its own, too
/// (`somaxconn`).
const BACKLOG: u32 = 16_384;
/// Open requests get this long to finish.
const FINISH_TIMEOUT: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(crate) struct Serving {
    pub(crate) address: SocketAddr,
    task: JoinHandle<()>,
}

impl Serving {
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Waits for open requests, for a short time. Call it after the token was cancelled.
    pub(crate) async fn finish(mut self) {
        if tokio::time::timeout(FINISH_TIMEOUT, &mut self.task)
            .await
            .is_err()
        {
            self.abort();
        }
    }

    pub(crate) fn abort(&self) {
        self.task.abort();
    }
}

/// Takes a port of this machine; 0 is any free one.
pub(crate) async fn bind(port: u16) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind((Ipv4Addr::LOCALHOST, port).into())?;
    socket.listen(BACKLOG)
}

pub(crate) fn serve(
    listener: TcpListener,
    router: Router,
    stopping: CancellationToken,
) -> io::Result<Serving> {
    let address = listener.local_addr()?;
    // Without TCP_NODELAY every answer would wait 40 ms for an acknowledgement.
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let task = tokio::spawn(async move {
        let serving =
            axum::serve(listener, service).with_graceful_shutdown(stopping.cancelled_owned());
        if let Err(error) = serving.await {
            tracing::error!("the listener on {address} ended: {error}");
        }
    });
    Ok(Serving { address, task })
}
