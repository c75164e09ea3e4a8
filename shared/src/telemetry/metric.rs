//! The metrics: every name, with its unit, what it is counted by, and its meaning. Nothing else is
//! ever emitted, so there are at most as many time series as lines here, times the functions for
//! those that are told by function. No shop, no sku and no id is a dimension: each value of one
//! would be a series of its own, and paid for as one. The log's lines and a query tell those.
//!
//! docs/metrics.md shows this list; a test holds the two together, and the alarms and the dashboard
//! of template.yaml to both.

/// What a metric's numbers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// How many; added up between two lines of the log.
    Count,
    /// A time; each is told.
    Milliseconds,
    /// An age; each is told.
    Seconds,
}

impl Unit {
    /// As CloudWatch calls it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Count => "Count",
            Self::Milliseconds => "Milliseconds",
            Self::Seconds => "Seconds",
        }
    }
}

/// What a metric is told by: its dimensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// One series a deployment, whichever function tells it.
    Stack,
    /// One series a function.
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

            /// What its numbers are.
            #[must_use]
            pub fn unit(self) -> Unit {
                match self { $(Self::$name => Unit::$unit,)+ }
            }

            /// What it is told by.
            #[must_use]
            pub fn scope(self) -> Scope {
                match self { $(Self::$name => Scope::$scope,)+ }
            }

            /// What it means.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$name => concat!($($meaning),+).trim_ascii(),)+ }
            }
        }
    };
}

metrics! {
    /// Carts that are held, for the first time or in place of an earlier cart.
    HoldsGranted: Count, Stack;
    /// Carts that were correctly refused, for whatever reason.
    HoldsRefused: Count, Stack;
    /// Skus that fell short in a refused cart or order.
    Shortages: Count, Stack;
    /// Checkouts that a sweep expired; what shoppers reclaim before a sweep comes is not in it.
    HoldsExpired: Count, Stack;
    /// Orders that were made, at the storefront and at the desk.
    OrdersCreated: Count, Stack;
    /// Orders whose goods were deducted: paid online, free of charge or booked offline.
    OrdersPaid: Count, Stack;
    /// Payments that came when the hold had ended, whether the goods were still there or not.
    LatePayments: Count, Stack;
    /// Payments that are owed back: late and the goods gone, or a second one for one order.
    RefundsDue: Count, Stack;
    /// Payments that a person must look at: another amount or currency than the order's.
    Reviews: Count, Stack;
    /// Refunds that failed and wait for a person. Seen by each sweep.
    RefundsFailed: Count, Stack;
    /// For how long the oldest refund that no gateway has taken on has been owed; 0 when none is.
    RefundsOwedAge: Seconds, Stack;
    /// The age of the oldest refund that a gateway has taken on and not ended; 0 when none is.
    RefundsPendingAge: Seconds, Stack;
    /// Payments that a customer's bank asks back.
    Disputes: Count, Stack;
    /// Calls of gateways that failed: no answer, one that can't be read, the credentials not taken
    /// or not to be had. What a gateway refuses of one order or refund is none.
    GatewayFailures: Count, Stack;
    /// Of these, those whose gateway did not take the credentials.
    GatewayCredentialsRefused: Count, Stack;
    /// Payment events that came before.
    EventsDuplicate: Count, Stack;
    /// Parked events of money: paid, and their order is not known. Seen by each sweep.
    EventsParked: Count, Stack;
    /// The age of the oldest of those; 0 when there is none.
    ParkedAge: Seconds, Stack;
    /// Webhooks that were refused: no secret of the shop gives the signature, or it is too old.
    WebhooksForged: Count, Stack;
    /// How long the hold that is due longest had been due when the sweep began; 0 when none was.
    SweepLag: Seconds, Stack;
    /// Checkouts that a sweep could not expire, and shops that it could not finish.
    SweepFailures: Count, Stack;
    /// The age of the oldest outbox message that is not sent; 0 when all are.
    OutboxLag: Seconds, Stack;
    /// Outbox messages that the queue has taken.
    AnnouncementsSent: Count, Stack;
    /// Outbox messages that the queue refused by themselves: each is tried again.
    AnnouncementsRefused: Count, Stack;
    /// For how long the announcement that waits longest for its subscriber has waited; 0 when none
    /// does.
    SubscriberLag: Seconds, Stack;
    /// Announcements that were given up within a day: no try reached their subscriber, or it wants
    /// no more. Seen by each sweep; 1,000 of each subscriber are counted at most.
    DeliveriesGivenUp: Count, Stack;
    /// Rows that show a broken promise, found by the sweep.
    PromisesBroken: Count, Stack;
    /// Sessions that waited for a lock at the moment when the sweep looked.
    LockWaiters: Count, Stack;
    /// How long the longest of those had been waiting by then; 0 when none was.
    LockWait: Milliseconds, Stack;
    /// Operations that the database did not answer, all tries included, or failed at other than by
    /// a rule.
    DatabaseFailures: Count, Stack;
    /// Tries for which no connection could be had: refused, not trusted, timed out, all in use.
    ConnectionFailures: Count, Stack;
    /// One call of a routine and its answer, one try, without the wait for a connection.
    DatabaseCall: Milliseconds, Function;
    /// Tries after the first one.
    DatabaseRetries: Count, Function;
    /// Tries that the database gave up over a lock: the lock timeout, or a deadlock.
    LockTimeouts: Count, Function;
    /// Requests that were answered with a 5xx.
    AnswersFailed: Count, Function;
    /// Processes that started.
    ColdStarts: Count, Function;
}
