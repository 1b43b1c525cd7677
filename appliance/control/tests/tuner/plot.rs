//! docs/tuning.svg: the day of the tests, drawn.

use std::fmt::Write;
use std::path::Path;

use crate::day::day;
use crate::machine::{Run, Step};

const WIDTH: f64 = 1000.0;
const LEFT: f64 = 150.0;
const TOP: f64 = 60.0;
const LANE: f64 = 90.0;
const GAP: f64 = 34.0;

/// A line of a lane: its name, colour and values.
type Line = (&'static str, &'static str, fn(&Step) -> u64);

const LOAD: &str = "#8a8f98";
const TUNED: &str = "#c2410c";

/// Lanes from top to bottom: what it is, and its lines.
const LANES: [(&str, &[Line]); 5] = [
    (
        "Connections",
        &[
            ("live", LOAD, |step| step.load.connections),
            ("fit into the flow cache", TUNED, |step| step.after.capacity),
        ],
    ),
    ("Events a second", &[("to tell", LOAD, |step| step.load.events)]),
    ("Event workers", &[("tasks", TUNED, |step| step.after.workers)]),
    ("Event buffers", &[("buffers", TUNED, |step| step.after.buffers)]),
    ("Event batch", &[("events", TUNED, |step| step.after.batch)]),
];

fn svg(run: &Run) -> String {
    let mut svg = String::new();
    draw(run, &mut svg).expect("text");
    svg
}

#[allow(clippy::cast_precision_loss, reason = "it is a drawing")]
fn draw(run: &Run, svg: &mut String) -> std::fmt::Result {
    let steps = &run.steps;
    let height = TOP + LANES.len() as f64 * (LANE + GAP) + 20.0;
    let right = WIDTH - 20.0;
    let x = |window: usize| LEFT + (right - LEFT) * window as f64 / steps.len() as f64;
    writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" \
         font-size=\"12\">"
    )?;
    writeln!(svg, "<title>What tuning did in a simulated day</title>")?;
    writeln!(
        svg,
        "<rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#ffffff\"/>"
    )?;
    let mut begin = 0;
    let mut dark = false;
    while begin < steps.len() {
        let phase = steps[begin].phase;
        let windows = steps[begin..]
            .iter()
            .take_while(|step| step.phase == phase)
            .count();
        let (from, to) = (x(begin), x(begin + windows));
        let fill = if dark { "#f3f4f6" } else { "#ffffff" };
        writeln!(
            svg,
            "<rect x=\"{from:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{fill}\"/>",
            TOP - 10.0,
            to - from,
            height - TOP
        )?;
        writeln!(
            svg,
            "<text x=\"{from:.1}\" y=\"{:.1}\" fill=\"#374151\" transform=\"rotate(-28 {from:.1} {:.1})\">{phase}</text>",
            TOP - 14.0,
            TOP - 14.0
        )?;
        begin += windows;
        dark = !dark;
    }
    for (number, (name, lines)) in LANES.iter().enumerate() {
        let top = TOP + number as f64 * (LANE + GAP);
        let most = steps
            .iter()
            .flat_map(|step| lines.iter().map(|(.., of)| of(step)))
            .max();
        let most = most.unwrap_or(1).max(1);
        let y = |value: u64| top + LANE - LANE * value as f64 / most as f64;
        writeln!(
            svg,
            "<text x=\"8\" y=\"{:.1}\" font-weight=\"bold\">{name}</text>",
            top + 14.0
        )?;
        for (place, (label, colour, _)) in lines.iter().enumerate() {
            let line = top + 32.0 + 16.0 * place as f64;
            writeln!(
                svg,
                "<text x=\"8\" y=\"{line:.1}\" fill=\"{colour}\">{label}</text>"
            )?;
        }
        writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#6b7280\" font-size=\"10\">{most}</text>",
            LEFT - 4.0,
            top + 9.0
        )?;
        writeln!(
            svg,
            "<path d=\"M{LEFT:.1} {0:.1}H{right:.1}\" stroke=\"#d1d5db\" fill=\"none\"/>",
            top + LANE
        )?;
        for (_, colour, of) in *lines {
            let mut path = format!("M{:.1} {:.1}", x(0), y(of(&steps[0])));
            let mut last = of(&steps[0]);
            for (window, step) in steps.iter().enumerate().skip(1) {
                let value = of(step);
                if value != last {
                    write!(path, "H{:.1}V{:.1}", x(window), y(value))?;
                    last = value;
                }
            }
            write!(path, "H{right:.1}")?;
            writeln!(
                svg,
                "<path d=\"{path}\" stroke=\"{colour}\" stroke-width=\"1.5\" fill=\"none\"/>"
            )?;
        }
    }
    writeln!(svg, "</svg>")
}

/// `cargo xtask tuning-plot` has it written.
#[test]
fn the_plot_in_the_documents_is_of_this_very_run() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/tuning.svg");
    let drawn = svg(&day(None));
    if std::env::var_os("RAVELIN_WRITE_PLOT").is_some() {
        std::fs::write(&path, drawn).expect("write the plot");
        return;
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        there == drawn,
        "docs/tuning.svg is stale: run cargo xtask tuning-plot"
    );
}
