//! Imports: sends the missing parts, then has the API apply them step by step.

use std::fs::File;
use std::io::{BufReader, IsTerminal as _, Seek as _};
use std::time::{Duration, Instant};

use anstream::{eprint, eprintln, println};
use serde_json::json;
use uuid::Uuid;

use crate::api::{Api, Refused};
use crate::args::{self, Format};
use crate::cut::Cutter;
use crate::identity::Content;
use crate::report;
use crate::state::State;

/// How many imports of one file are searched for one that is not complete.
const RUNS_MAX: u32 = 1_000;
/// The longest rest after a part.
const REST_MAX: Duration = Duration::from_secs(5);

/// Returns whether every row was accepted.
pub(crate) async fn run(args: &args::Import) -> Result<bool, String> {
    let started = Instant::now();
    let api = Api::new(&args.target)?;
    let format = Format::of(args.format, &args.file)?;
    let failed = |error: std::io::Error| format!("{}: {error}", args.file.display());
    let mut file = File::open(&args.file).map_err(failed)?;
    let content = Content::of(&mut file, format).map_err(failed)?;
    let (id, known) = unfinished(&api, &content).await?;
    if args.dry_run && known.as_ref().is_some_and(State::is_closed) {
        return Err(format!(
            "import {id} is being applied: finish it before a dry run"
        ));
    }
    let parts = match &known {
        Some(known) if known.is_closed() => known.parts,
        known => {
            file.rewind().map_err(failed)?;
            let first = known.as_ref().map_or(1, |known| known.next_part);
            stage(&api, id, BufReader::new(file), format, first, args.pace).await?
        }
    };
    if parts == 0 {
        println!("{}: no rows", args.file.display());
        return Ok(true);
    }
    let state = apply(&api, id, parts, args).await?;
    report::summary(&api, id, &state, args, started.elapsed()).await?;
    if let Some(file) = &args.report {
        report::write(&api, id, file).await?;
        println!("  report: {}", file.display());
    }
    Ok(state.refused == 0)
}

async fn state(api: &Api, id: Uuid) -> Result<Option<State>, String> {
    match api.get(&format!("imports/{id}/report?limit=0")).await {
        Ok(answer) => answer.json().map(Some),
        Err(Refused::NotFound(_)) => Ok(None),
        Err(refused) => Err(refused.into()),
    }
}

/// The first import of this file that is not complete.
async fn unfinished(api: &Api, content: &Content) -> Result<(Uuid, Option<State>), String> {
    for run in 0..RUNS_MAX {
        let id = content.import_id(run);
        match state(api, id).await? {
            Some(state) if state.is_complete() => {}
            known => return Ok((id, known)),
        }
    }
    Err(format!(
        "this file was imported {RUNS_MAX} times: add an empty line to it"
    ))
}

/// On a terminal, writes over the line before. An empty text only goes back to the line's
/// beginning.
fn progress(text: &str) {
    if std::io::stderr().is_terminal() {
        eprint!("\r{text}");
    }
}

/// Sends the parts from `first_part` on. Returns how many the file has.
async fn stage(
    api: &Api,
    id: Uuid,
    file: BufReader<File>,
    format: Format,
    first_part: u32,
    pace: u32,
) -> Result<u32, String> {
    let mut cutter = Cutter::new(file, format)?;
    let mut parts = 0;
    let mut rows = 0;
    while let Some(part) = cutter.next_part()? {
        parts += 1;
        rows += part.rows;
        if parts < first_part {
            continue;
        }
        let path = format!("imports/{id}/parts/{parts}?first_line={}", part.first_line);
        let answer = api.put(&path, format.content_type(), &part.body).await?;
        progress(&format!("staged {rows} rows"));
        let rest = answer.took * (100 - pace) / pace;
        tokio::time::sleep(rest.min(REST_MAX)).await;
    }
    let noun = if parts == 1 { "part" } else { "parts" };
    progress("");
    eprintln!("staged {rows} rows, in {parts} {noun}");
    Ok(parts)
}

async fn apply(api: &Api, id: Uuid, parts: u32, args: &args::Import) -> Result<State, String> {
    let body = json!({
        "parts": parts, "mode": args.mode.name(), "dry_run": args.dry_run,
        "share_percent": args.pace,
    });
    let doing = if args.dry_run { "tried" } else { "applied" };
    loop {
        let answer = api.post(&format!("imports/{id}/apply"), &body).await?;
        let state: State = answer.json()?;
        let rows = state.created + state.changed + state.unchanged + state.refused;
        let far = format!("{doing} {rows} of {} rows", state.rows);
        if state.done {
            progress("");
            eprintln!("{far}");
            return Ok(state);
        }
        progress(&far);
    }
}
