//! The results as a page: goals first, then everything that was measured.

use std::fmt::Write;

use crate::bench::{
    goals::{self, mib},
    measure::Sample,
    requests::Counts,
    results::{Results, Row},
    tool::Tool,
    work::{Size, Step},
};

/// What stands above the tables.
pub(super) struct Heading {
    pub(super) command: String,
    pub(super) day: String,
    pub(super) store: String,
    pub(super) load: (String, String),
    pub(super) machine: Vec<String>,
    pub(super) versions: Vec<String>,
}

const HOW: &str = "\
- Each tool does the same work on folders and a store of its own, one after the other; in each run another begins.
  Before each step everything that waits to be written is written. After each step the result is checked: what the
  bucket lists after an upload, every byte after a download.
- Times and memory are medians of the timed runs, without anything between tool and store. CPU is user and system time
  of the tool alone. The store runs on the same cores and is part of every time on the clock.
- Downloads end when every file is safe on disk: S4 sees to that itself, after the others `sync -f` runs, whose time
  on the clock is theirs.
- Requests and bytes are those of one more run, with a proxy between that counts for all tools alike: whole bytes on
  the wire, heads included. Requests that carry content are PUT, copies within the store COPY, listings LIST.
- S4, rclone bisync and the original S4 look both ways; s5cmd, rclone sync and the AWS command line one way only.
- s5cmd runs with its defaults (256 workers), rclone with 32 transfers, 32 checkers and `--fast-list`, and with
  `--track-renames` where something was renamed; all are told to delete what is gone.
- The AWS command line and the original S4 are timed once, not counted, and left out of the largest tree and of
  renames, which they do by sending and fetching everything anew: they would need many minutes. Nothing is counted for
  the largest tree.
";

/// Returns the page.
pub(super) fn page(heading: &Heading, results: &Results, size: &Size) -> String {
    let mut page = String::from("# Benchmarks\n\n");
    let mut line = |text: &str| {
        page.push_str(text);
        page.push('\n');
    };
    line(&format!("Measured on {} by `{}`, which also wrote this page.\n", heading.day, heading.command));
    line(&format!("- store: {}", heading.store));
    for fact in heading.machine.iter().chain(&heading.versions) {
        line(&format!("- {fact}"));
    }
    line(&format!(
        "- load (1, 5, 15 minutes) before: {}; after: {}. Other work on the machine makes times longer; ratios \
         within one run are what counts.\n",
        heading.load.0, heading.load.1
    ));
    line("## Goals\n");
    line("| work | measure | S4 | best peer | ratio | goal | |");
    line("|---|---|---|---|---|---|---|");
    for goal in goals::lines(results, size) {
        line(&goal);
    }
    line("\n## How\n");
    line(HOW);
    line("## All figures");
    for step in Step::ALL {
        if results.tools(step).next().is_some() {
            line(&section(step, results, size));
        }
    }
    page.truncate(page.trim_end().len());
    page.push('\n');
    page
}

fn section(step: Step, results: &Results, size: &Size) -> String {
    let mut text = format!("\n### {}\n\n", step.title(size));
    text.push_str("| tool | runs | wall s | × best peer | CPU s | × best peer | peak MiB | requests | MiB up | MiB down |\n");
    text.push_str("|---|---|---|---|---|---|---|---|---|---|\n");
    let mut failures = String::new();
    for (tool, row) in results.tools(step) {
        let wall = with_ratio(step, row, results, |sample| sample.wall_seconds);
        let cpu = with_ratio(step, row, results, |sample| sample.cpu_seconds);
        let memory = row.median(|sample| sample.peak_mib).map_or("–".to_owned(), |mib| format!("{mib:.0}"));
        let moved = row.counts.as_ref().map_or("– | – | –".to_owned(), moved);
        let runs = row.runs();
        // Writing to a text cannot fail.
        let _ = writeln!(text, "| {} | {runs} | {wall} | {cpu} | {memory} | {moved} |", tool.name());
        if let Some(failure) = &row.failure {
            let _ = writeln!(failures, "\n{} failed: {failure}", tool.name());
        }
    }
    text.push_str(&failures);
    text.truncate(text.trim_end().len());
    text
}

fn with_ratio(step: Step, row: &Row, results: &Results, measure: fn(&Sample) -> f64) -> String {
    let peers: Vec<Tool> = Tool::ALL.into_iter().filter(|tool| *tool != Tool::S4).collect();
    let Some(value) = row.median(measure) else { return "– | –".to_owned() };
    match results.best_peer(step, &peers, measure) {
        Some((_, best)) => format!("{value:.2} | {:.2}", value / best),
        None => format!("{value:.2} | –"),
    }
}

fn moved(counts: &Counts) -> String {
    let kinds: Vec<String> = counts.requests.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    let kinds = if kinds.is_empty() { "0".to_owned() } else { kinds.join(", ") };
    format!("{kinds} | {:.1} | {:.1}", mib(counts.bytes_up), mib(counts.bytes_down))
}

#[cfg(test)]
mod tests {
    use super::{Heading, page};
    use crate::bench::{
        measure::Sample,
        results::Results,
        tool::Tool,
        work::{Size, Step},
    };

    #[test]
    fn page_tells_ratios_and_failures() {
        let mut results = Results::default();
        for (tool, seconds) in [(Tool::S4, 1.0), (Tool::S5cmd, 4.0)] {
            let sample = Sample { wall_seconds: seconds, cpu_seconds: seconds, peak_mib: 10.0 };
            results.row_mut(Step::Upload, tool).add(sample);
        }
        results.row_mut(Step::Upload, Tool::AwsCli).failure = Some("the result is wrong".to_owned());
        let heading = Heading {
            command: "cargo xtask bench".to_owned(),
            day: "2000-01-01".to_owned(),
            store: "a store".to_owned(),
            load: ("0".to_owned(), "1".to_owned()),
            machine: Vec::new(),
            versions: Vec::new(),
        };
        let page = page(&heading, &results, &Size::FULL);
        for part in [
            "| S4 | 1 | 1.00 | 0.25 | 1.00 | 0.25 | 10 | – | – | – |",
            "| s5cmd sync | 1 | 4.00 | 1.00 |",
            "aws s3 sync failed: the result is wrong",
            "wall | 1.00 s | 4.00 s (s5cmd sync) | 0.25 × | ≤ 0.3 × | reached |",
        ] {
            assert!(page.contains(part), "`{part}` is not in\n{page}");
        }
    }
}
