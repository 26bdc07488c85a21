//! What S4 is to reach, and whether it did: ratios to the best peer of the same run, and a few absolute bounds.

use crate::bench::{
    measure::Sample,
    requests::Kind,
    results::{Results, Row},
    tool::Tool,
    work::{Size, Step},
};

const PEERS: [Tool; 5] = [Tool::S5cmd, Tool::RcloneSync, Tool::RcloneBisync, Tool::AwsCli, Tool::OriginalS4];

/// Something to reach.
struct Goal {
    step: Step,
    what: What,
    peers: &'static [Tool],
}

/// What is compared with what.
#[derive(Clone, Copy)]
enum What {
    /// At most this share of the best peer's time on the clock.
    Wall(f64),
    /// At most this share of the best peer's CPU time.
    Cpu(f64),
    PeakMib(f64),
    /// Seconds on the clock.
    Seconds(f64),
    /// MiB over the wire, heads included.
    MibUp(f64),
    MibDown(f64),
    /// No content is sent.
    NoContentUp,
    /// No object is fetched.
    NoContentDown,
}

const GOALS: [Goal; 21] = [
    Goal { step: Step::Upload, what: What::Cpu(0.15), peers: &PEERS },
    Goal { step: Step::Upload, what: What::Wall(0.3), peers: &PEERS },
    Goal { step: Step::Download, what: What::Cpu(0.2), peers: &PEERS },
    Goal { step: Step::Download, what: What::Wall(0.3), peers: &PEERS },
    Goal { step: Step::Check, what: What::Wall(0.3), peers: &[Tool::S5cmd] },
    Goal { step: Step::RenameUp, what: What::NoContentUp, peers: &[] },
    Goal { step: Step::RenameDown, what: What::NoContentDown, peers: &[] },
    Goal { step: Step::LargeUp, what: What::Wall(1.0), peers: &PEERS },
    Goal { step: Step::LargeDown, what: What::Wall(1.0), peers: &PEERS },
    Goal { step: Step::EditUp, what: What::MibUp(32.0), peers: &[] },
    Goal { step: Step::EditUp, what: What::Wall(0.4), peers: &PEERS },
    Goal { step: Step::EditDown, what: What::MibDown(32.0), peers: &[] },
    Goal { step: Step::EditDown, what: What::Wall(0.8), peers: &PEERS },
    Goal { step: Step::InsertUp, what: What::MibUp(32.0), peers: &[] },
    Goal { step: Step::InsertUp, what: What::Wall(0.4), peers: &PEERS },
    Goal { step: Step::InsertDown, what: What::MibDown(32.0), peers: &[] },
    Goal { step: Step::InsertDown, what: What::Wall(0.8), peers: &PEERS },
    Goal { step: Step::ManyCheck, what: What::Wall(0.2), peers: &[Tool::S5cmd] },
    Goal { step: Step::ManyCheck, what: What::PeakMib(100.0), peers: &[] },
    Goal { step: Step::MillionCheck, what: What::Seconds(10.0), peers: &[] },
    Goal { step: Step::MillionCheck, what: What::PeakMib(256.0), peers: &[] },
];

/// Returns a line for each goal whose step was measured.
pub(super) fn lines(results: &Results, size: &Size) -> Vec<String> {
    GOALS.iter().filter_map(|goal| goal.line(results, size)).collect()
}

impl Goal {
    fn line(&self, results: &Results, size: &Size) -> Option<String> {
        let s4 = results.row(self.step, Tool::S4)?;
        let title = self.step.title(size);
        let outcome = match self.what {
            What::Wall(share) => self.share(results, s4, ("wall", "s"), share, |sample| sample.wall_seconds),
            What::Cpu(share) => self.share(results, s4, ("CPU", "s"), share, |sample| sample.cpu_seconds),
            What::PeakMib(bound) => {
                s4.median(|sample| sample.peak_mib).map(|value| at_most("peak memory", value, bound))
            }
            What::Seconds(bound) => s4.median(|sample| sample.wall_seconds).map(|value| {
                format!("wall | {value:.2} s | – | – | ≤ {bound} s | {}", verdict(value <= bound))
            }),
            What::MibUp(bound) => {
                s4.counts.as_ref().map(|counts| at_most("sent", mib(counts.bytes_up), bound))
            }
            What::MibDown(bound) => {
                s4.counts.as_ref().map(|counts| at_most("got", mib(counts.bytes_down), bound))
            }
            What::NoContentUp => {
                s4.counts.as_ref().map(|counts| at_most("content sent", mib(counts.content_up), 0.0))
            }
            What::NoContentDown => {
                s4.counts.as_ref().map(|counts| none("objects fetched", counts.of(Kind::Get)))
            }
        };
        Some(outcome.map_or_else(
            || format!("| {title} | – | – | – | – | – | **not measured** |"),
            |cells| format!("| {title} | {cells} |"),
        ))
    }

    /// Tells S4's share of what the best peer needed.
    fn share(
        &self,
        results: &Results,
        s4: &Row,
        (name, unit): (&str, &str),
        goal: f64,
        measure: fn(&Sample) -> f64,
    ) -> Option<String> {
        let ours = s4.median(measure)?;
        let (peer, theirs) = results.best_peer(self.step, self.peers, measure)?;
        let ratio = ours / theirs;
        Some(format!(
            "{name} | {ours:.2} {unit} | {theirs:.2} {unit} ({}) | {ratio:.2} × | ≤ {goal} × | {}",
            peer.name(),
            verdict(ratio <= goal)
        ))
    }
}

fn at_most(name: &str, value: f64, bound: f64) -> String {
    format!("{name} | {value:.1} MiB | – | – | ≤ {bound} MiB | {}", verdict(value <= bound))
}

fn none(name: &str, count: u64) -> String {
    format!("{name} | {count} | – | – | 0 | {}", verdict(count == 0))
}

fn verdict(is_reached: bool) -> &'static str {
    if is_reached { "reached" } else { "**missed**" }
}

/// Bytes as MiB, for people.
#[expect(clippy::cast_precision_loss, reason = "shown with one digit")]
pub(super) fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

#[cfg(test)]
mod tests {
    use super::lines;
    use crate::bench::{
        measure::Sample,
        results::Results,
        tool::Tool,
        work::{Size, Step},
    };

    #[test]
    fn goals_are_reached_missed_or_not_measured() {
        let mut results = Results::default();
        for (tool, seconds) in [(Tool::S4, 1.0), (Tool::S5cmd, 10.0)] {
            let sample = Sample { wall_seconds: seconds, cpu_seconds: seconds * seconds, peak_mib: 10.0 };
            results.row_mut(Step::EditUp, tool).add(sample);
        }
        let told = lines(&results, &Size::QUICK);
        assert_eq!(told.len(), 2);
        assert!(told[0].contains("not measured") && told[1].contains("0.10 ×"), "{told:?}");
        assert!(told[1].ends_with("reached |"), "{told:?}");
    }
}
