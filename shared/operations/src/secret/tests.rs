use std::collections::VecDeque;
use std::sync::Mutex as Lock;

use super::*;

/// Answers from a list, and counts.
#[derive(Default)]
struct Script {
    current: Lock<VecDeque<Result<&'static str, &'static str>>>,
    pending: Lock<Option<&'static str>>,
    asked: Lock<Vec<Version>>,
}

impl Store for Arc<Script> {
    fn fetch(&self, version: Version) -> Fetching<'_> {
        self.asked.lock().unwrap().push(version);
        let answer = match version {
            Version::Current => {
                let mut current = self.current.lock().unwrap();
                match current.len() {
                    0 => Err("nothing more was expected"),
                    1 => current[0],
                    _ => current.pop_front().unwrap(),
                }
            }
            Version::Pending => self.pending.lock().unwrap().ok_or("no such version"),
        };
        Box::pin(async move { answer.map(ToOwned::to_owned).map_err(Into::into) })
    }
}

impl Script {
    fn new(current: &[Result<&'static str, &'static str>]) -> Arc<Self> {
        Arc::new(Self {
            current: Lock::new(current.iter().copied().collect()),
            ..Self::default()
        })
    }

    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

const HOUR: Duration = Duration::from_secs(3600);
const AT_ONCE: Rules = Rules {
    ttl: HOUR,
    pause: Duration::ZERO,
    try_pending: true,
};

fn secret(script: &Arc<Script>, rules: Rules) -> Secret<String> {
    Secret::kept(Box::new(Arc::clone(script)), rules, |text| match text {
        "unreadable" => Err("it can't be read".into()),
        text => Ok(text.to_owned()),
    })
}

#[tokio::test]
async fn a_secret_is_fetched_once_by_many_and_not_before_it_is_needed() {
    let script = Script::new(&[Ok("one")]);
    let secret = secret(&script, AT_ONCE);
    assert_eq!(script.asked(), 0);
    for _ in 0..10 {
        let (a, b) = tokio::join!(secret.value(), secret.value());
        assert_eq!((a.unwrap().as_str(), b.unwrap().as_str()), ("one", "one"));
    }
    assert_eq!(script.asked(), 1);
}

#[tokio::test]
async fn an_old_secret_is_fetched_again_and_goes_on_while_nobody_answers() {
    let script = Script::new(&[Ok("one"), Err("down"), Ok("unreadable"), Ok("two")]);
    let rules = Rules {
        ttl: Duration::ZERO,
        ..AT_ONCE
    };
    let secret = secret(&script, rules);
    for expected in ["one", "one", "one", "two"] {
        assert_eq!(secret.value().await.unwrap().as_str(), expected);
    }
    assert_eq!(script.asked(), 4);
}

#[tokio::test]
async fn what_was_never_fetched_is_an_error_and_the_next_one_asks_again() {
    let script = Script::new(&[Err("down"), Ok("one")]);
    let secret = secret(&script, AT_ONCE);
    assert_eq!(secret.value().await.unwrap_err().to_string(), "down");
    assert_eq!(secret.value().await.unwrap().as_str(), "one");
}

#[tokio::test]
async fn a_refused_secret_is_replaced_once_for_all_who_were_refused() {
    let script = Script::new(&[Ok("one"), Ok("two")]);
    let secret = secret(&script, AT_ONCE);
    let one = secret.value().await.unwrap();
    for _ in 0..10 {
        let other = secret.other_than(&one).await.unwrap().unwrap();
        assert_eq!(other.as_str(), "two");
    }
    assert_eq!(script.asked(), 2);
}

/// The database knows the new password a moment before the store calls it current.
#[tokio::test]
async fn in_the_middle_of_a_rotation_the_pending_secret_is_tried() {
    let script = Script::new(&[Ok("one")]);
    let secret = secret(&script, AT_ONCE);
    let one = secret.value().await.unwrap();
    assert!(secret.other_than(&one).await.unwrap().is_none());
    *script.pending.lock().unwrap() = Some("two");
    let two = secret.other_than(&one).await.unwrap().unwrap();
    assert_eq!(two.as_str(), "two");
    assert_eq!(secret.value().await.unwrap().as_str(), "two");
    // Taken back: the one before is the right one again.
    let again = secret.other_than(&two).await.unwrap().unwrap();
    assert_eq!(again.as_str(), "one");
}

#[tokio::test]
async fn refusals_without_end_ask_only_so_often() {
    let script = Script::new(&[Ok("one")]);
    let rules = Rules {
        pause: HOUR,
        ..AT_ONCE
    };
    let secret = secret(&script, rules);
    let one = secret.value().await.unwrap();
    for _ in 0..100 {
        assert!(secret.other_than(&one).await.unwrap().is_none());
    }
    assert_eq!(script.asked(), 1);
}

#[test]
fn a_time_limit_is_a_number_of_seconds() {
    let ttl = |text: &'static str| super::ttl(|_| Some(text.to_owned()));
    assert_eq!(super::ttl(|_| None).unwrap(), TTL_DEFAULT);
    assert_eq!(ttl("2").unwrap(), Duration::from_secs(2));
    for wrong in ["0", "-1", "86401", "5m", ""] {
        let error = ttl(wrong).unwrap_err().to_string();
        assert!(error.starts_with("SECRET_TTL_S can't be used"), "{error}");
    }
}
