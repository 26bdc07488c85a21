//! Whether a store has become slow: the judgement alone.
//!
//! - It reads no clock.
//! - Slowness is judged by the fastest reply of a second, so that one slow disk or a busy thread here says nothing.
//! - Only like is compared with like: a write that a store makes durable is no slow read.

use std::time::Duration;

use tokio::time::Instant;

/// How long replies are watched before they are judged.
const PERIOD: Duration = Duration::from_secs(1);

/// How few replies say nothing.
const FEW: u32 = 8;

/// How long the fastest reply is remembered: one to two of these.
const MEMORY: Duration = Duration::from_secs(30);

/// What a queue somewhere on the way adds at least.
const QUEUED: Duration = Duration::from_millis(100);

/// How much slower than the fastest is slow.
const SLOW: u32 = 3;

/// Requests of one kind.
#[derive(Clone, Debug, Default)]
pub(super) struct Latency {
    period: Option<Period>,
    /// Of this memory, and of the one before.
    fastest: [Option<Duration>; 2],
    remembered: Option<Instant>,
}

/// What replies told within a second.
#[derive(Clone, Copy, Debug)]
struct Period {
    since: Instant,
    fastest: Duration,
    replies: u32,
}

impl Latency {
    /// Adds a reply, and returns whether the store is slow if it ends a second that tells.
    pub(super) fn judge(&mut self, latency: Duration, now: Instant) -> Option<bool> {
        let fresh = Period { since: now, fastest: latency, replies: 1 };
        let period = self.period.get_or_insert(Period { replies: 0, ..fresh });
        if now.saturating_duration_since(period.since) < PERIOD {
            period.fastest = period.fastest.min(latency);
            period.replies += 1;
            return None;
        }
        let over = *period;
        self.period = Some(fresh);
        let usual = self.remember(over.fastest, now);
        let tells = over.replies >= FEW;
        tells.then(|| over.fastest > usual * SLOW && over.fastest > usual + QUEUED)
    }

    /// Remembers the fastest reply of a second, and returns that of all.
    fn remember(&mut self, latency: Duration, now: Instant) -> Duration {
        let since = *self.remembered.get_or_insert(now);
        if now.saturating_duration_since(since) >= MEMORY {
            self.fastest = [None, self.fastest[0]];
            self.remembered = Some(now);
        }
        let fastest = self.fastest[0].map_or(latency, |fastest| fastest.min(latency));
        self.fastest[0] = Some(fastest);
        self.fastest[1].map_or(fastest, |before| before.min(fastest))
    }
}
