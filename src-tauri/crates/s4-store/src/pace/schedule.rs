//! When which byte may go: a line of bytes that is passed at a rate.
//!
//! - It waits for nothing and reads no clock.
//! - A turn is a place in the line, not a time: so a new rate moves everybody who waits.

use std::num::NonZeroU64;
use std::time::Duration;

use tokio::time::Instant;

/// For how long what was not used is kept: long enough to outlast a late timer, too short to be felt.
const KEPT: Duration = Duration::from_millis(100);

/// A place in the line: how many bytes stand before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Turn(u64);

/// The line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schedule {
    rate: Option<NonZeroU64>,
    /// How many bytes were ever booked.
    booked: u64,
    /// How many of them could go at `since`; it may be more than were booked.
    passed: u64,
    since: Instant,
}

impl Schedule {
    pub(super) fn new(rate: NonZeroU64, now: Instant) -> Self {
        Self { rate: Some(rate), booked: 0, passed: 0, since: now }
    }

    /// Changes the rate from `now` on.
    pub(super) fn set(&mut self, rate: Option<NonZeroU64>, now: Instant) {
        // Whoever still waits keeps the place; nothing saved at another rate is carried over.
        self.passed = match self.rate {
            Some(_) => self.passed_at(now).min(self.booked),
            // Without a limit everybody has gone.
            None => self.booked,
        };
        self.since = now;
        self.rate = rate;
    }

    /// Books the next `bytes`.
    pub(super) fn book(&mut self, bytes: u64, now: Instant) -> Turn {
        let kept = self.rate.map_or(0, |rate| within(rate, KEPT));
        let most = self.booked.saturating_add(kept);
        if self.passed_at(now) > most {
            self.passed = most;
            self.since = now;
        }
        let turn = Turn(self.booked);
        self.booked = self.booked.saturating_add(bytes);
        turn
    }

    /// Returns when the turn comes: `None` if there is no limit any more, maybe a time that is over.
    pub(super) fn due(&self, turn: Turn) -> Option<Instant> {
        let missing = u128::from(turn.0.saturating_sub(self.passed));
        let nanos = (missing * NANOS).div_ceil(u128::from(self.rate?.get()));
        // Beyond any wait that makes a difference.
        let wait = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)).min(A_DAY);
        Some(self.since + wait)
    }

    fn passed_at(&self, now: Instant) -> u64 {
        let more = self.rate.map_or(0, |rate| within(rate, now.saturating_duration_since(self.since)));
        self.passed.saturating_add(more)
    }
}

const NANOS: u128 = 1_000_000_000;

const A_DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Returns how many bytes pass in `time`.
fn within(rate: NonZeroU64, time: Duration) -> u64 {
    u64::try_from(u128::from(rate.get()) * time.as_nanos() / NANOS).unwrap_or(u64::MAX)
}
