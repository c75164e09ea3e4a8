//! Every metric, with its unit, its dimensions and its meaning. No other metric is ever written.
//! Shops, skus and ids are never dimensions: each value would be a series of its own, and
//! CloudWatch charges for each series. A query of the log answers such questions.
//!
//! A test compares this list with docs/metrics.md, and with the alarms and the dashboard of
//! template.yaml.

/// The unit of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A number, summed up between two lines of the log.
    Count,
    /// A duration; each value is written.
    Milliseconds,
    /// An age; each value is written.
    Seconds,
    /// A share; each value is written.
    Percent,
}

impl Unit {
    /// CloudWatch's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Count => "Count",
            Self::Milliseconds => "Milliseconds",
            Self::Seconds => "Seconds",
            Self::Percent => "Percent",
        }
    }
}

/// The dimensions of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// One series per deployment, for all functions together.
    Stack,
    /// One series per function.
    Function,
}

impl Scope {
    /// The names of the dimensions.
    #[must_use]
    pub fn dimensions(self) -> &'static [&'static str] {
        match self {
            Self::Stack => &["Stack"],
            Self::Function => &["Stack", "Function"],
        }
    }
}

macro_rules! metrics {
    ($($(#[doc = $meaning:literal])+ $name:ident: $unit:ident, $scope:ident;)+) => {
        /// A metric.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Metric {
            $($(#[doc = $meaning])+ $name,)+
        }

        impl Metric {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// Its name in CloudWatch.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)+ }
            }

            /// Its unit.
            #[must_use]
            pub fn unit(self) -> Unit {
                match self { $(Self::$name => Unit::$unit,)+ }
            }

            /// Its dimensions.
            #[must_use]
            pub fn scope(self) -> Scope {
                match self { $(Self::$name => Scope::$scope,)+ }
            }

            /// Its meaning.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$name => concat!($($meaning),+).trim_ascii(),)+ }
            }
        }
    };
}

metrics! {
    /// Carts that got a hold: a first cart, or a replacement.
    HoldsGranted: Count, Stack;
    /// Carts that were refused, for any reason.
    HoldsRefused: Count, Stack;
    /// Skus that were short in a refused cart or order.
    Shortages: Count, Stack;
    /// Checkouts that a sweep expired. Checkouts that a shopper's call reclaimed first do not
    /// count.
    HoldsExpired: Count, Stack;
    /// New orders, from the storefront and the desk.
    OrdersCreated: Count, Stack;
    /// Orders whose stock was deducted: paid online, free of charge, or booked offline.
    OrdersPaid: Count, Stack;
    /// Payments that came after the hold had ended, with or without the goods still there.
    LatePayments: Count, Stack;
    /// Payments that are owed back: late and the goods gone, or more than the order's total.
    RefundsDue: Count, Stack;
    /// Payments that a person must look at: their amount or currency is not the order's.
    Reviews: Count, Stack;
    /// Refunds that failed and wait for a person. Measured by each sweep.
    RefundsFailed: Count, Stack;
    /// Age of the oldest refund that no gateway has accepted; 0 without one.
    RefundsOwedAge: Seconds, Stack;
    /// Age of the oldest refund that a gateway accepted and has not finished; 0 without one.
    RefundsPendingAge: Seconds, Stack;
    /// Disputes that a customer's bank has opened, or taken to the next stage.
    Disputes: Count, Stack;
    /// Failed calls to gateways: no answer, an unreadable answer, missing or refused credentials. A
    /// refusal of one order or refund does not count.
    GatewayFailures: Count, Stack;
    /// Those of `GatewayFailures` whose gateway refused the credentials.
    GatewayCredentialsRefused: Count, Stack;
    /// Payment events that were already recorded.
    EventsDuplicate: Count, Stack;
    /// Parked payments: `paid` events whose order is unknown. Measured by each sweep.
    EventsParked: Count, Stack;
    /// Age of the oldest parked payment; 0 without one.
    ParkedAge: Seconds, Stack;
    /// Refused webhooks: no secret of the shop gives the signature, or the signature is too old.
    WebhooksForged: Count, Stack;
    /// Units that were held without a try to pay when the sweep looked: without an order, or with
    /// one of which the gateway has reported nothing.
    UnitsHeldUnordered: Count, Stack;
    /// The largest share of one sku, or of a whole shop, that these units were, where at least 10
    /// are on hand; 0 without one. Shops with more than 10,000 skus count by sku only.
    ShareHeldUnordered: Percent, Stack;
    /// How long the oldest due hold had been due when the sweep began; 0 without one.
    SweepLag: Seconds, Stack;
    /// Checkouts that a sweep could not expire, and shops that it could not finish.
    SweepFailures: Count, Stack;
    /// Shops that a sweep left for the next one, because their node of a cluster did not answer. A
    /// coordinator without shops counts as one.
    ShopsWaiting: Count, Stack;
    /// Age of the oldest unsent outbox message; 0 without one.
    OutboxLag: Seconds, Stack;
    /// Outbox messages that the queue accepted.
    AnnouncementsSent: Count, Stack;
    /// Outbox messages that the queue refused. Each is tried again.
    AnnouncementsRefused: Count, Stack;
    /// How long the oldest announcement for a subscriber has waited; 0 without one.
    SubscriberLag: Seconds, Stack;
    /// Announcements for subscribers that were given up in the last 24 hours. Measured by each
    /// sweep, which counts at most 1,000 of each subscriber.
    DeliveriesGivenUp: Count, Stack;
    /// Rows that break a promise, found by the sweep. A row counts with each sweep until it is
    /// right.
    PromisesBroken: Count, Stack;
    /// Age of a shop's last complete lap through the changes, when the sweep's check begins: the
    /// highest of all shops. A shop in which nothing has changed has 0.
    PromisesCheckLag: Seconds, Stack;
    /// Sessions that waited for a lock when the sweep looked.
    LockWaiters: Count, Stack;
    /// How long the longest of them had waited; 0 without one.
    LockWait: Milliseconds, Stack;
    /// Settings and objects that the database roles of the functions have changed by themselves.
    /// Measured by each sweep.
    RolesChanged: Count, Stack;
    /// Operations that failed after all tries. A refusal by a rule does not count.
    DatabaseFailures: Count, Stack;
    /// Tries that got no connection: refused, not trusted, timed out, or all in use.
    ConnectionFailures: Count, Stack;
    /// Duration of one call of a routine: one try, without the wait for a connection.
    DatabaseCall: Milliseconds, Function;
    /// Tries after the first one.
    DatabaseRetries: Count, Function;
    /// Tries that ended with a lock timeout or a deadlock.
    LockTimeouts: Count, Function;
    /// Requests that were answered with 5xx.
    AnswersFailed: Count, Function;
    /// Processes that started.
    ColdStarts: Count, Function;
}

impl Metric {
    /// Those that an alarm reads. A test compares them with template.yaml.
    pub const ALARMED: &[Self] = &[
        Self::RefundsDue,
        Self::Reviews,
        Self::RefundsFailed,
        Self::RefundsOwedAge,
        Self::RefundsPendingAge,
        Self::Disputes,
        Self::GatewayFailures,
        Self::GatewayCredentialsRefused,
        Self::ParkedAge,
        Self::WebhooksForged,
        Self::ShareHeldUnordered,
        Self::SweepLag,
        Self::SweepFailures,
        Self::ShopsWaiting,
        Self::OutboxLag,
        Self::SubscriberLag,
        Self::DeliveriesGivenUp,
        Self::PromisesBroken,
        Self::PromisesCheckLag,
        Self::RolesChanged,
        Self::DatabaseFailures,
        Self::ConnectionFailures,
        Self::AnswersFailed,
    ];
}
