//! The plots, written as SVG by hand: colours come from the page's style, so they follow light and
//! dark, and every mark is chosen.

use std::fmt::Write as _;

use super::figures::{CallFigures, Point, ShopperFigures, Timeline};
use super::html::escape;

const WIDTH: f64 = 720.0;

/// Sold, held and available units over time, one upon the other, and a line at `stock`.
pub(super) fn stock(timeline: &Timeline, stock: i64, line: &str) -> String {
    const LEFT: f64 = 40.0;
    const TOP: f64 = 22.0;
    const BOTTOM: f64 = 268.0;
    let until = last_change(&timeline.points) * 1.06 + 0.2;
    let most = timeline
        .points
        .iter()
        .map(|p| p.sold + p.held + p.available.max(0))
        .max();
    let most = most.unwrap_or(0).max(stock).max(1);
    let x = |at: f64| LEFT + (WIDTH - LEFT - 8.0) * (at / until).min(1.0);
    let y = |units: i64| BOTTOM - (BOTTOM - TOP) * units as f64 / most as f64;
    let mut svg = format!(
        "<svg class=\"wide\" viewBox=\"0 0 {WIDTH} 310\" role=\"img\" \
         aria-label=\"Units sold, held and available over time\">"
    );
    for layer in ["free", "held", "sold"] {
        let height = |point: &Point| match layer {
            "free" => point.sold + point.held + point.available.max(0),
            "held" => point.sold + point.held,
            _ => point.sold,
        };
        let first = timeline.points.first().map_or(0, height);
        let mut path = format!("M{:.1} {:.1}V{:.1}", x(0.0), y(0), y(first));
        for point in &timeline.points {
            let _ = write!(path, "H{:.1}V{:.1}", x(point.at_s), y(height(point)));
        }
        let _ = write!(path, "H{:.1}V{:.1}Z", x(until), y(0));
        let _ = write!(svg, "<path style=\"fill:var(--{layer})\" d=\"{path}\"/>");
    }
    for units in ticks(most) {
        let at = y(units);
        let _ = write!(
            svg,
            "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{units}</text>",
            LEFT - 8.0,
            at + 4.0
        );
    }
    let _ = write!(
        svg,
        "<line class=\"limit\" x1=\"{LEFT}\" x2=\"{}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
         <text class=\"strong\" x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{stock} units: \
         {line}</text>",
        WIDTH - 8.0,
        WIDTH - 8.0,
        y(stock) - 7.0,
        y = y(stock)
    );
    let step = time_step(until);
    for tick in (0..)
        .map(|n| f64::from(n) * step)
        .take_while(|at| *at <= until)
    {
        let _ = write!(
            svg,
            "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{tick}</text>",
            x(tick),
            BOTTOM + 18.0
        );
    }
    let _ = write!(
        svg,
        "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">seconds since the start</text>\
         </svg>",
        f64::midpoint(LEFT, WIDTH),
        BOTTOM + 36.0
    );
    svg
}

/// When the last change happened: a long wait without any says nothing.
fn last_change(points: &[Point]) -> f64 {
    let mut changed = points.windows(2).filter_map(|pair| {
        let [before, now] = pair else { return None };
        let same = Point {
            at_s: before.at_s,
            ..*now
        } == *before;
        (!same).then_some(now.at_s)
    });
    changed.next_back().unwrap_or(1.0)
}

/// Four or five round numbers up to the most.
fn ticks(most: i64) -> Vec<i64> {
    let step = [
        1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1_000, 2_000, 5_000, 10_000,
    ]
    .into_iter()
    .find(|step| most <= step * 5)
    .unwrap_or(most);
    (0..=most / step).map(|n| n * step).collect()
}

fn time_step(until: f64) -> f64 {
    let steps = [0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0];
    steps
        .into_iter()
        .find(|step| until / step <= 12.0)
        .unwrap_or(600.0)
}

/// A square for every shopper, in order of arrival, coloured by outcome.
pub(super) fn shoppers(shoppers: &[ShopperFigures]) -> String {
    // about three times as wide as high
    let columns = (1..)
        .find(|columns| columns * columns >= shoppers.len() * 3)
        .unwrap_or(1);
    let columns = columns.max(20);
    let cell = WIDTH / columns as f64;
    let size = cell * 0.82;
    let height = shoppers.len().div_ceil(columns) as f64 * cell;
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {height:.1}\" role=\"img\" \
         aria-label=\"The outcome of every shopper\">"
    );
    for (place, shopper) in shoppers.iter().enumerate() {
        let outcome = name_of(&shopper.outcome);
        let _ = write!(
            svg,
            "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{size:.1}\" height=\"{size:.1}\" \
             rx=\"{:.1}\" style=\"fill:var(--{outcome})\"><title>Shopper {}: {}. Planned: {}. \
             Arrived at {:.2} s, {}, last answer in {:.0} ms.</title></rect>",
            (place % columns) as f64 * cell,
            (place / columns) as f64 * cell,
            size * 0.2,
            shopper.number,
            shopper.outcome.title(),
            name_of(&shopper.planned).replace('_', " "),
            shopper.arrived_s,
            match shopper.tries {
                1 => "1 try".to_owned(),
                tries => format!("{tries} tries"),
            },
            shopper.begin_ms,
        );
    }
    svg.push_str("</svg>");
    svg
}

/// The name under which a value stands in the JSON.
pub(super) fn name_of(value: &impl serde::Serialize) -> String {
    let json = serde_json::to_value(value).unwrap_or_default();
    json.as_str().unwrap_or_default().to_owned()
}

/// One row for each call: how many answers took how long, on a logarithmic scale.
pub(super) fn latencies(calls: &[&CallFigures]) -> String {
    const LEFT: f64 = 106.0;
    const RIGHT: f64 = 560.0;
    const ROW: f64 = 52.0;
    let bars = || calls.iter().flat_map(|call| &call.histogram);
    let least = bars().map(|bar| bar.from_ms).fold(f64::INFINITY, f64::min);
    let most = bars().map(|bar| bar.to_ms).fold(0.0, f64::max);
    let (first, last) = (
        least.log10().floor(),
        most.log10().ceil().max(least.log10().floor() + 1.0),
    );
    let x =
        |ms: f64| LEFT + (RIGHT - LEFT) * ((ms.log10() - first) / (last - first)).clamp(0.0, 1.0);
    let foot = ROW * calls.len() as f64 + 18.0;
    let mut svg = format!(
        "<svg class=\"wide\" viewBox=\"0 0 {WIDTH} {:.0}\" role=\"img\" \
         aria-label=\"Latency of each call\"><text x=\"{}\" y=\"11\">p50 / p95 / p99, ms</text>",
        foot + 36.0,
        RIGHT + 14.0
    );
    let mut decade = first;
    while decade <= last {
        let (at, ms) = (x(10_f64.powf(decade)), 10_f64.powf(decade));
        let label = if ms >= 1_000.0 {
            format!("{} s", ms / 1_000.0)
        } else {
            format!("{ms} ms")
        };
        let _ = write!(
            svg,
            "<line class=\"grid\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"16\" y2=\"{foot}\"/>\
             <text x=\"{at:.1}\" y=\"{:.0}\" text-anchor=\"middle\">{label}</text>",
            foot + 18.0
        );
        decade += 1.0;
    }
    for (row, call) in calls.iter().enumerate() {
        latency_row(
            &mut svg,
            call,
            row as f64 * ROW + 18.0,
            ROW,
            &x,
            RIGHT + 14.0,
        );
    }
    svg.push_str("</svg>");
    svg
}

fn latency_row(
    svg: &mut String,
    call: &CallFigures,
    top: f64,
    row: f64,
    x: &impl Fn(f64) -> f64,
    right: f64,
) {
    let base = top + row - 6.0;
    let tallest = call
        .histogram
        .iter()
        .map(|bar| bar.answers)
        .max()
        .unwrap_or(1);
    let _ = write!(
        svg,
        "<text class=\"strong\" x=\"0\" y=\"{:.1}\">{}</text>\
         <text x=\"0\" y=\"{:.1}\">{} answers</text>",
        base - 18.0,
        escape(call.call),
        base - 3.0,
        call.answers
    );
    for bar in &call.histogram {
        let height = (row - 14.0) * bar.answers as f64 / tallest as f64;
        let (from, to) = (x(bar.from_ms), x(bar.to_ms));
        let _ = write!(
            svg,
            "<rect class=\"bar\" x=\"{from:.1}\" y=\"{:.1}\" width=\"{:.1}\" \
             height=\"{height:.1}\"><title>{} answers in {:.1} to {:.1} ms</title></rect>",
            base - height,
            (to - from - 0.8).max(0.5),
            bar.answers,
            bar.from_ms,
            bar.to_ms
        );
    }
    for quantile in [call.p50_ms, call.p95_ms, call.p99_ms] {
        let at = x(quantile);
        let _ = write!(
            svg,
            "<line class=\"mark\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{:.1}\" y2=\"{:.1}\"/>",
            base,
            base + 5.0
        );
    }
    let _ = write!(
        svg,
        "<text class=\"strong\" x=\"{right}\" y=\"{:.1}\">{} / {} / {}</text>",
        base - 10.0,
        super::html::ms(call.p50_ms),
        super::html::ms(call.p95_ms),
        super::html::ms(call.p99_ms)
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axis_has_few_round_ticks() {
        assert_eq!(ticks(100), [0, 20, 40, 60, 80, 100]);
        assert_eq!(ticks(3), [0, 1, 2, 3]);
        assert!((time_step(15.0) - 2.0).abs() < f64::EPSILON);
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
