//! The result of a run: its figures as `report.json`, a page of them as `report.html`, and a
//! summary for the terminal.

mod charts;
mod figures;
mod filters;
mod page;

use crate::args::Args;
use crate::timetable::Run;
use figures::Report;

/// Writes both files. Returns the summary, and whether no promise failed.
pub(crate) fn write(args: &Args, run: &Run) -> Result<(String, bool), String> {
    let report = Report::new(args, run);
    let (json, html) = (args.out.join("report.json"), args.out.join("report.html"));
    let failed = |error: std::io::Error| format!("{}: {error}", args.out.display());
    std::fs::create_dir_all(&args.out).map_err(failed)?;
    let figures = serde_json::to_string_pretty(&report).map_err(|error| error.to_string())?;
    std::fs::write(&json, figures + "\n").map_err(failed)?;
    std::fs::write(&html, page::html(&report)?).map_err(failed)?;
    let summary = page::summary(&report)?;
    let files = format!("written: {} and {}", html.display(), json.display());
    Ok((format!("{summary}\n{files}"), report.passed))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use clap::Parser as _;
    use simulator::cashfree::webhook::Kind;

    use super::*;
    use crate::api::Api;
    use crate::examples::{action, checkout, order, sale, webhook, when, with_staff};
    use crate::history::ActionEnd;
    use crate::meters::Call;
    use crate::records::{Records, Webhooks};

    /// A report of a small run that has everything.
    fn report() -> Report {
        let args =
            "drill --api http://a --webhook http://w --webhook-secret s --hot-sku A --units 2";
        let args = Args::parse_from(args.split(' '));
        let paid = vec![
            checkout(1, 1, &[("A", 1)], when(0, 10), 60_000),
            webhook(1, Kind::Paid, when(40, 50)),
            order(1, "paid", &[("A", 1)], when(60, 70)),
        ];
        let edit = action("A", 1, when(0, 5), ActionEnd::Done);
        let mut history = with_staff(sale(2, 0, vec![paid]), edit);
        if let Some(sku) = history.before.get_mut("A") {
            sku.title = "<b>\"A\" & B".into();
        }
        let mut records = Records::default();
        let stripe = ("stripe".to_owned(), Webhooks::default());
        records.gateways.webhooks = [stripe].into();
        history.records = Some(records);
        let api = Arc::new(Api::new(&args).unwrap());
        api.meters.answered(Call::Begin, Duration::from_millis(10));
        let run = Run {
            history,
            api,
            run_id: "test".into(),
            second_calls: 0,
            lag: Duration::ZERO,
        };
        Report::new(&args, &run)
    }

    #[test]
    fn the_readme_lists_every_key() {
        let report = report();
        assert!(report.staff.is_some() && report.gateways.is_some() && report.passed);
        let json = serde_json::to_string_pretty(&report).unwrap();
        // A line of the JSON begins with its key.
        let keys = json
            .lines()
            .filter_map(|line| line.trim().strip_prefix('"')?.split_once("\": "));
        for (key, _) in keys {
            let readme = include_str!("../README.md");
            assert!(readme.contains(&format!("`{key}")), "{key}");
        }
    }

    #[test]
    fn the_page_loads_nothing_and_a_title_cannot_break_it() {
        let page = page::html(&report()).unwrap();
        for outside in ["http://", "https://", "src=", "<b>\"A\" & B"] {
            assert!(!page.contains(outside), "{outside}");
        }
        assert!(page.contains("500 shoppers, 1 units: 1 sold or held, none twice."));
    }

    #[test]
    fn the_summary_says_how_the_run_ended() {
        let summary = page::summary(&report()).unwrap();
        assert!(summary.contains("  1 paid\n"), "{summary}");
        assert!(summary.contains("\nNo check failed, "), "{summary}");
    }
}
