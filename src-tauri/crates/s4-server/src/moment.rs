//! A point in time as the index keeps it: whole milliseconds since 1970. Never decides anything by it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(i64);

impl Moment {
    pub(crate) fn now() -> Self {
        Self::from_system(SystemTime::now())
    }

    pub(crate) fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    #[cfg(test)]
    pub(crate) fn from_seconds(seconds: i64) -> Self {
        Self(seconds * 1000)
    }

    pub(crate) fn from_system(time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Self(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    pub(crate) fn millis(self) -> i64 {
        self.0
    }

    /// Returns seconds since 1970, rounded down: all that an HTTP header can say.
    pub(crate) fn whole_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    pub(crate) fn to_system(self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(u64::try_from(self.0).unwrap_or(0))
    }
}
