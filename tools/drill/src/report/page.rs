//! The two templates: `report.html`, one file without any other, readable on a phone; and the
//! summary for the terminal.

use askama::Template;

use super::charts::{LatencyChart, ShopperChart, StockChart};
use super::figures::{Report, StockFigures};
use super::filters;
use crate::meters::Call;
use crate::promises::PromiseResult;

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    report: &'a Report,
    stock_chart: StockChart,
    shopper_chart: ShopperChart<'a>,
    latency_chart: LatencyChart<'a>,
}

#[derive(Template)]
#[template(path = "summary.txt")]
struct Summary<'a> {
    report: &'a Report,
}

pub(super) fn summary(report: &Report) -> Result<String, String> {
    let summary = Summary { report };
    summary.render().map_err(|error| error.to_string())
}

pub(super) fn html(report: &Report) -> Result<String, String> {
    let page = Page {
        report,
        stock_chart: StockChart::new(&report.timeline, report.arguments.units.into()),
        shopper_chart: ShopperChart::new(&report.shoppers),
        latency_chart: LatencyChart::new(&report.calls),
    };
    page.render().map_err(|error| error.to_string())
}

impl Page<'_> {
    /// The hot sku.
    fn hot(&self) -> Option<&StockFigures> {
        self.report.stock.first()
    }

    fn gone(&self) -> i64 {
        self.hot().map_or(0, |stock| stock.sold + stock.held)
    }

    /// The units at the start, and those that staff brought.
    fn supply(&self) -> i64 {
        let brought = self.hot().map_or(0, |stock| stock.brought);
        i64::from(self.report.arguments.units) + brought
    }

    fn oversold(&self) -> i64 {
        (self.gone() - self.supply()).max(0)
    }

    fn begin_ms(&self) -> f64 {
        let mut calls = self.report.calls.iter();
        let begin = calls.find(|call| call.call == Call::Begin);
        begin.map_or(0.0, |begin| begin.latency_ms.p99)
    }

    fn promises(&self, numbered: bool) -> impl Iterator<Item = &PromiseResult> {
        let promises = self.report.promises.iter();
        promises.filter(move |promise| promise.number.is_some() == numbered)
    }
}
