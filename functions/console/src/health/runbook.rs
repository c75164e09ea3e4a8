//! One runbook of docs/runbooks.md, so that the person on call needs no other site.

use askama::Template;
use axum::extract::Path;
use holdfast_http::Problem;
use pulldown_cmark::{Event, LinkType, Options, Parser, Tag, TagEnd, html};

use crate::page::{Html, Page};
use crate::staff::Staff;

const ALL: &str = include_str!("../../../../docs/runbooks.md");

/// The page of a runbook.
#[derive(Template)]
#[template(path = "health/runbook.html")]
pub(crate) struct Runbook {
    page: Page,
    alarm: String,
    text: String,
}

/// The page.
pub(crate) async fn page(
    staff: Staff,
    Path((_, alarm)): Path<(String, String)>,
) -> Result<Html<Runbook>, Problem> {
    let section = section(&alarm).ok_or_else(|| Problem::not_found("runbook"))?;
    let folder = staff.page.path("health/runbook");
    Ok(Html(Runbook {
        text: html_of(section, &folder),
        page: staff.page,
        alarm,
    }))
}

/// The text below a heading.
fn section(alarm: &str) -> Option<&'static str> {
    let (_, rest) = ALL.split_once(&format!("\n## {alarm}\n"))?;
    Some(rest.split("\n## ").next().unwrap_or(rest))
}

/// The heading with this anchor.
fn heading(anchor: &str) -> Option<&'static str> {
    let mut headings = ALL.lines().filter_map(|line| line.strip_prefix("## "));
    headings.find(|heading| heading.to_lowercase() == anchor)
}

/// The text as HTML. A link to another runbook leads to its page; others lead out of these pages
/// and are shown as text.
fn html_of(text: &str, folder: &str) -> String {
    let mut inside = Vec::new();
    let events = Parser::new_ext(text, Options::empty()).filter_map(|event| match event {
        Event::Start(Tag::Link { dest_url, .. }) => {
            let other = dest_url.strip_prefix('#').and_then(heading);
            inside.push(other.is_some());
            other.map(|other| {
                Event::Start(Tag::Link {
                    link_type: LinkType::Inline,
                    dest_url: format!("{folder}/{other}").into(),
                    title: "".into(),
                    id: "".into(),
                })
            })
        }
        Event::End(TagEnd::Link) => inside.pop().unwrap_or(false).then_some(event),
        // our own document has none
        Event::Html(_) | Event::InlineHtml(_) => None,
        other => Some(other),
    });
    let mut shown = String::new();
    html::push_html(&mut shown, events);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runbook_links_to_others_and_to_nothing_else() {
        let text = section("PromiseBrokenAlarm").unwrap();
        let shown = html_of(text, "/console/dress/health/runbook");
        assert!(
            shown.contains("/console/dress/health/runbook/ParkedEventsAlarm"),
            "{shown}"
        );
        assert!(!shown.contains("operations.md"), "{shown}");
        assert!(section("NoAlarm").is_none());
    }

    #[test]
    fn every_fault_has_its_runbook() {
        let source = include_str!("fault.rs");
        let alarms = source.split('"').filter(|text| text.ends_with("Alarm"));
        for alarm in alarms {
            assert!(section(alarm).is_some(), "{alarm}");
        }
    }
}
