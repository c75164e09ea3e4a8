//! Exports: page after page, into a file that gets its name when it is complete.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};

use anstream::{eprintln, println};

use crate::api::Api;
use crate::args::{self, Format};

const PAGE_ROWS: usize = 5_000;

pub(crate) async fn run(args: &args::Export) -> Result<(), String> {
    let api = Api::new(&args.target)?;
    let format = Format::of(args.format, &args.out)?;
    let failed = |error: std::io::Error| format!("{}: {error}", args.out.display());
    let mut unfinished = args.out.clone().into_os_string();
    unfinished.push(".part");
    let first = format!("export?format={}&limit={PAGE_ROWS}", format.name());
    // Before the file exists: a refusal leaves nothing behind.
    let mut page = api.get(&first).await?;
    let mut out = BufWriter::new(File::create(&unfinished).map_err(failed)?);
    let mut pages = 1_u32;
    loop {
        out.write_all(&page.body).map_err(failed)?;
        let Some(next) = page.next else { break };
        if pages.is_multiple_of(20) {
            eprintln!("exporting: {pages} pages written");
        }
        page = api.get(&format!("{first}&cursor={next}")).await?;
        pages += 1;
    }
    out.into_inner()
        .map_err(|error| error.to_string())?
        .sync_all()
        .map_err(failed)?;
    fs::rename(&unfinished, &args.out).map_err(failed)?;
    println!("{}: written", args.out.display());
    Ok(())
}
