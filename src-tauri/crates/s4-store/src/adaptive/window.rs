//! How many requests may be on their way: the decision alone.
//!
//! - It reads no clock and waits for nothing.
//! - Requests sent before the last step down say nothing new: one burst of refusals is one step.
//! - Slowness is judged by the fastest reply of a second, so that one slow disk or a busy thread here says nothing.

use std::time::Duration;

use tokio::time::Instant;

/// As many are sent to a store that nothing is known of.
pub(super) const FIRST: usize = 16;

/// Never more: on one computer more cost more and bring nothing.
pub(super) const MOST: usize = 64;

/// Never fewer: while one waits out a refusal another asks.
pub(super) const LEAST: usize = 2;

/// Slowness alone does not go below.
pub(super) const LEAST_FOR_SLOWNESS: usize = 8;

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

/// The number, and what it follows from.
#[derive(Clone, Debug)]
pub(super) struct Window {
    size: f64,
    /// Until the first bad sign each answer makes room for one more request.
    begins: bool,
    /// Until the last period was slow no longer.
    is_slow: bool,
    lowered: Option<Instant>,
    refused_since: Option<Instant>,
    period: Option<Period>,
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

impl Default for Window {
    fn default() -> Self {
        Self {
            size: FIRST as f64,
            begins: true,
            is_slow: false,
            lowered: None,
            refused_since: None,
            period: None,
            fastest: [None; 2],
            remembered: None,
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
    pub(super) fn answered(&mut self, sent: Instant, now: Instant, latency: Option<Duration>, is_full: bool) {
        self.refused_since = None;
        if let Some(latency) = latency {
            self.judge(latency, now);
        }
        if is_full && !self.is_slow && self.is_news(sent) {
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

    /// Adds a reply to its second, and judges the second that is over.
    fn judge(&mut self, latency: Duration, now: Instant) {
        let fresh = Period { since: now, fastest: latency, replies: 1 };
        let Some(period) = &mut self.period else {
            self.period = Some(fresh);
            self.remember(latency, now);
            return;
        };
        if now.saturating_duration_since(period.since) < PERIOD {
            period.fastest = period.fastest.min(latency);
            period.replies += 1;
            return;
        }
        let over = *period;
        self.period = Some(fresh);
        self.remember(over.fastest, now);
        if over.replies < FEW {
            return;
        }
        let usual = self.fastest.iter().flatten().min().copied().unwrap_or(over.fastest);
        self.is_slow = over.fastest > usual * SLOW && over.fastest > usual + QUEUED;
        if self.is_slow {
            self.lower(0.9, LEAST_FOR_SLOWNESS, now);
        }
    }

    fn remember(&mut self, latency: Duration, now: Instant) {
        let since = *self.remembered.get_or_insert(now);
        if now.saturating_duration_since(since) >= MEMORY {
            self.fastest = [None, self.fastest[0]];
            self.remembered = Some(now);
        }
        let fastest = &mut self.fastest[0];
        *fastest = Some(fastest.map_or(latency, |fastest| fastest.min(latency)));
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
            Sign::Round(millis) | Sign::Idle(millis) => (millis, 0),
            Sign::Storm => (20, usize::MAX),
            Sign::One => (20, 1),
        };
        let latency = Duration::from_millis(millis);
        let now = sent + latency;
        for n in 0..window.size() {
            if n < refused {
                window.refused(sent, now);
            } else {
                window.answered(sent, now, Some(latency), !matches!(sign, Sign::Idle(_)));
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
        check(&[(60, Sign::Round(20)), (60, Sign::Round(400))], LEAST_FOR_SLOWNESS..=20);
        check(&[(60, Sign::Round(20)), (8, Sign::Round(400)), (300, Sign::Round(20))], MOST..=MOST);
    }

    #[test]
    fn what_is_always_slow_is_not_slower() {
        check(&[(20, Sign::Round(900))], MOST..=MOST);
        // Three times the fastest, but no queue worth the name.
        check(&[(60, Sign::Round(1)), (3000, Sign::Round(60))], MOST..=MOST);
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
        window.answered(now, now, None, true);
        assert_eq!(window.refused_for(now + Duration::from_secs(9)), Duration::ZERO);
    }
}
