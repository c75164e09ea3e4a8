//! Three payment gateways on loopback: Cashfree, Stripe and Razorpay, as far as a shop needs them.
//!
//! Each speaks its documented API (orders or sessions, payments, refunds) with its own shapes,
//! credentials, idempotency keys and errors, and signs its webhooks as the real one does. A control
//! API plays the shopper and the banks, and makes the gateways fail ([`faults`]).
//!
//! - [`world`]: what the gateways know; [`world::orders`] and [`world::money`] change it
//! - `cashfree`, `stripe`, `razorpay`: one gateway's API and webhooks each
//! - `front`: HTTP, credentials and faults; `control`: the control API; `postman`: the webhooks

pub mod account;
pub mod cashfree;
pub mod command;
mod control;
pub mod faults;
mod front;
mod postman;
mod razorpay;
mod reply;
mod signing;
mod stripe;
pub mod world;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use account::{Account, Gateway};
pub use faults::Faults;
use postman::Postman;
use world::World;

/// A simulator that answers until it is dropped.
#[derive(Debug)]
pub struct Simulator {
    address: SocketAddr,
    tasks: Vec<JoinHandle<()>>,
}

impl Simulator {
    /// Starts one on a port of this machine (0: any free one), with these accounts. The same seed
    /// gives the same ids and the same losses.
    ///
    /// # Errors
    /// When the port is taken.
    pub async fn start(port: u16, accounts: Vec<Account>, seed: u64) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        let address = listener.local_addr()?;
        let postman = Arc::new(Postman::new(seed));
        let simulation = Arc::new(Simulation {
            world: Mutex::new(World::new(accounts, seed)),
            postman: Arc::clone(&postman),
        });
        let delivering = Arc::clone(&simulation);
        let postman = tokio::spawn(async move { postman.work(&delivering).await });
        let router = front::router(simulation);
        let serving = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                eprintln!("holdfast gateways: the listener ended: {error}");
            }
        });
        Ok(Self {
            address,
            tasks: vec![postman, serving],
        })
    }

    /// Where everything is: the gateways' APIs below it, under their names, and the control API.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What to configure as a gateway's base URL.
    #[must_use]
    pub fn base_url(&self, gateway: Gateway) -> String {
        format!("{}/{}", self.url(), gateway.as_str())
    }

    /// Waits until the listener ends, which it does not by itself.
    pub async fn wait(mut self) {
        if let Some(serving) = self.tasks.pop() {
            let _ = serving.await;
        }
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// What all requests share.
struct Simulation {
    world: Mutex<World>,
    postman: Arc<Postman>,
}

impl Simulation {
    fn world(&self) -> MutexGuard<'_, World> {
        // no code that holds it panics half-way through a change
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
