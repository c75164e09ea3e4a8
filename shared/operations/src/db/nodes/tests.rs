use std::future::{pending, ready};
use std::pin::Pin;
use std::task::{Context, Waker};

use tokio::sync::oneshot;

use super::*;

type Cluster = Nodes<u16>;

const HOUR: Duration = Duration::from_secs(3600);

/// A cluster that asks again after these times.
fn cluster(again_after: Duration, soon_after: Duration) -> Cluster {
    Cluster {
        again_after,
        soon_after,
        ..Cluster::default()
    }
}

fn node(port: u16) -> Place {
    let host = "node".to_owned();
    Place::Node(Address { host, port })
}

async fn says(cluster: &Cluster, place: Option<Place>) -> Place {
    cluster.of("dress", ready(place)).await
}

/// Fails the test if the coordinator is asked.
async fn known(cluster: &Cluster) -> Place {
    let asked = async { panic!("asked") };
    cluster.of("dress", asked).await
}

fn waits<T>(future: Pin<&mut impl Future<Output = T>>) -> bool {
    future
        .poll(&mut Context::from_waker(Waker::noop()))
        .is_pending()
}

#[tokio::test]
async fn an_answer_is_kept_for_a_while() {
    let kept = cluster(HOUR, Duration::ZERO);
    assert_eq!(says(&kept, Some(node(1))).await, node(1));
    assert_eq!(known(&kept).await, node(1));
    // each shop has its own
    assert_eq!(kept.of("tour", ready(Some(node(3)))).await, node(3));
    let old = cluster(Duration::ZERO, HOUR);
    assert_eq!(says(&old, Some(node(1))).await, node(1));
    assert_eq!(says(&old, Some(node(2))).await, node(2));
}

/// For a short time: a node frees a lock early, and the coordinator does not.
#[tokio::test]
async fn the_last_answer_counts_while_nobody_answers() {
    let silent = cluster(HOUR, Duration::ZERO);
    assert_eq!(says(&silent, None).await, Place::Coordinator);
    assert_eq!(says(&silent, Some(node(1))).await, node(1));
    let old = cluster(Duration::ZERO, HOUR);
    assert_eq!(says(&old, Some(node(1))).await, node(1));
    assert_eq!(says(&old, None).await, node(1));
    assert_eq!(known(&old).await, node(1));
}

/// Each question takes a second. The shops share the answer that nobody gives.
#[tokio::test]
async fn a_silent_coordinator_is_asked_about_one_shop_and_not_about_each() {
    let silent = cluster(Duration::ZERO, HOUR);
    let learned = [("dress", node(1)), ("tour", node(2))];
    for (shop, place) in &learned {
        assert_eq!(silent.of(shop, ready(Some(place.clone()))).await, *place);
    }
    assert_eq!(silent.of("dress", ready(None)).await, node(1));
    let asked = async { panic!("asked") };
    assert_eq!(silent.of("tour", asked).await, node(2));
    // only the coordinator knows where this one is
    assert_eq!(silent.of("new", ready(Some(node(3)))).await, node(3));
    // it answers again
    assert_eq!(silent.of("tour", ready(Some(node(4)))).await, node(4));
}

#[tokio::test]
async fn one_call_at_a_time_finds_out_whether_a_silent_coordinator_is_back() {
    let silent = cluster(Duration::ZERO, Duration::from_millis(1));
    for (shop, port) in [("dress", 1), ("tour", 2)] {
        silent.of(shop, ready(Some(node(port)))).await;
    }
    assert_eq!(silent.of("new", ready(None)).await, Place::Coordinator);
    *lock(&silent.silent_until) = Some(Instant::now());
    let silent = Cluster {
        soon_after: HOUR,
        ..silent
    };
    let mut asks = Box::pin(silent.of("dress", pending()));
    assert!(waits(asks.as_mut()));
    let asked = async { panic!("asked") };
    assert_eq!(silent.of("tour", asked).await, node(2));
}

/// A run that knows it asks nobody.
#[tokio::test]
async fn the_last_answer_is_there_without_a_question() {
    let old = cluster(Duration::ZERO, HOUR);
    assert_eq!(old.last("dress"), Place::Coordinator);
    says(&old, Some(node(1))).await;
    assert_eq!(old.last("dress"), node(1));
}

#[tokio::test]
async fn a_silent_node_is_looked_for_soon_and_not_by_every_call() {
    let soon = cluster(HOUR, Duration::ZERO);
    says(&soon, Some(node(1))).await;
    soon.ask_soon("dress");
    assert_eq!(says(&soon, Some(node(2))).await, node(2));
    soon.ask_soon("nobody");
    let not_yet = cluster(HOUR, HOUR);
    says(&not_yet, Some(node(1))).await;
    not_yet.ask_soon("dress");
    assert_eq!(known(&not_yet).await, node(1));
}

#[tokio::test]
async fn one_call_asks_and_the_others_wait_for_a_first_answer_only() {
    let cluster = cluster(HOUR, Duration::ZERO);
    let (tell, told) = oneshot::channel();
    let mut first = Box::pin(cluster.of("dress", async { told.await.ok() }));
    let mut other = Box::pin(known(&cluster));
    assert!(waits(first.as_mut()) && waits(other.as_mut()));
    tell.send(node(1)).unwrap();
    assert_eq!(tokio::join!(first, other), (node(1), node(1)));
    cluster.ask_soon("dress");
    let mut next = Box::pin(cluster.of("dress", pending()));
    assert!(waits(next.as_mut()));
    assert_eq!(known(&cluster).await, node(1));
    // the one that asks goes away: another asks
    drop(next);
    assert_eq!(says(&cluster, Some(node(2))).await, node(2));
}

#[tokio::test]
async fn invented_shops_are_forgotten() {
    let cluster = Cluster::default();
    for n in 0..=PLACES_MAX {
        cluster.of(&n.to_string(), ready(None)).await;
    }
    assert!(lock(&cluster.shops).len() <= PLACES_MAX);
}

#[test]
fn each_node_has_one_pool() {
    let cluster = Cluster::default();
    let address = |port| Address {
        host: "node".to_owned(),
        port,
    };
    let made = |address: Address| Ok::<u16, ()>(address.port);
    assert_eq!(cluster.pool(address(1), made), Ok(1));
    assert_eq!(cluster.pool(address(2), made), Ok(2));
    assert_eq!(cluster.pool(address(1), |_| Err(())), Ok(1));
    assert_eq!(cluster.pool(address(3), |_| Err(())), Err(()));
}
