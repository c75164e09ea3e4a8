//! What a gateway says happened, in the words that all gateways have in common.

use std::collections::BTreeMap;

use time::OffsetDateTime;
use uuid::Uuid;

/// The note (Stripe: metadata, Razorpay: notes) under which a payment carries our reference, where
/// the gateway has no field of its own for it.
pub const REFERENCE_NOTE: &str = "reference";
/// The note under which a refund carries our id of it.
pub const REFUND_NOTE: &str = "refund_id";

/// What a gateway says happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// The money is there.
    Paid,
    /// An attempt failed; shoppers try again.
    Failed,
    /// The shopper left the gateway's page, or its time ran out; shoppers come back.
    Dropped,
    /// Not decided yet. Also a payment that is authorised and not captured: that is no money.
    Pending,
    /// A refund was taken on, and is not through.
    RefundPending,
    /// A refund went through.
    RefundSettled,
    /// A refund failed: the money is with the shop, also where it had gone through before.
    RefundFailed,
    /// The shopper's bank asks for the money back.
    Disputed,
    /// Known, but not about this order's money: recorded, without effect.
    Other,
}

impl EventKind {
    const ALL: [Self; 9] = [
        Self::Paid,
        Self::Failed,
        Self::Dropped,
        Self::Pending,
        Self::RefundPending,
        Self::RefundSettled,
        Self::RefundFailed,
        Self::Disputed,
        Self::Other,
    ];

    /// Its name in the database, in logs and in documents.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Paid => "paid",
            Self::Failed => "failed",
            Self::Dropped => "dropped",
            Self::Pending => "pending",
            Self::RefundPending => "refund_pending",
            Self::RefundSettled => "refund_settled",
            Self::RefundFailed => "refund_failed",
            Self::Disputed => "disputed",
            Self::Other => "other",
        }
    }

    /// What became of money that goes back.
    #[must_use]
    pub fn is_refund(self) -> bool {
        matches!(
            self,
            Self::RefundPending | Self::RefundSettled | Self::RefundFailed
        )
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// One event, typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// One event has one key, however often it is sent. Made only of what is signed.
    pub key: String,
    /// What happened.
    pub kind: EventKind,
    /// Our payment reference.
    pub reference: Option<String>,
    /// What the gateway calls what it is paid for (Stripe: session or intent, Razorpay: order):
    /// where we had it made, it finds the payment, whatever the reference says.
    pub gateway_order_id: Option<String>,
    /// What was paid, refunded or is disputed, in minor units of `currency`; none where the
    /// gateway's amount can't be one of that currency. Money of no amount goes to review.
    pub amount_minor: Option<i64>,
    /// ISO 4217, upper case.
    pub currency: Option<String>,
    /// The gateway's id of the payment: one for each time that money is taken, also where the
    /// gateway sends several events about it.
    pub gateway_payment_id: Option<String>,
    /// Our id of the refund; none where a person made it in the gateway's dashboard, or the gateway
    /// itself.
    pub refund_id: Option<Uuid>,
    /// The gateway's id of the refund.
    pub gateway_refund_id: Option<String>,
    /// The raw body.
    pub payload: String,
    /// The headers that came with it and are worth keeping. None of them is believed.
    pub headers: BTreeMap<String, String>,
    /// When it came in; none where we asked for it.
    pub received_at: Option<OffsetDateTime>,
}

impl Event {
    /// An event about nothing in particular: the fields that say more are none.
    #[must_use]
    pub fn new(key: String, kind: EventKind, payload: String) -> Self {
        Self {
            key,
            kind,
            reference: None,
            gateway_order_id: None,
            amount_minor: None,
            currency: None,
            gateway_payment_id: None,
            refund_id: None,
            gateway_refund_id: None,
            payload,
            headers: BTreeMap::new(),
            received_at: None,
        }
    }
}
