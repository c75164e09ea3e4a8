//! A payment event, in words that all gateways share.

use std::collections::BTreeMap;

use time::OffsetDateTime;
use uuid::Uuid;

use crate::db::sent_as;

/// The note (Stripe: metadata, Razorpay: notes) with our reference of a payment, where the gateway
/// has no field for it.
pub const REFERENCE_NOTE: &str = "reference";
/// The note with our id of a refund.
pub const REFUND_NOTE: &str = "refund_id";

/// The kind of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// The money was captured.
    Paid,
    /// An attempt failed. The shopper may try again.
    Failed,
    /// The shopper left the gateway's page, or its time ran out. The shopper may come back.
    Dropped,
    /// Not decided yet. An authorized payment that is not captured counts as pending: it is no
    /// money.
    Pending,
    /// A refund was accepted and is not finished.
    RefundPending,
    /// A refund was finished.
    RefundSettled,
    /// A refund failed: the shop keeps the money, even after an earlier success.
    RefundFailed,
    /// The shopper's bank asks for the money back: a dispute is opened, or goes on.
    Disputed,
    /// The shop has won a dispute: it keeps the money.
    DisputeWon,
    /// The shop has lost a dispute: the bank has taken the money.
    DisputeLost,
    /// A dispute ended without a decision.
    DisputeClosed,
    /// Any other event. It is recorded and has no effect.
    Other,
}

sent_as!(EventKind, &str, |kind| kind.as_str());

impl EventKind {
    const ALL: [Self; 12] = [
        Self::Paid,
        Self::Failed,
        Self::Dropped,
        Self::Pending,
        Self::RefundPending,
        Self::RefundSettled,
        Self::RefundFailed,
        Self::Disputed,
        Self::DisputeWon,
        Self::DisputeLost,
        Self::DisputeClosed,
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
            Self::DisputeWon => "dispute_won",
            Self::DisputeLost => "dispute_lost",
            Self::DisputeClosed => "dispute_closed",
            Self::Other => "other",
        }
    }

    /// The kind of a refund event in this state.
    #[must_use]
    pub fn is_refund(self) -> bool {
        matches!(
            self,
            Self::RefundPending | Self::RefundSettled | Self::RefundFailed
        )
    }

    /// The kind of an event about a dispute.
    #[must_use]
    pub fn is_dispute(self) -> bool {
        matches!(
            self,
            Self::Disputed | Self::DisputeWon | Self::DisputeLost | Self::DisputeClosed
        )
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// The stage of a dispute, in the order in which a dispute goes through them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisputeStage {
    /// The bank asks, and takes no money yet.
    Inquiry,
    /// Disputed at the gateway, before a chargeback.
    Dispute,
    /// The bank takes the money until it decides.
    Chargeback,
    /// Disputed again after the shop has won.
    PreArbitration,
    /// The card network decides.
    Arbitration,
}

sent_as!(DisputeStage, &str, |stage| stage.as_str());

impl DisputeStage {
    const ALL: [Self; 5] = [
        Self::Inquiry,
        Self::Dispute,
        Self::Chargeback,
        Self::PreArbitration,
        Self::Arbitration,
    ];

    /// Its name in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inquiry => "inquiry",
            Self::Dispute => "dispute",
            Self::Chargeback => "chargeback",
            Self::PreArbitration => "pre_arbitration",
            Self::Arbitration => "arbitration",
        }
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.as_str() == name)
    }
}

/// One payment event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The event's key. It is the same for every delivery of the event, and made only of signed
    /// content.
    pub key: String,
    /// Its kind.
    pub kind: EventKind,
    /// Our payment reference.
    pub reference: Option<String>,
    /// The gateway's id of the order (Stripe: session or intent, Razorpay: order). If Holdfast
    /// created it, it finds the payment, whatever the reference says.
    pub gateway_order_id: Option<String>,
    /// The paid, refunded or disputed amount, in minor units of `currency`. `None` if the gateway's
    /// amount does not fit the currency. Such money goes to review.
    pub amount_minor: Option<i64>,
    /// ISO 4217, upper case.
    pub currency: Option<String>,
    /// The gateway's id of the payment. It is one for each capture, even if the gateway sends
    /// several events about it.
    pub gateway_payment_id: Option<String>,
    /// A second id that the gateway shows for the payment: Stripe's charge. Only the search uses
    /// it.
    pub other_payment_id: Option<String>,
    /// Our id of the refund. `None` if it was made in the gateway's dashboard or by the gateway
    /// itself.
    pub refund_id: Option<Uuid>,
    /// The gateway's id of the refund.
    pub gateway_refund_id: Option<String>,
    /// The gateway's id of the dispute.
    pub dispute_id: Option<String>,
    /// The stage of the dispute.
    pub dispute_stage: Option<DisputeStage>,
    /// The raw body.
    pub payload: String,
    /// The stored headers. Nothing is decided by them.
    pub headers: BTreeMap<String, String>,
    /// When the webhook arrived. `None` for the result of a look-up.
    pub received_at: Option<OffsetDateTime>,
}

impl Event {
    /// An event with these fields; all others are `None`.
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
            other_payment_id: None,
            refund_id: None,
            gateway_refund_id: None,
            dispute_id: None,
            dispute_stage: None,
            payload,
            headers: BTreeMap::new(),
            received_at: None,
        }
    }
}
