//! What was measured, for each step and tool.

use std::collections::BTreeMap;

use crate::bench::{measure::Sample, requests::Counts, tool::Tool, work::Step};

/// Everything that was measured.
#[derive(Default)]
pub(super) struct Results {
    rows: BTreeMap<(Step, Tool), Row>,
}

/// What one tool took for one step.
#[derive(Default)]
pub(super) struct Row {
    samples: Vec<Sample>,
    pub(super) counts: Option<Counts>,
    /// Why a run of it does not count.
    pub(super) failure: Option<String>,
}

impl Results {
    pub(super) fn row_mut(&mut self, step: Step, tool: Tool) -> &mut Row {
        self.rows.entry((step, tool)).or_default()
    }

    pub(super) fn row(&self, step: Step, tool: Tool) -> Option<&Row> {
        self.rows.get(&(step, tool))
    }

    /// Returns the tools that took a step, in order.
    pub(super) fn tools(&self, step: Step) -> impl Iterator<Item = (Tool, &Row)> {
        Tool::ALL.into_iter().filter_map(move |tool| Some((tool, self.row(step, tool)?)))
    }

    /// Returns the least that any of the peers needed, by a measure.
    pub(super) fn best_peer(
        &self,
        step: Step,
        peers: &[Tool],
        measure: fn(&Sample) -> f64,
    ) -> Option<(Tool, f64)> {
        let values = peers.iter().filter_map(|peer| {
            let value = self.row(step, *peer)?.median(measure)?;
            Some((*peer, value))
        });
        values.min_by(|one, other| one.1.total_cmp(&other.1))
    }

    /// Returns whether S4 did everything that it was asked for.
    pub(super) fn s4_did_all(&self) -> bool {
        !self.rows.iter().any(|((_, tool), row)| *tool == Tool::S4 && row.failure.is_some())
    }
}

impl Row {
    pub(super) fn add(&mut self, sample: Sample) {
        self.samples.push(sample);
    }

    /// Returns the median of a measure, nothing if no run was timed or one failed.
    pub(super) fn median(&self, measure: fn(&Sample) -> f64) -> Option<f64> {
        let mut values: Vec<f64> = self.samples.iter().map(measure).collect();
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        match (self.failure.is_some(), values.len()) {
            (true, _) | (_, 0) => None,
            (false, count) if count % 2 == 1 => Some(values[middle]),
            (false, _) => Some(values[middle - 1].midpoint(values[middle])),
        }
    }

    pub(super) fn runs(&self) -> usize {
        self.samples.len()
    }
}

#[cfg(test)]
mod tests {
    use super::{Results, Row, Sample, Step, Tool};

    fn row(walls: &[f64]) -> Row {
        let mut row = Row::default();
        for wall in walls {
            row.add(Sample { wall_seconds: *wall, cpu_seconds: 0.0, peak_mib: 0.0 });
        }
        row
    }

    #[test]
    fn medians_and_best_peer() {
        let wall = |row: &Row| row.median(|sample| sample.wall_seconds);
        assert_eq!(wall(&row(&[3.0, 1.0, 2.0])), Some(2.0));
        assert_eq!(wall(&row(&[1.0, 2.0])), Some(1.5));
        assert_eq!(wall(&row(&[])), None);
        let mut results = Results::default();
        *results.row_mut(Step::Check, Tool::S5cmd) = row(&[2.0]);
        *results.row_mut(Step::Check, Tool::AwsCli) = row(&[1.0]);
        let best = |peers: &[Tool]| results.best_peer(Step::Check, peers, |sample| sample.wall_seconds);
        assert_eq!(best(&Tool::ALL), Some((Tool::AwsCli, 1.0)));
        assert_eq!(best(&[Tool::S5cmd]), Some((Tool::S5cmd, 2.0)));
        assert_eq!(best(&[Tool::S4]), None);
    }

    #[test]
    fn failed_row_wins_nothing() {
        let mut results = Results::default();
        let failed = results.row_mut(Step::Check, Tool::S4);
        *failed = row(&[0.1]);
        failed.failure = Some("wrong".to_owned());
        assert_eq!(failed.median(|sample| sample.wall_seconds), None);
        assert!(!results.s4_did_all());
    }
}
