use std::time::Duration;

use super::*;

type Numbers = Combiner<u32, u32>;

const MAX: (usize, usize) = (3, 10);

/// Enters with one lane.
fn enter(numbers: &Arc<Numbers>, code: &str, request: u32, weight: usize) -> Entered<u32, u32> {
    let deadline = Instant::now() + Duration::from_secs(8);
    let shop = code.parse().unwrap();
    Arc::clone(numbers).enter(1, || (shop, request, weight, deadline))
}

fn alone(numbers: &Arc<Numbers>) -> Lane<u32, u32> {
    match enter(numbers, "a", 0, 1) {
        Entered::Alone(lane) => lane,
        Entered::Waits(_) | Entered::Full => panic!("the lane is not free"),
    }
}

fn waits(numbers: &Arc<Numbers>, code: &str, request: u32, weight: usize) -> Receiver<u32> {
    match enter(numbers, code, request, weight) {
        Entered::Alone(_) => panic!("the lane is free"),
        Entered::Waits(answer) => answer,
        Entered::Full => panic!("too many wait"),
    }
}

fn next(lane: &mut Lane<u32, u32>) -> Vec<u32> {
    let batch = lane.next(MAX.0, MAX.1).unwrap_or_default();
    batch.iter().map(|one| one.request).collect()
}

#[test]
fn a_lone_request_goes_alone_and_frees_its_lane() {
    let numbers = Arc::new(Numbers::default());
    for _ in 0..3 {
        assert!(alone(&numbers).leave().is_none());
    }
}

#[test]
fn those_who_wait_go_in_order_up_to_the_bounds_and_shops_take_turns() {
    let numbers = Arc::new(Numbers::default());
    let lane = alone(&numbers);
    let mut answers: Vec<_> = (1..=5).map(|n| waits(&numbers, "a", n, 1)).collect();
    answers.extend((11..=13).map(|n| waits(&numbers, "b", n, 4)));
    answers.push(waits(&numbers, "c", 21, 50));
    answers.push(waits(&numbers, "c", 22, 1));
    let mut lane = lane.leave().unwrap();
    assert_eq!(next(&mut lane), [1, 2, 3]);
    assert_eq!(next(&mut lane), [11, 12]);
    // one that is heavier than the bound goes alone
    assert_eq!(next(&mut lane), [21]);
    assert_eq!(next(&mut lane), [4, 5]);
    assert_eq!(next(&mut lane), [13]);
    assert_eq!(next(&mut lane), [22]);
    assert!(next(&mut lane).is_empty());
    drop(lane);
    alone(&numbers);
}

#[test]
fn a_caller_that_has_gone_is_left_out() {
    let numbers = Arc::new(Numbers::default());
    let lane = alone(&numbers);
    let first = waits(&numbers, "a", 1, 1);
    drop(waits(&numbers, "a", 2, 1));
    let third = waits(&numbers, "a", 3, 1);
    drop(waits(&numbers, "b", 4, 1));
    let mut lane = lane.leave().unwrap();
    assert_eq!(next(&mut lane), [1, 3]);
    assert!(lane.next(MAX.0, MAX.1).is_none());
    drop((first, third));
    alone(&numbers);
}

#[tokio::test]
async fn nobody_waits_for_ever_when_the_last_lane_is_dropped() {
    let numbers = Arc::new(Numbers::default());
    let lane = alone(&numbers);
    let answer = waits(&numbers, "a", 1, 1);
    drop(lane);
    assert!(answer.await.is_err());
    alone(&numbers);
}

#[test]
fn a_bounded_number_of_requests_waits() {
    let numbers = Arc::new(Numbers::default());
    let mut lane = alone(&numbers);
    let mut answers: Vec<_> = (0..WAITING_MAX)
        .map(|nth| waits(&numbers, if nth % 2 == 0 { "a" } else { "b" }, 1, 1))
        .collect();
    for _ in 0..2 {
        assert!(matches!(enter(&numbers, "c", 1, 1), Entered::Full));
    }
    // whoever is taken, or has gone, makes room
    answers.truncate(WAITING_MAX - 4);
    while !next(&mut lane).is_empty() {}
    drop(lane);
    let lane = alone(&numbers);
    let answers: Vec<_> = (0..WAITING_MAX)
        .map(|_| waits(&numbers, "a", 1, 1))
        .collect();
    assert!(matches!(enter(&numbers, "a", 1, 1), Entered::Full));
    // nobody serves them: all of them go
    drop(lane);
    let _lane = alone(&numbers);
    drop(answers);
    waits(&numbers, "a", 1, 1);
}
