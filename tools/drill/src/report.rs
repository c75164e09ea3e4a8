//! The result of a run: as figures, and in the three forms in which it is shown.

mod figures;
mod gateways;
mod html;
mod svg;
mod terminal;

use std::io::Write as _;
use std::path::Path;

pub(crate) use figures::Report;
pub(crate) use terminal::terminal;

/// Writes `report.json` and `report.html`; says where.
pub(crate) fn write(report: &Report, out: &Path) -> std::io::Result<String> {
    std::fs::create_dir_all(out)?;
    let json = out.join("report.json");
    let html = out.join("report.html");
    let mut file = std::fs::File::create(&json)?;
    serde_json::to_writer_pretty(&mut file, report)?;
    file.write_all(b"\n")?;
    std::fs::write(&html, html::page(report))?;
    Ok(format!(
        "written: {} and {}",
        html.display(),
        json.display()
    ))
}
