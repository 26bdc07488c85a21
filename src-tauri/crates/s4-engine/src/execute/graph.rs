//! Which steps may begin: each after those it depends on.

use std::collections::VecDeque;

use s4_core::plan::Step;

/// Which steps wait for which.
pub(super) struct Graph {
    waiting_for: Vec<usize>,
    followers: Vec<Vec<usize>>,
}

impl Graph {
    /// Returns the graph of a plan, and the steps that wait for none.
    pub(super) fn of(steps: &[Step]) -> (Self, VecDeque<usize>) {
        let mut followers = vec![Vec::new(); steps.len()];
        for (index, step) in steps.iter().enumerate() {
            for before in &step.after {
                followers[before.0].push(index);
            }
        }
        let waiting_for: Vec<usize> = steps.iter().map(|step| step.after.len()).collect();
        let ready = (0..steps.len()).filter(|index| waiting_for[*index] == 0).collect();
        (Self { waiting_for, followers }, ready)
    }

    /// Returns whether a step waits for this one.
    pub(super) fn has_followers(&self, index: usize) -> bool {
        !self.followers[index].is_empty()
    }

    /// Notes that a step is done; returns those that may begin now.
    pub(super) fn done(&mut self, index: usize) -> Vec<usize> {
        let mut followers = std::mem::take(&mut self.followers[index]);
        followers.retain(|follower| {
            self.waiting_for[*follower] -= 1;
            self.waiting_for[*follower] == 0
        });
        followers
    }
}
