//! The contestants, and the transaction of each.

/// A way to place a hold on one unit of the hot sku.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Contestant {
    /// Lock the row, sum the holds, insert (`classic.sql`).
    Classic,
    /// `checkout_begin`, as it is deployed.
    Holdfast,
    /// `checkout_begin` with early lock release switched off.
    WithoutEarlyRelease,
    /// The smallest possible reservation of a cart (`prototype.sql`).
    Prototype,
    /// A counter with early lock release and nothing beside it (`classic.sql`).
    CounterOnly,
    /// One row into one table: the limit.
    InsertOnly,
}

/// The id of a transaction: rising, as a UUID of version 7 is. pgbench counts, so that the server
/// has little to parse where a function would send a parameter.
const ID: &str = "('0000000000007' || :id)::uuid";
const NEXT_ID: &str = "\\set n :n + 1\n\\set id 1008000000000000000 + :n * 100000 + :client_id\n";

impl Contestant {
    pub(crate) const ALL: [Self; 6] = [
        Self::Classic,
        Self::WithoutEarlyRelease,
        Self::Holdfast,
        Self::Prototype,
        Self::CounterOnly,
        Self::InsertOnly,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Classic => "lock, sum, insert",
            Self::Holdfast => "holdfast",
            Self::WithoutEarlyRelease => "holdfast, early release off",
            Self::Prototype => "prototype of holdfast",
            Self::CounterOnly => "a counter, early release",
            Self::InsertOnly => "one-row insert (limit)",
        }
    }

    /// Options of the server's session.
    pub(crate) fn session_options(self) -> &'static str {
        match self {
            Self::WithoutEarlyRelease => "-c holdfast.early_release=off",
            _ => "",
        }
    }

    /// The script of pgbench.
    pub(crate) fn script(self) -> String {
        let call = match self {
            Self::Classic => format!("select classic.begin({ID}, 'HOT', 1);"),
            Self::Prototype => format!(
                "call prototype.begin('main', {ID}, 'shopper', '\\x00', '{{HOT}}', '{{1}}');"
            ),
            Self::CounterOnly => "call classic.count('HOT', 1);".to_owned(),
            Self::InsertOnly => format!("insert into classic.rows values ({ID});"),
            Self::Holdfast | Self::WithoutEarlyRelease => begin("HOT"),
        };
        format!("{NEXT_ID}{call}\n")
    }
}

/// Units of the sku in the rush.
pub(crate) const RUSH_UNITS: u32 = 100;

/// The script of a shopper in the rush.
pub(crate) fn rush_script() -> String {
    format!("{NEXT_ID}{}\n", begin("RUSH"))
}

/// The script of a shopper beside a sweep.
pub(crate) fn begin_script() -> String {
    format!("{NEXT_ID}{}\n", begin("HOT"))
}

/// The script of a shopper who comes too late.
pub(crate) fn sold_out_script() -> String {
    format!("{NEXT_ID}{}\n", begin("SOLD-OUT"))
}

fn begin(sku: &str) -> String {
    format!(
        "call holdfast.checkout_begin('main', {ID}, 'shopper', 1, '\\x00', null, '{{{sku}}}', \
         '{{1}}');"
    )
}

/// Makes every round begin alike.
pub(crate) const RESET: &str = "
    update classic.counters set held = 0;
    update prototype.stock set held = 0;
    truncate classic.holds, classic.rows, prototype.checkouts, prototype.holds,
        holdfast.checkouts, holdfast.holds, holdfast.customer_checkouts,
        holdfast.customer_units cascade;
    update holdfast.stock_levels set held = 0, version = version + 1 where held > 0;
    checkpoint;";
