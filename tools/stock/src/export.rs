//! Exports: page after page, into a file that takes its name when it is complete.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};

use crate::api::Api;
use crate::args::{self, Format};

const PAGE_ROWS: usize = 5_000;

pub(crate) async fn run(args: &args::Export) -> Result<(), String> {
    let api = Api::new(&args.target)?;
    let format = Format::of(args.format, &args.out)?;
    let failed = |error: std::io::Error| format!("{}: {error}", args.out.display());
    let mut unfinished = args.out.clone().into_os_string();
    unfinished.push(".part");
    let mut out = BufWriter::new(File::create(&unfinished).map_err(failed)?);
    let mut after = String::new();
    let mut pages = 0_u32;
    loop {
        let path = format!("export?format={}&limit={PAGE_ROWS}{after}", format.name());
        let page = api.get(&path).await?;
        out.write_all(&page.body).map_err(failed)?;
        pages += 1;
        let Some(next) = page.next else { break };
        // A code has no character that a query would have to escape, but ':'.
        after = format!("&after={}", next.replace(':', "%3A"));
        if pages.is_multiple_of(20) {
            eprintln!("exporting: at {next}");
        }
    }
    out.into_inner()
        .map_err(|error| error.to_string())?
        .sync_all()
        .map_err(failed)?;
    fs::rename(&unfinished, &args.out).map_err(failed)?;
    println!("{}: written", args.out.display());
    Ok(())
}
