//! A running simulator.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::account::Account;
use crate::server;
use crate::simulation::Simulation;
use crate::state::State;

/// A simulator that answers until it is dropped.
#[derive(Debug)]
pub struct Simulator {
    address: SocketAddr,
    sending: JoinHandle<()>,
    serving: JoinHandle<()>,
}

impl Simulator {
    /// Starts a simulator on a loopback port; 0 picks a free one. The same seed gives the same ids
    /// and the same losses.
    ///
    /// # Errors
    /// The port is taken.
    pub async fn start(port: u16, accounts: Vec<Account>, seed: u64) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        let address = listener.local_addr()?;
        let simulation = Arc::new(Simulation::new(State::new(accounts, seed), seed));
        let router = server::router(Arc::clone(&simulation));
        Ok(Self {
            address,
            sending: tokio::spawn(async move { simulation.sender.run().await }),
            serving: tokio::spawn(async move {
                if let Err(error) = axum::serve(listener, router).await {
                    eprintln!("simulated gateways: the listener ended: {error}");
                }
            }),
        })
    }

    /// The URL of the control API. A gateway's base URL is this with the gateway's name, as in
    /// `http://127.0.0.1:4010/stripe`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Waits until the listener ends, which happens on an error only.
    pub async fn wait(&mut self) {
        let _ = (&mut self.serving).await;
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.sending.abort();
        self.serving.abort();
    }
}
