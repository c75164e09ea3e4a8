//! Money: a gateway's verified message, what it means, and what it does to an order.

pub mod cashfree;
pub mod delivery;
pub mod record_event;

pub use delivery::{Delivery, DeliveryError, Gateway};
pub use record_event::{Event, EventKind, Outcome, Recorded, record_event};
