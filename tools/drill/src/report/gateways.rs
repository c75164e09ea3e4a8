//! What became of the money at the simulated gateways, in figures and in the forms of a report.

use std::fmt::Write;

use serde::Serialize;

use super::html::escape;
use crate::books::{Books, End, Webhooks};

#[derive(Serialize)]
pub(crate) struct GatewayFigures {
    /// For how long the database was stopped.
    pub(crate) outage_s: f64,
    /// By name.
    pub(crate) at: Vec<OneGateway>,
}

#[derive(Serialize)]
pub(crate) struct OneGateway {
    pub(crate) gateway: String,
    /// Attempts to pay.
    pub(crate) attempts: usize,
    /// Of those, paid: the payments that must end.
    pub(crate) captures: usize,
    pub(crate) paid: usize,
    pub(crate) refunded: usize,
    pub(crate) owed: usize,
    pub(crate) unresolved: usize,
    pub(crate) refunds: usize,
    /// Events that the gateway told of, or should have.
    pub(crate) webhooks_written: u64,
    pub(crate) webhooks_lost: u64,
    pub(crate) webhooks_copies: u64,
    pub(crate) webhooks_arrived: u64,
    pub(crate) webhooks_given_up: u64,
}

const HEADS: [&str; 11] = [
    "attempts",
    "captured",
    "paid",
    "refunded",
    "owed",
    "unresolved",
    "refunds",
    "webhooks",
    "lost",
    "copies",
    "arrived",
];

impl GatewayFigures {
    pub(crate) fn new(books: &Books) -> Self {
        let mut names: Vec<&String> = books.world.payments.iter().map(|p| &p.gateway).collect();
        names.extend(books.world.webhooks.keys());
        names.sort();
        names.dedup();
        Self {
            outage_s: books.outage_s,
            at: names.into_iter().map(|name| one(books, name)).collect(),
        }
    }

    pub(crate) fn terminal(&self, out: &mut String) -> std::fmt::Result {
        write!(out, "  {:<9}", "gateway")?;
        HEADS
            .iter()
            .try_for_each(|head| write!(out, " {head:>10}"))?;
        for one in &self.at {
            write!(out, "\n  {:<9}", one.gateway)?;
            let cells = one.cells();
            cells
                .iter()
                .try_for_each(|cell| write!(out, " {cell:>10}"))?;
        }
        writeln!(
            out,
            "\n  the database was stopped for {:.1} s\n",
            self.outage_s
        )
    }

    pub(crate) fn html(&self) -> String {
        let head: String = HEADS
            .iter()
            .map(|head| format!("<th class=\"n\">{head}</th>"))
            .collect();
        let row = |one: &OneGateway| {
            let cells = one.cells();
            let cells = cells
                .iter()
                .map(|cell| format!("<td class=\"n\">{cell}</td>"));
            let name = escape(&one.gateway);
            format!("<tr><td>{name}</td>{}</tr>", cells.collect::<String>())
        };
        format!(
            "<h2>Payments at the gateways</h2>\n<div class=\"scroll\"><table>\
             <tr><th>gateway</th>{head}</tr>{}</table></div>\n\
             <p>The database was stopped for {:.1} s.</p>\n",
            self.at.iter().map(row).collect::<String>(),
            self.outage_s
        )
    }
}

impl OneGateway {
    fn cells(&self) -> [String; HEADS.len()] {
        [
            self.attempts.to_string(),
            self.captures.to_string(),
            self.paid.to_string(),
            self.refunded.to_string(),
            self.owed.to_string(),
            self.unresolved.to_string(),
            self.refunds.to_string(),
            self.webhooks_written.to_string(),
            self.webhooks_lost.to_string(),
            self.webhooks_copies.to_string(),
            self.webhooks_arrived.to_string(),
        ]
    }
}

fn one(books: &Books, name: &str) -> OneGateway {
    let ends: Vec<End> = books
        .captures()
        .filter(|(attempt, _)| attempt.gateway == name)
        .map(|(attempt, reference)| books.end(attempt, reference))
        .collect();
    let ended = |end| ends.iter().filter(|one| **one == end).count();
    let world = &books.world;
    let Webhooks {
        written,
        lost,
        copies,
        arrived,
        given_up,
    } = world.webhooks.get(name).copied().unwrap_or_default();
    OneGateway {
        gateway: name.to_owned(),
        attempts: world.payments.iter().filter(|p| p.gateway == name).count(),
        captures: ends.len(),
        paid: ended(End::Paid),
        refunded: ended(End::Refunded),
        owed: ended(End::Owed),
        unresolved: ended(End::None),
        refunds: world.refunds.iter().filter(|r| r.gateway == name).count(),
        webhooks_written: written,
        webhooks_lost: lost,
        webhooks_copies: copies,
        webhooks_arrived: arrived,
        webhooks_given_up: given_up,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_lists_every_key_of_a_gateway() {
        let mut books = Books::default();
        let webhooks = Webhooks::default();
        books.world.webhooks.insert("stripe".into(), webhooks);
        let figures = GatewayFigures::new(&books);
        let one = serde_json::to_value(&figures.at[0]).unwrap();
        let readme = include_str!("../../README.md");
        for key in one.as_object().unwrap().keys() {
            assert!(readme.contains(&format!("`{key}`")), "{key}");
        }
        assert!(readme.contains("`gateways`") && readme.contains("`outage_s`"));
    }
}
