//! The geometry of the charts. The template draws them as SVG, with the colours of the page's
//! style, so they follow light and dark.

use std::fmt::Write as _;

use super::figures::{Bar, CallFigures, Point, ShopperFigures, Timeline};

/// The width of every chart.
const WIDTH: f64 = 720.0;

/// Coordinates with one decimal are exact enough and short.
fn tenth(x: f64) -> f64 {
    (x * 10.0).round() / 10.0
}

/// Sold, held and available units over time, one upon the other, and a line at the stock.
pub(super) struct StockChart {
    /// Colour and path, the highest first: the next one covers its lower part.
    pub(super) layers: [(&'static str, String); 3],
    /// Units, with the y of their label.
    pub(super) units: Vec<(f64, f64)>,
    /// Seconds, with the x of their label.
    pub(super) seconds: Vec<(f64, f64)>,
    /// The y of the line.
    pub(super) limit: f64,
}

impl StockChart {
    pub(super) fn new(timeline: &Timeline, stock: i64) -> Self {
        const LEFT: f64 = 40.0;
        const TOP: f64 = 22.0;
        const BOTTOM: f64 = 268.0;
        let points = &timeline.points;
        let all = |point: &Point| point.sold + point.held + point.available.max(0);
        let most = points.iter().map(all).max().unwrap_or(0).max(stock).max(1) as f64;
        let until = last_change(points) * 1.06 + 0.2;
        let x = |at: f64| tenth(LEFT + (WIDTH - LEFT - 8.0) * (at / until).min(1.0));
        let y = |units: f64| tenth(BOTTOM - (BOTTOM - TOP) * units / most);
        let layer = |height: fn(&Point) -> i64| {
            let first = points.first().map_or(0, height);
            let mut path = format!("M{} {}V{}", x(0.0), y(0.0), y(first as f64));
            for point in points {
                // Writing to a String can't fail.
                let _ = write!(path, "H{}V{}", x(point.at_s), y(height(point) as f64));
            }
            path + &format!("H{}V{}Z", x(until), y(0.0))
        };
        let units = ticks(most, 5.0).filter(|units| units.fract() == 0.0);
        Self {
            layers: [
                ("free", layer(all)),
                ("held", layer(|point| point.sold + point.held)),
                ("sold", layer(|point| point.sold)),
            ],
            units: units.map(|units| (units, y(units) + 4.0)).collect(),
            seconds: ticks(until, 10.0).map(|at| (at, x(at))).collect(),
            limit: y(stock as f64),
        }
    }
}

/// A long wait without any change at the end is left out.
fn last_change(points: &[Point]) -> f64 {
    let counts = |point: &Point| (point.sold, point.held, point.available);
    let mut pairs = points.windows(2).rev();
    let changed = pairs.find(|pair| counts(&pair[0]) != counts(&pair[1]));
    changed.map_or(1.0, |pair| pair[1].at_s)
}

/// Zero, and at most `at_most` round numbers up to `most`.
fn ticks(most: f64, at_most: f64) -> impl Iterator<Item = f64> {
    let power = 10_f64.powf((most / at_most).log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * power);
    let step = steps.into_iter().find(|step| step * at_most >= most);
    let step = step.unwrap_or(most);
    let ticks = (0..).map(move |n| tenth(f64::from(n) * step));
    ticks.take_while(move |tick| *tick <= most)
}

/// A square for every shopper, in order of arrival.
pub(super) struct ShopperChart<'a> {
    /// The side of a square.
    pub(super) side: f64,
    pub(super) height: f64,
    /// x, y and the shopper.
    pub(super) squares: Vec<(f64, f64, &'a ShopperFigures)>,
}

impl<'a> ShopperChart<'a> {
    pub(super) fn new(shoppers: &'a [ShopperFigures]) -> Self {
        // About three times as wide as high.
        let mut columns = (20..).filter(|columns| columns * columns >= shoppers.len() * 3);
        let columns = columns.next().unwrap_or(20);
        let cell = WIDTH / columns as f64;
        let square = |(place, shopper)| {
            let (x, y) = (place % columns, place / columns);
            (tenth(x as f64 * cell), tenth(y as f64 * cell), shopper)
        };
        Self {
            side: tenth(cell * 0.82),
            height: tenth(shoppers.len().div_ceil(columns) as f64 * cell),
            squares: shoppers.iter().enumerate().map(square).collect(),
        }
    }
}

/// The latencies of each call, a row each, on a logarithmic scale.
pub(super) struct LatencyChart<'a> {
    /// Milliseconds as text, with their x.
    pub(super) scale: Vec<(String, f64)>,
    /// The y below the last row.
    pub(super) foot: f64,
    pub(super) rows: Vec<LatencyRow<'a>>,
}

pub(super) struct LatencyRow<'a> {
    pub(super) call: &'a CallFigures,
    /// The y on which the bars stand.
    pub(super) base: f64,
    pub(super) bars: Vec<BarShape<'a>>,
    /// The x of p50, p95 and p99.
    pub(super) marks: [f64; 3],
}

pub(super) struct BarShape<'a> {
    pub(super) bar: &'a Bar,
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl<'a> LatencyChart<'a> {
    pub(super) fn new(calls: &'a [CallFigures]) -> Self {
        const LEFT: f64 = 106.0;
        const RIGHT: f64 = 560.0;
        const ROW: f64 = 52.0;
        let calls: Vec<&CallFigures> = calls.iter().filter(|call| call.answers > 0).collect();
        let bars = || calls.iter().flat_map(|call| &call.histogram);
        let least = bars().map(|bar| bar.from_ms).fold(f64::INFINITY, f64::min);
        let most = bars().map(|bar| bar.to_ms).fold(0.0, f64::max);
        let first = least.log10().floor();
        let last = most.log10().ceil().max(first + 1.0);
        let x = |ms: f64| {
            let share = (ms.log10() - first) / (last - first);
            tenth(LEFT + (RIGHT - LEFT) * share.clamp(0.0, 1.0))
        };
        let row = |(n, call): (usize, &&'a CallFigures)| {
            let base = n as f64 * ROW + ROW + 12.0;
            let tallest = call.histogram.iter().map(|bar| bar.answers).max();
            let tallest = tallest.unwrap_or(1) as f64;
            let shape = |bar: &'a Bar| {
                let height = tenth((ROW - 14.0) * bar.answers as f64 / tallest);
                let (from, to) = (x(bar.from_ms), x(bar.to_ms));
                BarShape {
                    bar,
                    x: from,
                    y: tenth(base - height),
                    width: tenth((to - from - 0.8).max(0.5)),
                    height,
                }
            };
            let latency = call.latency_ms;
            LatencyRow {
                call,
                base,
                bars: call.histogram.iter().map(shape).collect(),
                marks: [latency.p50, latency.p95, latency.p99].map(x),
            }
        };
        let decades = (-2..6).map(f64::from);
        let decades = decades.filter(|decade| (first..=last).contains(decade));
        let label = |ms: f64| match ms {
            ms if ms >= 1_000.0 => format!("{} s", ms / 1_000.0),
            ms => format!("{ms} ms"),
        };
        let decades = decades.map(|decade| 10_f64.powf(decade));
        Self {
            scale: decades.map(|ms| (label(ms), x(ms))).collect(),
            foot: ROW * calls.len() as f64 + 18.0,
            rows: calls.iter().enumerate().map(row).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_has_few_round_ticks() {
        let all = |most, at_most| ticks(most, at_most).collect::<Vec<f64>>();
        assert_eq!(all(100.0, 5.0), [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
        assert_eq!(all(3.0, 5.0), [0.0, 1.0, 2.0, 3.0]);
        assert_eq!(all(15.0, 10.0)[1], 2.0);
    }

    #[test]
    fn a_long_wait_at_the_end_is_left_out() {
        let point = |at_s, sold| Point {
            at_s,
            sold,
            held: 0,
            available: 0,
        };
        let points = [point(0.0, 0), point(2.0, 5), point(60.0, 5)];
        assert!((last_change(&points) - 2.0).abs() < f64::EPSILON);
    }
}
