//! The chart of a sale's minutes, as SVG. The server draws it, so it needs no script.

use operations::sale::Minute;

/// The chart's size in its own units.
const WIDTH: i64 = 720;
const HEIGHT: i64 = 200;
/// Room for the numbers of the axes.
const LEFT: i64 = 44;
const BOTTOM: i64 = 26;
const TOP: i64 = 12;

/// A bar: a rectangle in the chart's units.
pub(crate) struct Bar {
    pub(crate) x: i64,
    pub(crate) y: i64,
    pub(crate) width: i64,
    pub(crate) height: i64,
    /// Which number it shows: the end of its class.
    pub(crate) kind: &'static str,
}

/// A line of the grid, with its number.
pub(crate) struct Line {
    pub(crate) y: i64,
    pub(crate) label: i64,
}

/// A time below the chart.
pub(crate) struct Tick {
    pub(crate) x: i64,
    pub(crate) minute: Minute,
}

/// Everything that the template draws.
pub(crate) struct Chart {
    pub(crate) bars: Vec<Bar>,
    pub(crate) lines: Vec<Line>,
    pub(crate) ticks: Vec<Tick>,
    pub(crate) left: i64,
    pub(crate) width: i64,
    pub(crate) height: i64,
}

impl Chart {
    /// Three bars for each minute: checkouts that began, units sold, payments. The late payments
    /// are the upper part of the payments.
    pub(crate) fn of(minutes: &[Minute]) -> Self {
        let most = minutes
            .iter()
            .flat_map(|minute| [minute.grants, minute.sold, minute.payments])
            .max()
            .unwrap_or(0);
        let top = rounded_up(most);
        let floor = HEIGHT - BOTTOM;
        let high = |number: i64| number.clamp(0, top) * (floor - TOP) / top;
        let count = i64::try_from(minutes.len()).unwrap_or(1).max(1);
        let place = |nth: usize| LEFT + i64::try_from(nth).unwrap_or(0) * (WIDTH - LEFT) / count;
        let bar_width = ((WIDTH - LEFT) / count / 4).max(1);
        let mut bars = Vec::new();
        let mut ticks = Vec::new();
        for (nth, minute) in minutes.iter().enumerate() {
            let x = place(nth);
            let numbers = [
                ("grants", 0, minute.grants),
                ("sold", 1, minute.sold),
                ("payments", 2, minute.payments),
                ("late", 2, minute.late_payments),
            ];
            for (kind, column, number) in numbers {
                if number > 0 {
                    let height = high(number).max(1);
                    bars.push(Bar {
                        x: x + column * (bar_width + 1),
                        y: floor - height,
                        width: bar_width,
                        height,
                        kind,
                    });
                }
            }
            if nth % 5 == 0 {
                ticks.push(Tick { x, minute: *minute });
            }
        }
        let lines = [0, top / 2, top].map(|label| Line {
            y: floor - high(label),
            label,
        });
        Self {
            bars,
            lines: lines.into(),
            ticks,
            left: LEFT,
            width: WIDTH,
            height: HEIGHT,
        }
    }
}

/// The next even number of one digit and zeros: a person reads the half of it at a glance.
fn rounded_up(number: i64) -> i64 {
    let mut unit = 1;
    while number > unit * 10 {
        unit *= 10;
    }
    let steps = [2, 4, 6, 8, 10];
    let top = steps
        .iter()
        .map(|step| step * unit)
        .find(|top| number <= *top);
    top.unwrap_or(number).max(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axis_ends_at_a_number_that_people_read() {
        let ends = [
            (0, 2),
            (1, 2),
            (3, 4),
            (9, 10),
            (10, 10),
            (11, 20),
            (57, 60),
            (1999, 2000),
        ];
        for (number, end) in ends {
            assert_eq!(rounded_up(number), end, "{number}");
        }
    }

    #[test]
    fn no_bar_leaves_the_chart() {
        let at = "2026-12-24T06:30:00Z".parse().unwrap();
        let busy = Minute {
            at,
            grants: 9_999,
            sold: 1,
            payments: 30,
            late_payments: 30,
        };
        let chart = Chart::of(&[busy; 60]);
        assert_eq!(chart.bars.len(), 240);
        for bar in &chart.bars {
            assert!(bar.x >= LEFT && bar.x + bar.width <= WIDTH, "{}", bar.x);
            assert!(
                bar.y >= TOP && bar.y + bar.height == HEIGHT - BOTTOM,
                "{}",
                bar.y
            );
        }
        assert!(Chart::of(&[]).bars.is_empty());
    }
}
