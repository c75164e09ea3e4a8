//! A batch of payments has read, and another call changes one of its orders before it writes. Each
//! comparison of the batch meets a rival that only it notices.

use local::roles;
use operations::checkout::{self, Revoke};
use operations::ids::CheckoutId;
use operations::payment::{self, Event, Gateway, Outcome, Recorded};
use tests::desk::actor;
use tests::orders::{numbered, paid_numbered};
use tests::{CALL_MAX, MAIN, Routine, TestDb, shop};

const GUARD: &str = "a_payment_changes_stock_once";

/// What happens to the first order of the batch meanwhile.
#[derive(Debug, Clone, Copy)]
enum Rival {
    /// The gateway's event comes alone, with a reference that nobody knows.
    Event,
    Expiry,
    Release,
    Revocation,
    /// Another payment of the order has the wrong amount: a person must look.
    Review,
    /// The gateway uses the payment's id for another order.
    Capture,
}

impl Rival {
    /// Which of the comparisons notice it: of the event, the checkout, the order, the payment and
    /// the capture. None notices all of them.
    fn noticed_by(self) -> &'static [usize] {
        match self {
            Self::Event => &[0],
            Self::Expiry | Self::Release | Self::Revocation => &[1, 2],
            Self::Review => &[2],
            Self::Capture => &[4],
        }
    }

    async fn act(self, test: &TestDb, id: CheckoutId) {
        let other = |key: &str, of: usize| Event {
            key: key.to_owned(),
            ..paid_numbered(of, 1)
        };
        match self {
            Self::Event => {
                let unknown = Event {
                    reference: Some("nobody".to_owned()),
                    gateway_payment_id: Some("p-nobody".to_owned()),
                    ..paid_numbered(0, 1)
                };
                assert_eq!(test.record(&unknown).await.unwrap(), Outcome::Parked);
            }
            Self::Expiry => test.expire(id).await,
            Self::Release => {
                let released = checkout::release(&test.db, &shop(MAIN), id, None).await;
                released.unwrap();
            }
            Self::Revocation => {
                let revoke = Revoke {
                    note: "a robot".parse().unwrap(),
                };
                let desk = test.desk(1);
                let revoked =
                    checkout::revoke(&desk.0, &shop(MAIN), id, &actor("meera"), &revoke).await;
                revoked.unwrap();
            }
            Self::Review => {
                let wrong = Event {
                    amount_minor: Some(1),
                    gateway_payment_id: Some("p-wrong".to_owned()),
                    ..other("key-wrong", 0)
                };
                assert_eq!(test.record(&wrong).await.unwrap(), Outcome::Review);
            }
            Self::Capture => {
                let taken = Event {
                    gateway_payment_id: Some("p-0".to_owned()),
                    ..other("key-taken", 2)
                };
                assert_eq!(test.record(&taken).await.unwrap(), Outcome::Completed);
            }
        }
    }
}

/// A batch pays orders 0 and 1, and the rival comes after it has read.
async fn meets(test: &TestDb, rival: Rival) -> Vec<Option<Recorded>> {
    test.sku("A", 50).await;
    numbered(test, 0..3, "A").await;
    test.change_routine("payment_record_events", &[("'500ms'", "'20s'")])
        .await;
    let of_first = "select checkout_id from holdfast.orders join holdfast.payments
        using (shop, order_id) where reference = 'main-0'";
    let row = test.owner.query_one(of_first, &[]).await.unwrap();
    let id = CheckoutId::from(row.get::<_, uuid::Uuid>(0));
    let gate = test.block(tests::SHUT_GATE).await;
    let db = test.pool_of(roles::PAYMENTS, 1);
    let events = [paid_numbered(0, 1), paid_numbered(1, 1)];
    let main = shop(MAIN);
    let batch = events.each_ref().map(|event| (Gateway::Cashfree, event));
    let recorded = payment::record_events(&db, &main, &batch, CALL_MAX);
    let meanwhile = async {
        test.until_waiting(1).await;
        rival.act(test, id).await;
        gate.let_go().await;
    };
    let (recorded, ()) = tokio::join!(recorded, meanwhile);
    recorded.unwrap()
}

const RIVALS: [Rival; 6] = [
    Rival::Event,
    Rival::Expiry,
    Rival::Release,
    Rival::Revocation,
    Rival::Review,
    Rival::Capture,
];

/// Promises 4 and 10. The order that has changed goes apart, and the other one is paid.
#[tokio::test]
async fn a_batch_notices_what_has_happened_to_an_order_since_it_read() {
    for rival in RIVALS {
        let test = TestDb::new().await;
        let gated = Routine::named("payment_record_events_attempt").gated(GUARD);
        test.put_routine(gated).await;
        let recorded = meets(&test, rival).await;
        assert!(recorded[0].is_none(), "{rival:?}: {:?}", recorded[0]);
        let second = recorded[1].as_ref().map(|it| it.outcome);
        assert_eq!(second, Some(Outcome::Completed), "{rival:?}");
        test.record(&paid_numbered(0, 1)).await.unwrap();
        test.assert_promises_hold().await;
    }
}

/// The control: without the comparisons that notice the rival, the order is paid all the same, and
/// a promise is broken.
#[tokio::test]
async fn without_these_comparisons_a_batch_overlooks_its_rival() {
    for rival in RIVALS {
        let test = TestDb::new().await;
        let gated = Routine::named("payment_record_events_attempt").gated(GUARD);
        test.put_routine(gated.without_some_of_guard(GUARD, rival.noticed_by()))
            .await;
        let recorded = meets(&test, rival).await;
        let first = recorded[0].as_ref().map(|it| it.outcome);
        assert_eq!(first, Some(Outcome::Completed), "{rival:?}");
        if !matches!(rival, Rival::Event) {
            assert!(!test.broken_promises().await.is_empty(), "{rival:?}");
        }
    }
}
