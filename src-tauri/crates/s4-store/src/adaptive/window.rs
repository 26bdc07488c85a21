//! How many requests may be on their way: the decision alone.
//!
//! - It reads no clock and waits for nothing.
//! - Requests sent before the last step down say nothing new: one burst of refusals is one step.
//! - Slowness alone never goes below what a store is sent that nothing is known of: it may be the store's way.

use std::time::Duration;

use tokio::time::Instant;

use super::Took;
use super::latency::Latency;

/// As many are sent to a store that nothing is known of.
pub(super) const FIRST: usize = 16;

/// Never more: on one computer more cost more and bring nothing.
pub(super) const MOST: usize = 64;

/// Never fewer: while one waits out a refusal another asks.
pub(super) const LEAST: usize = 2;

/// For how long a slow second keeps the number from growing.
const SLOW_FOR: Duration = Duration::from_secs(2);

/// The number, and what it follows from.
#[derive(Clone, Debug)]
pub(super) struct Window {
    size: f64,
    /// Until the first bad sign each answer makes room for one more request.
    begins: bool,
    /// When the store was last found slow.
    slow: Option<Instant>,
    lowered: Option<Instant>,
    refused_since: Option<Instant>,
    reads: Latency,
    writes: Latency,
}

impl Default for Window {
    fn default() -> Self {
        Self {
            size: FIRST as f64,
            begins: true,
            slow: None,
            lowered: None,
            refused_since: None,
            reads: Latency::default(),
            writes: Latency::default(),
        }
    }
}

impl Window {
    /// Returns how many requests may be on their way.
    pub(super) fn size(&self) -> usize {
        self.size as usize
    }

    /// Learns of an answer, and of how long it took if that says anything. Only a window that `is_full` grows:
    /// otherwise nobody knows what the store makes of more.
    pub(super) fn answered(&mut self, sent: Instant, now: Instant, took: Took, is_full: bool) {
        self.refused_since = None;
        let verdict = match took {
            Took::Read(time) => self.reads.judge(time, now),
            Took::Write(time) => self.writes.judge(time, now),
            Took::Other => None,
        };
        if let Some(is_slow) = verdict {
            self.slow = is_slow.then_some(now);
            if is_slow {
                self.lower(0.9, FIRST, now);
            }
        }
        // Found once and not looked at again, it is slow no longer.
        let is_slow = self.slow.is_some_and(|slow| now.saturating_duration_since(slow) < SLOW_FOR);
        if is_full && !is_slow && self.is_news(sent) {
            let more = if self.begins { 1.0 } else { 1.0 / self.size };
            self.size = (self.size + more).min(MOST as f64);
        }
    }

    /// Learns of a refusal.
    pub(super) fn refused(&mut self, sent: Instant, now: Instant) {
        self.refused_since.get_or_insert(now);
        if self.is_news(sent) {
            self.lower(0.5, LEAST, now);
        }
    }

    /// Returns for how long nothing but refusals came.
    pub(super) fn refused_for(&self, now: Instant) -> Duration {
        self.refused_since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }

    fn is_news(&self, sent: Instant) -> bool {
        self.lowered.is_none_or(|lowered| sent >= lowered)
    }

    fn lower(&mut self, by: f64, least: usize, now: Instant) {
        self.begins = false;
        self.lowered = Some(now);
        // What is smaller already stays: slowness does not raise it.
        self.size = (self.size * by).max((least as f64).min(self.size));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One thing that a store does, this many milliseconds after the request was sent.
    #[derive(Clone, Copy, Debug)]
    enum Sign {
        /// It answers all requests that may be on their way, after this many milliseconds.
        Round(u64),
        /// As `Round`, and all were writes.
        Writes(u64),
        /// As `Round`, but few requests were on their way.
        Idle(u64),
        /// It refuses all of them at once.
        Storm,
        /// It refuses one and answers the others.
        One,
    }

    /// Plays signs against a fresh window, one round trip each, and compares its size in the end.
    #[track_caller]
    fn check(signs: &[(usize, Sign)], expected: std::ops::RangeInclusive<usize>) -> Window {
        let mut window = Window::default();
        let mut now = Instant::now();
        for (times, sign) in signs {
            for _ in 0..*times {
                now = play(&mut window, *sign, now);
            }
        }
        assert!(expected.contains(&window.size()), "{signs:?} end in {}", window.size());
        window
    }

    fn play(window: &mut Window, sign: Sign, sent: Instant) -> Instant {
        let (millis, refused) = match sign {
            Sign::Round(millis) | Sign::Writes(millis) | Sign::Idle(millis) => (millis, 0),
            Sign::Storm => (20, usize::MAX),
            Sign::One => (20, 1),
        };
        let latency = Duration::from_millis(millis);
        let now = sent + latency;
        for n in 0..window.size() {
            if n < refused {
                window.refused(sent, now);
            } else {
                let is_write = matches!(sign, Sign::Writes(_));
                let took = if is_write { Took::Write(latency) } else { Took::Read(latency) };
                window.answered(sent, now, took, !matches!(sign, Sign::Idle(_)));
            }
        }
        now
    }

    #[test]
    fn it_begins_small_and_grows_fast_to_its_bound() {
        check(&[], FIRST..=FIRST);
        check(&[(1, Sign::Round(20))], 32..=32);
        check(&[(2, Sign::Round(20))], MOST..=MOST);
        check(&[(500, Sign::Round(20))], MOST..=MOST);
    }

    #[test]
    fn nothing_is_learnt_while_few_requests_are_on_their_way() {
        check(&[(100, Sign::Idle(20))], FIRST..=FIRST);
    }

    #[test]
    fn a_burst_of_refusals_halves_once() {
        check(&[(2, Sign::Round(20)), (1, Sign::Storm)], 32..=32);
        check(&[(2, Sign::Round(20)), (1, Sign::One)], 32..=32);
    }

    #[test]
    fn a_storm_goes_down_to_the_least_and_not_below() {
        check(&[(2, Sign::Round(20)), (2, Sign::Storm)], 16..=16);
        check(&[(50, Sign::Storm)], LEAST..=LEAST);
    }

    #[test]
    fn after_a_refusal_it_grows_by_one_a_round() {
        check(&[(2, Sign::Round(20)), (1, Sign::Storm), (10, Sign::Round(20))], 40..=42);
        check(&[(50, Sign::Storm), (100, Sign::Round(20))], MOST..=MOST);
    }

    #[test]
    fn slow_replies_lower_it_a_little_and_not_far() {
        // 64 requests at 20 ms, then three seconds at 400 ms.
        check(&[(60, Sign::Round(20)), (8, Sign::Round(400))], 46..=58);
        check(&[(60, Sign::Round(20)), (60, Sign::Round(400))], FIRST..=FIRST);
        check(&[(60, Sign::Round(20)), (8, Sign::Round(400)), (300, Sign::Round(20))], MOST..=MOST);
    }

    #[test]
    fn what_is_always_slow_is_not_slower() {
        check(&[(20, Sign::Round(900))], MOST..=MOST);
        // Three times the fastest, but no queue worth the name.
        check(&[(60, Sign::Round(1)), (3000, Sign::Round(60))], MOST..=MOST);
    }

    #[test]
    fn writes_are_no_slow_reads() {
        check(&[(60, Sign::Round(2)), (100, Sign::Writes(200)), (60, Sign::Round(2))], MOST..=MOST);
        check(&[(60, Sign::Writes(20)), (60, Sign::Writes(400))], FIRST..=FIRST);
    }

    #[test]
    fn slowness_does_not_raise_what_refusals_lowered() {
        check(&[(60, Sign::Round(20)), (50, Sign::Storm), (3, Sign::Round(900))], LEAST..=6);
    }

    #[test]
    fn a_store_that_became_slow_for_good_is_taken_as_it_is() {
        check(&[(60, Sign::Round(20)), (300, Sign::Round(400))], MOST..=MOST);
    }

    #[test]
    fn it_knows_for_how_long_nothing_but_refusals_came() {
        let mut window = check(&[(60, Sign::Storm)], LEAST..=LEAST);
        let now = Instant::now() + Duration::from_secs(3600);
        assert!(window.refused_for(now) > Duration::from_secs(3500));
        window.answered(now, now, Took::Other, true);
        assert_eq!(window.refused_for(now + Duration::from_secs(9)), Duration::ZERO);
    }
}
