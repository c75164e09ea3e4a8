//! README.md and docs/tour.md do what they say. Their shell blocks run in one shell, from top to
//! bottom, against a stack of their own. Each answer has everything that the page shows below it;
//! the README may show none.

use std::process::Stdio;
use std::time::Duration;

use local::StackOptions;
use serde_json::{Deserializer, Value};
use tests::stack::{assert_promises_hold, binary_folder, owner, root, start, stop};
use tokio::process::Command;

/// The longest that a page may take.
const PAGE_MAX: Duration = Duration::from_secs(300);
/// Ends what a block prints; no answer has it.
const END_OF_BLOCK: &str = "==== end of block";

/// A shell block of a page, and the answers that the page shows below it.
struct Block {
    line: usize,
    shell: String,
    answers: String,
}

/// The shell blocks of a page, each with the `json` or `text` that stands right behind it.
fn blocks(page: &str) -> Vec<Block> {
    let mut found: Vec<Block> = Vec::new();
    let mut language = None;
    let mut answers_follow = false;
    for (number, line) in page.lines().enumerate() {
        match (language, line.strip_prefix("```")) {
            (None, Some(opened)) => {
                language = Some(opened);
                if opened == "sh" {
                    found.push(Block {
                        line: number + 1,
                        shell: String::new(),
                        answers: String::new(),
                    });
                }
            }
            (Some(closed), Some(_)) => {
                answers_follow = closed == "sh";
                language = None;
            }
            (None, None) => answers_follow &= line.is_empty(),
            (Some("sh"), None) => found.last_mut().unwrap().shell += &format!("{line}\n"),
            (Some(_), None) if answers_follow => {
                found.last_mut().unwrap().answers += &format!("{line}\n");
            }
            (Some(_), None) => {}
        }
    }
    found
}

/// Whether an answer has everything that the page shows. `…` stands for anything, and an answer may
/// have more fields.
fn shows(page: &Value, answer: &Value) -> bool {
    match (page, answer) {
        (Value::String(any), _) if any == "…" => true,
        (Value::String(page), Value::String(answer)) => line_fits(page, answer),
        (Value::Object(page), Value::Object(answer)) => page
            .iter()
            .all(|(key, value)| answer.get(key).is_some_and(|own| shows(value, own))),
        (Value::Array(page), Value::Array(answer)) => {
            page.len() == answer.len()
                && page.iter().zip(answer).all(|(page, own)| shows(page, own))
        }
        _ => page == answer,
    }
}

/// Whether a line has every part of the page's line between `…`, in order.
fn line_fits(page: &str, line: &str) -> bool {
    let mut rest = line;
    for part in page.split('…') {
        let Some((_, behind)) = rest.split_once(part) else {
            return false;
        };
        rest = behind;
    }
    page.contains('…') || page == line
}

/// The answers of a block: values of JSON, or else lines.
fn answers(text: &str) -> Vec<Value> {
    let values: Result<Vec<Value>, _> = Deserializer::from_str(text).into_iter().collect();
    values.unwrap_or_else(|_| text.lines().map(Value::from).collect())
}

/// Runs all blocks of a page in one shell; what each of them printed.
async fn run(stack: &local::Stack, blocks: &[Block]) -> Vec<String> {
    let mut script = String::from("set -euo pipefail\n");
    for block in blocks {
        script += &format!("{}echo '{END_OF_BLOCK}'\n", block.shell);
    }
    let path = format!(
        "{}:{}",
        binary_folder().display(),
        std::env::var("PATH").unwrap()
    );
    let mut shell = Command::new("bash");
    shell
        .args(["-c", &script])
        .current_dir(root())
        .env("PATH", path)
        .env("HOLDFAST_API", &stack.api_url)
        .env("HOLDFAST_WEBHOOK", &stack.webhook_url)
        .env("HOLDFAST_GATEWAYS", &stack.gateways_url)
        .env("HOLDFAST_ADMIN_TOKEN", &stack.admin_token)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let ended = tokio::time::timeout(PAGE_MAX, shell.output())
        .await
        .unwrap()
        .unwrap();
    let told = String::from_utf8(ended.stdout).unwrap();
    let mut printed: Vec<String> = told
        .split(&format!("{END_OF_BLOCK}\n"))
        .map(str::to_owned)
        .collect();
    let rest = printed.pop().unwrap();
    let line = blocks.get(printed.len()).map_or(0, |block| block.line);
    assert!(
        ended.status.success(),
        "the block at line {line} failed: {rest}{}",
        String::from_utf8_lossy(&ended.stderr)
    );
    printed
}

#[tokio::test(flavor = "multi_thread")]
async fn the_readme_and_the_tour_do_what_they_say() {
    let stack = start(StackOptions {
        sweep_every: Some(Duration::from_secs(1)),
        ..StackOptions::default()
    });
    for (page, blocks_min) in [("docs/tour.md", 20), ("README.md", 3)] {
        let text = std::fs::read_to_string(root().join(page)).unwrap();
        let blocks = blocks(&text);
        assert!(blocks.len() >= blocks_min, "{page}: {}", blocks.len());
        for (block, printed) in blocks.iter().zip(run(&stack, &blocks).await) {
            let (wanted, got) = (answers(&block.answers), answers(&printed));
            if page == "README.md" && wanted.is_empty() {
                continue;
            }
            let fits = wanted.len() == got.len()
                && wanted
                    .iter()
                    .zip(&got)
                    .all(|(wanted, got)| shows(wanted, got));
            assert!(
                fits,
                "{page}:{}: {:#?}\nbut the answers are\n{printed}",
                block.line, wanted
            );
        }
    }
    assert_promises_hold(&owner(&stack).await).await;
    stop(stack).await;
}
