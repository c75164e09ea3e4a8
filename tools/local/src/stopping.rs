//! One switch that tells every part of the stack to stop.

use tokio::sync::watch;

/// The switch; dropping it counts as using it.
#[derive(Debug)]
pub(crate) struct Stop(watch::Sender<bool>);

/// What the parts look at.
#[derive(Debug, Clone)]
pub(crate) struct Stopping(watch::Receiver<bool>);

impl Stop {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    pub(crate) fn stop(&self) {
        self.0.send_replace(true);
    }

    pub(crate) fn watch(&self) -> Stopping {
        Stopping(self.0.subscribe())
    }
}

impl Stopping {
    pub(crate) fn is_set(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }

    /// Returns when the stack stops.
    pub(crate) async fn wait(&mut self) {
        // An error means that the switch is gone, which is as good.
        drop(self.0.wait_for(|stop| *stop).await);
    }
}
