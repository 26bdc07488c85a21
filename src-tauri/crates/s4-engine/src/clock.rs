//! Time, as an input.
//!
//! Decisions do not depend on clocks, but for one policy that a person chose; names and logs do.

use std::time::{SystemTime, UNIX_EPOCH};

use s4_core::remote::UnixMillis;

/// Tells the time.
pub trait Clock: Send + Sync + 'static {
    /// Returns the time now, by this computer's clock.
    fn now(&self) -> UnixMillis;
}

/// The computer's own clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> UnixMillis {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        UnixMillis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

/// Returns the date in UTC, `YYYY-MM-DD`, as conflict copies bear it.
pub(crate) fn date_of(time: UnixMillis) -> String {
    time::OffsetDateTime::from_unix_timestamp(time.0.div_euclid(1000))
        .unwrap_or(time::OffsetDateTime::UNIX_EPOCH)
        .date()
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_iso() {
        assert_eq!(date_of(UnixMillis(1_795_132_800_000)), "2026-11-20");
        assert_eq!(date_of(UnixMillis(-1)), "1969-12-31");
        assert_eq!(date_of(UnixMillis(i64::MAX)), "1970-01-01");
    }
}
