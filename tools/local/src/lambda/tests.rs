//! The host against a function in Python: small, and everything it does is visible.

use std::os::unix::fs::PermissionsExt;

use super::*;

const FUNCTION: &str = r#"#!/usr/bin/env python3
import json, os, sys, time, urllib.request
api = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/"
if os.environ.get("BROKEN"):
    sys.exit("DATABASE_URL is missing")
def post(path, value):
    urllib.request.urlopen(urllib.request.Request(api + path, json.dumps(value).encode()))
while True:
    work = urllib.request.urlopen(api + "invocation/next")
    ident = work.headers["lambda-runtime-aws-request-id"]
    left = int(work.headers["lambda-runtime-deadline-ms"]) - time.time() * 1000
    event = json.load(work)
    if event == "die": os._exit(3)
    if event == "sleep": time.sleep(30)
    if event == "fail":
        post("invocation/" + ident + "/error", {"errorType": "E", "errorMessage": "no"})
        continue
    post("invocation/" + ident + "/response", {"echo": event, "left_ms": left})
"#;

struct Scene {
    host: Host,
    folder: PathBuf,
}

fn scene() -> Scene {
    let folder = tempfile::Builder::new()
        .prefix("holdfast-")
        .tempdir()
        .unwrap()
        .keep();
    let reaper = Arc::new(Reaper::start(&folder).unwrap());
    let waiting_max = Duration::from_millis(300);
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
        timeout,
    }
}

async fn ask(host: &Host, event: &str) -> Result<serde_json::Value, InvokeError> {
    let payload = serde_json::to_vec(event).unwrap();
    host.invoke("echo", payload)
        .await
        .map(|answer| serde_json::from_slice(&answer).unwrap())
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
    let again = loop {
        match ask(&scene.host, "again").await {
            Err(InvokeError::Throttled) => {}
            done => break done,
        }
    };
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
    let answered = loop {
        match ask(&scene.host, "after").await {
            Err(InvokeError::Throttled) => {}
            done => break done,
        }
    };
    assert!(answered.is_ok());
    assert_ne!(before, scene.host.processes());
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
