//! Deliveries of announcements to a subscriber: list, resend.

pub mod list;
pub mod resend;

pub use list::{Logged, Position, list};
pub use resend::{Resend, ResendError, Resent, resend};
