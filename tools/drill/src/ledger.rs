//! Reads the deployment's own account of money and goods out of its database.

use tokio_postgres::Row;

use crate::books::{BookedOrder, BookedRefund, Ledger};
use crate::watch::{Database, DatabaseError};

const ORDERS: &str = "select p.reference, o.status, o.total_minor \
    from holdfast.orders o join holdfast.payments p using (shop, order_id) \
    where o.shop = $1 and p.method = 'online'";
const LINES: &str = "select p.reference, l.sku, l.quantity::bigint \
    from holdfast.order_lines l join holdfast.payments p using (shop, order_id) \
    where l.shop = $1 and p.method = 'online'";
const SOLD: &str = "select m.reference, m.sku, count(*), -sum(m.delta)::bigint \
    from holdfast.stock_movements m \
    where m.shop = $1 and m.reason = 'sold' and m.reference is not null group by 1, 2";
const CAPTURES: &str = "select gateway, gateway_payment_id, coalesce(amount_minor, 0) \
    from holdfast.payment_captures where shop = $1";
const REFUNDS: &str = "select reference, gateway, amount_minor, status, gateway_refund_id \
    from holdfast.refunds where shop = $1 and not void";
/// A sweeper that is at work has let go of what was over so long ago.
const OVERDUE: &str = "select count(*) from holdfast.holds \
    where shop = $1 and status = 'active' and expires_at < now() - interval '20 s'";
const PARKED: &str = "select count(*) from holdfast.payment_events \
    where shop = $1 and outcome = 'parked'";

impl Database {
    /// Everything about the shop's money, as it is now.
    pub(crate) async fn ledger(&mut self) -> Result<Ledger, DatabaseError> {
        let shop = self.shop().to_owned();
        // one snapshot: what moves in between would look like a fault
        let client = self.client().await?.build_transaction();
        let level = tokio_postgres::IsolationLevel::RepeatableRead;
        let look = client.isolation_level(level).read_only(true).start();
        let look = look.await?;
        let mut ledger = Ledger::default();
        for row in look.query(ORDERS, &[&shop]).await? {
            let order = BookedOrder {
                status: row.get(1),
                total_minor: row.get(2),
                ..BookedOrder::default()
            };
            ledger.orders.insert(row.get(0), order);
        }
        for row in look.query(LINES, &[&shop]).await? {
            if let Some(order) = ledger.orders.get_mut(row.get::<_, &str>(0)) {
                order.lines.insert(row.get(1), row.get(2));
            }
        }
        for row in look.query(SOLD, &[&shop]).await? {
            if let Some(order) = ledger.orders.get_mut(row.get::<_, &str>(0)) {
                order.sold.insert(row.get(1), (row.get(2), row.get(3)));
            }
        }
        for row in look.query(CAPTURES, &[&shop]).await? {
            ledger.captures.insert((row.get(0), row.get(1)), row.get(2));
        }
        let refunds = look.query(REFUNDS, &[&shop]).await?;
        ledger.refunds = refunds.iter().map(refund).collect();
        ledger.overdue = look.query_one(OVERDUE, &[&shop]).await?.get(0);
        ledger.parked = look.query_one(PARKED, &[&shop]).await?.get(0);
        look.rollback().await?;
        Ok(ledger)
    }
}

fn refund(row: &Row) -> BookedRefund {
    BookedRefund {
        reference: row.get(0),
        gateway: row.get(1),
        amount_minor: row.get(2),
        status: row.get(3),
        gateway_refund_id: row.get(4),
    }
}
