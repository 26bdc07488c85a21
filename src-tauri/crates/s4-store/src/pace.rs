//! How many bytes a second go up and come down at most, over all requests together.
//!
//! - A limit may change at any time; whoever waits feels it at once.
//! - Requests take turns, a piece each, in the order in which they asked: none starves, whatever runtime it runs on.
//! - It never bursts: what was not used is lost, but for a moment's worth.
//! - Without a limit it costs one look at a number.

mod schedule;

use std::num::NonZeroU64;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use self::schedule::Schedule;

/// The largest piece that is taken at once.
const LARGEST_PIECE: u64 = 64 << 10;

/// The smallest, however slow: smaller ones would cost more than they smooth.
const SMALLEST_PIECE: u64 = 256;

/// The share of a second that a piece takes.
const PIECES_A_SECOND: u64 = 20;

/// Bytes per second, each way; `None` is unlimited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// To the store.
    pub up: Option<NonZeroU64>,
    /// From the store.
    pub down: Option<NonZeroU64>,
}

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To the store.
    Up,
    /// From the store.
    Down,
}

/// The limits that all requests of an engine share.
#[derive(Debug, Default)]
pub struct Pace {
    up: Line,
    down: Line,
}

impl Pace {
    /// Returns these limits.
    pub fn new(rates: Rates) -> Self {
        let pace = Self::default();
        pace.set(rates);
        pace
    }

    /// Returns the limits as they are now.
    pub fn rates(&self) -> Rates {
        Rates { up: self.up.rate(), down: self.down.rate() }
    }

    /// Changes the limits, from now on and for those who wait.
    pub fn set(&self, rates: Rates) {
        self.up.set(rates.up);
        self.down.set(rates.down);
    }

    /// Returns how many bytes are best taken at once, `None` if there is no limit.
    pub fn piece(&self, direction: Direction) -> Option<u64> {
        self.line(direction).rate().map(piece)
    }

    /// Waits until `bytes` may go.
    ///
    /// Dropped before its end, it has used up the piece it waited for, and no more.
    pub async fn take(&self, direction: Direction, bytes: u64) {
        let line = self.line(direction);
        let mut missing = bytes;
        while let Some(rate) = line.rate().filter(|_| missing > 0) {
            let taken = piece(rate).min(missing);
            line.take(taken).await;
            missing -= taken;
        }
    }

    fn line(&self, direction: Direction) -> &Line {
        match direction {
            Direction::Up => &self.up,
            Direction::Down => &self.down,
        }
    }
}

fn piece(rate: NonZeroU64) -> u64 {
    (rate.get() / PIECES_A_SECOND).clamp(SMALLEST_PIECE, LARGEST_PIECE)
}

/// One direction.
#[derive(Debug, Default)]
struct Line {
    /// The limit, 0 for none: what can be seen without a lock.
    rate: AtomicU64,
    /// `None` until the first limit is set.
    schedule: Mutex<Option<Schedule>>,
    changed: Notify,
}

impl Line {
    fn rate(&self) -> Option<NonZeroU64> {
        NonZeroU64::new(self.rate.load(Ordering::Relaxed))
    }

    fn schedule(&self) -> MutexGuard<'_, Option<Schedule>> {
        self.schedule.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, rate: Option<NonZeroU64>) {
        if self.rate() == rate {
            return;
        }
        {
            // Under the lock, so that number and schedule never tell different limits.
            let mut schedule = self.schedule();
            match (schedule.as_mut(), rate) {
                (Some(schedule), _) => schedule.set(rate, Instant::now()),
                (None, Some(rate)) => *schedule = Some(Schedule::new(rate, Instant::now())),
                (None, None) => {}
            }
            self.rate.store(rate.map_or(0, NonZeroU64::get), Ordering::Relaxed);
        }
        self.changed.notify_waiters();
    }

    /// Waits for the turn of one piece.
    async fn take(&self, bytes: u64) {
        let Some(turn) = self.schedule().as_mut().map(|schedule| schedule.book(bytes, Instant::now())) else {
            return;
        };
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Listened before it looks: no change falls between the two.
            changed.as_mut().enable();
            let due = self.schedule().as_ref().and_then(|schedule| schedule.due(turn));
            match due.filter(|due| *due > Instant::now()) {
                None => return,
                Some(due) => tokio::select! {
                    () = sleep_until(due) => return,
                    () = changed => {}
                },
            }
        }
    }
}

#[cfg(test)]
mod tests;
