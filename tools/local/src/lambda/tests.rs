//! The host against a function in Python: small, and everything it does is visible.

use std::os::unix::fs::PermissionsExt;

use super::*;

const FUNCTION: &str = r#"#!/usr/bin/env python3
import json, os, sys, threading, time, urllib.request
api = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/"
if os.environ.get("BROKEN"):
    sys.exit("DATABASE_URL is missing")
def post(path, value):
    urllib.request.urlopen(urllib.request.Request(api + path, json.dumps(value).encode()))
three = threading.Barrier(3)
def answer():
    work = urllib.request.urlopen(api + "invocation/next")
    ident = work.headers["lambda-runtime-aws-request-id"]
    left = int(work.headers["lambda-runtime-deadline-ms"]) - time.time() * 1000
    event = json.load(work)
    if event in ("meet", "meet and die"):
        try: three.wait(5)
        except threading.BrokenBarrierError: pass
    if event in ("die", "meet and die"): os._exit(3)
    if event == "sleep": time.sleep(30)
    if event == "fail":
        post("invocation/" + ident + "/error", {"errorType": "E", "errorMessage": "no"})
        return
    answer = {"echo": event, "left_ms": left, "id": ident, "pid": os.getpid()}
    post("invocation/" + ident + "/response", answer)
def work():
    while True: answer()
for _ in range(1, int(os.environ.get("AWS_LAMBDA_MAX_CONCURRENCY", "1"))):
    threading.Thread(target=work).start()
work()
"#;

struct Scene {
    host: Host,
    folder: PathBuf,
}

fn scene() -> Scene {
    scene_where_callers_wait(Duration::from_millis(300))
}

fn scene_where_callers_wait(waiting_max: Duration) -> Scene {
    let folder = tempfile::Builder::new()
        .prefix("holdfast-")
        .tempdir()
        .unwrap()
        .keep();
    let reaper = Arc::new(Reaper::start(&folder).unwrap());
    Scene {
        host: Host::new(folder.clone(), reaper, waiting_max),
        folder,
    }
}

fn echo(scene: &Scene) -> FunctionOptions {
    let binary = scene.folder.join("echo.py");
    std::fs::write(&binary, FUNCTION).unwrap();
    std::fs::set_permissions(&binary, std::fs::Permissions::from_mode(0o755)).unwrap();
    let timeout = Duration::from_secs(1);
    FunctionOptions {
        name: "echo".into(),
        binary,
        environment: Vec::new(),
        concurrency: 1,
        requests_per_process: 1,
        timeout,
    }
}

async fn ask(host: &Host, event: &str) -> Result<serde_json::Value, InvokeError> {
    let payload = serde_json::to_vec(event).unwrap();
    host.invoke("echo", payload)
        .await
        .map(|answer| serde_json::from_slice(&answer).unwrap())
}

/// Asks again as long as every place is taken.
async fn ask_until_free(host: &Host, event: &str) -> Result<serde_json::Value, InvokeError> {
    loop {
        match ask(host, event).await {
            Err(InvokeError::Throttled) => tokio::time::sleep(Duration::from_millis(10)).await,
            done => return done,
        }
    }
}

#[tokio::test]
async fn a_process_that_dies_fails_its_invocation_and_is_replaced() {
    let scene = scene();
    scene.host.add(echo(&scene)).await.unwrap();
    let answer = ask(&scene.host, "hello").await.unwrap();
    assert_eq!(answer["echo"], "hello");
    assert!(
        answer["left_ms"]
            .as_f64()
            .is_some_and(|left| left > 500.0 && left <= 1000.0)
    );
    assert!(matches!(
        ask(&scene.host, "die").await,
        Err(InvokeError::Crashed)
    ));
    // The call waits for the new process.
    let again = ask_until_free(&scene.host, "again").await;
    assert_eq!(again.unwrap()["echo"], "again");
    let failed = ask(&scene.host, "fail").await;
    assert!(matches!(failed, Err(InvokeError::Failed { error_type, .. }) if error_type == "E"));
    scene.host.stop().await;
    assert!(scene.host.processes().is_empty());
}

#[tokio::test]
async fn a_caller_is_throttled_when_every_process_is_busy_and_a_slow_process_is_killed() {
    let scene = scene();
    scene.host.add(echo(&scene)).await.unwrap();
    let before = scene.host.processes();
    let (slow, late) = tokio::join!(ask(&scene.host, "sleep"), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        ask(&scene.host, "late").await
    });
    assert!(matches!(slow, Err(InvokeError::TimedOut(_))));
    assert!(matches!(late, Err(InvokeError::Throttled)));
    let answered = ask_until_free(&scene.host, "after").await;
    assert!(answered.is_ok());
    assert_ne!(before, scene.host.processes());
    scene.host.stop().await;
}

/// The host with one process that handles so many requests, and the answers to three of them.
async fn three_at_once(
    requests_per_process: usize,
    timeout: Duration,
    event: &str,
) -> (Scene, [Result<serde_json::Value, InvokeError>; 3]) {
    // Three of them meet within 5 seconds, or each goes on alone.
    let scene = scene_where_callers_wait(Duration::from_secs(2));
    let options = FunctionOptions {
        requests_per_process,
        timeout,
        ..echo(&scene)
    };
    scene.host.add(options).await.unwrap();
    let ask = || ask(&scene.host, event);
    let answers = tokio::join!(ask(), ask(), ask());
    (scene, answers.into())
}

#[tokio::test]
async fn one_process_handles_several_requests_at_the_same_time() {
    let (scene, answers) = three_at_once(3, Duration::from_secs(30), "meet").await;
    let answers = answers.map(Result::unwrap);
    let pid = scene.host.processes()[0].pid;
    assert!(answers.iter().all(|one| one["pid"] == pid), "{answers:?}");
    let mut ids = answers.map(|one| one["id"].to_string());
    ids.sort();
    assert!(ids[0] != ids[1] && ids[1] != ids[2], "{ids:?}");
    scene.host.stop().await;
}

/// Two of three fill the process, so they wait in vain for the third, which is turned away.
#[tokio::test]
async fn a_process_gets_no_more_requests_than_it_handles_and_outlives_those_that_are_late() {
    let (scene, answers) = three_at_once(2, Duration::from_secs(1), "meet").await;
    let count = |wanted: fn(&InvokeError) -> bool| {
        let failures = answers.iter().filter_map(|answer| answer.as_ref().err());
        failures.filter(|failure| wanted(failure)).count()
    };
    let throttled = count(|failure| matches!(failure, InvokeError::Throttled));
    let late = count(|failure| matches!(failure, InvokeError::TimedOut(_)));
    assert_eq!((throttled, late), (1, 2), "{answers:?}");
    let pid = scene.host.processes()[0].pid;
    let after = ask_until_free(&scene.host, "after").await.unwrap();
    assert_eq!(after["pid"], pid);
    scene.host.stop().await;
}

#[tokio::test]
async fn a_process_that_dies_fails_each_of_its_requests() {
    let (scene, answers) = three_at_once(3, Duration::from_secs(30), "meet and die").await;
    let crashed = |answer: &Result<_, _>| matches!(answer, Err(InvokeError::Crashed));
    assert!(answers.iter().all(crashed), "{answers:?}");
    let again = ask_until_free(&scene.host, "again").await;
    assert_eq!(again.unwrap()["echo"], "again");
    scene.host.stop().await;
}

#[tokio::test]
async fn a_function_that_cannot_start_is_one_clear_line() {
    let scene = scene();
    let mut options = echo(&scene);
    options.environment.push(("BROKEN".into(), "1".into()));
    let line = scene.host.add(options).await.unwrap_err().to_string();
    assert!(
        line.contains("echo") && line.contains("exit status: 1"),
        "{line}"
    );
    assert!(line.contains("DATABASE_URL is missing"), "{line}");
    scene.host.stop().await;
}
