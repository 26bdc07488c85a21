//! A rolling count of deletions, so that a slow deletion halts as a fast one does.
//!
//! Decides which deletions of the past still count for the guards. It never decides whether they are too many.
//!
//! - Deletions count until ten minutes pass in which there was none.
//! - A clock that is set back loses no count. One that is set forward by ten minutes ends the window early: a
//!   wall clock cannot tell that from ten quiet minutes.

use crate::context::Deletions;
use crate::remote::UnixMillis;

/// After so long without a deletion, those before no longer count.
pub const QUIET_MILLIS: i64 = 10 * 60 * 1000;

/// Deletions in one direction since the last ten quiet minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeletionWindow {
    /// When the last of them was, by this computer's clock.
    pub last: UnixMillis,
    /// What they come to.
    pub deletions: Deletions,
}

impl DeletionWindow {
    /// A window in which nothing was deleted.
    pub const EMPTY: DeletionWindow =
        DeletionWindow { last: UnixMillis(i64::MIN), deletions: Deletions { count: 0, tree_then: 0 } };

    /// Returns what counts at `now`.
    ///
    /// A `now` before the last deletion is a clock that was set back: everything still counts.
    pub fn as_of(&self, now: UnixMillis) -> Deletions {
        let quiet = now.0.saturating_sub(self.last.0);
        if quiet >= QUIET_MILLIS { Deletions::default() } else { self.deletions }
    }

    /// Counts `count` deletions at `now` from a tree that had `tree_size_now` files before them.
    ///
    /// The window follows a clock that was set back, with what it holds: so the count neither is lost nor stays
    /// until the old time comes round again.
    pub fn add(&mut self, now: UnixMillis, count: u64, tree_size_now: u64) {
        if count == 0 {
            return;
        }
        let before = self.as_of(now);
        let tree_then = if before.count == 0 { tree_size_now } else { before.tree_then };
        self.deletions = Deletions { count: before.count.saturating_add(count), tree_then };
        self.last = now;
    }
}

impl Default for DeletionWindow {
    fn default() -> Self {
        Self::EMPTY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;

    /// Adds `(minute, count, tree size)` one after another, and compares `(count, tree then)` as of a minute.
    #[track_caller]
    fn check(added: &[(i64, u64, u64)], as_of: i64, expected: (u64, u64)) {
        let mut window = DeletionWindow::default();
        for (minute, count, tree) in added {
            window.add(UnixMillis(minute * MINUTE), *count, *tree);
        }
        let deletions = window.as_of(UnixMillis(as_of * MINUTE));
        assert_eq!((deletions.count, deletions.tree_then), expected, "{added:?} as of minute {as_of}");
    }

    #[test]
    fn deletions_count_until_ten_quiet_minutes_pass() {
        check(&[], 0, (0, 0));
        check(&[(0, 5, 100)], 0, (5, 100));
        check(&[(0, 5, 100)], 9, (5, 100));
        check(&[(0, 5, 100)], 10, (0, 0));
        check(&[(0, 5, 100), (9, 5, 95), (18, 5, 90)], 27, (15, 100));
        check(&[(0, 5, 100), (10, 7, 95)], 11, (7, 95));
        check(&[(0, 5, 100), (9, 0, 95)], 12, (0, 0));
    }

    #[test]
    fn t51_a_clock_set_back_loses_no_count_and_does_not_hold_it_for_ever() {
        check(&[(600, 20, 80)], 0, (20, 80));
        check(&[(600, 20, 80), (0, 6, 60)], 1, (26, 80));
        check(&[(600, 20, 80), (0, 6, 60)], 10, (0, 0));
        check(&[(600, 20, 80), (0, 6, 60), (9, 1, 54)], 18, (27, 80));
    }

    #[test]
    fn extreme_times_and_counts_do_not_overflow() {
        let mut window = DeletionWindow::default();
        window.add(UnixMillis(i64::MAX), u64::MAX, 1);
        window.add(UnixMillis(i64::MIN), u64::MAX, 1);
        assert_eq!(window.as_of(UnixMillis(i64::MIN)).count, u64::MAX);
        assert_eq!(window.as_of(UnixMillis(i64::MAX)).count, 0);
    }
}
