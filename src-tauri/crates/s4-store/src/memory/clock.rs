//! The clock of a store in memory: given from outside, so that a run can be repeated.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use s4_core::remote::UnixMillis;

/// One second, the granularity of the stamps that S3 tells.
const SECOND: i64 = 1000;

/// Tells a store what time it is.
#[derive(Clone)]
pub struct StoreClock(Arc<dyn Fn() -> UnixMillis + Send + Sync>);

impl StoreClock {
    /// Asks `now` each time.
    pub fn from_fn(now: impl Fn() -> UnixMillis + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// Reads milliseconds since the Unix epoch from `millis`, which a test moves on.
    pub fn shared(millis: Arc<AtomicI64>) -> Self {
        Self::from_fn(move || UnixMillis(millis.load(Ordering::SeqCst)))
    }

    /// Stands still.
    pub fn fixed(at: UnixMillis) -> Self {
        Self::from_fn(move || at)
    }

    /// Returns now in whole seconds, rounded down, as `Last-Modified` and `Date` tell it.
    pub(crate) fn stamp(&self) -> UnixMillis {
        UnixMillis((self.0)().0.div_euclid(SECOND) * SECOND)
    }

    /// Returns the first full second that is surely not before now.
    pub(crate) fn not_after(&self) -> UnixMillis {
        UnixMillis(self.stamp().0 + SECOND)
    }
}

impl fmt::Debug for StoreClock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "StoreClock({:?})", (self.0)())
    }
}
