//! The file system's clock, read at most every few milliseconds.
//!
//! Reading it means writing a stamp, which costs more than reading a small file. An answer that is a little old is
//! as good: a read time that is too early only makes more stamps racy, and those are hashed again.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use s4_core::path::DiskPath;

use crate::disk::DiskResult;

/// How old an answer may be.
const FRESH: Duration = Duration::from_millis(5);

/// Remembers the last answer.
#[derive(Default)]
pub(super) struct Clock {
    last: Mutex<Option<Answer>>,
}

struct Answer {
    scratch: DiskPath,
    asked: Instant,
    now_ns: i64,
}

impl Clock {
    /// Returns the time of the file system that holds `scratch`: the last answer while it is fresh, else what `read`
    /// says.
    pub(super) fn now(&self, scratch: &DiskPath, read: impl FnOnce() -> DiskResult<i64>) -> DiskResult<i64> {
        // Whoever comes while it is read waits for that answer.
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(answer) = &*last
            && answer.scratch == *scratch
            && answer.asked.elapsed() < FRESH
        {
            return Ok(answer.now_ns);
        }
        // Its age counts from before it was read.
        let asked = Instant::now();
        let now_ns = read()?;
        *last = Some(Answer { scratch: scratch.clone(), asked, now_ns });
        Ok(now_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_answer_is_given_again_and_only_for_its_own_place() {
        let clock = Clock::default();
        let here = DiskPath::new(".s4");
        assert_eq!(clock.now(&here, || Ok(1)).unwrap(), 1);
        // Had the machine stood still meanwhile, the answer would be a new one: never an older one.
        assert!([1, 2].contains(&clock.now(&here, || Ok(2)).unwrap()));
        assert_eq!(clock.now(&DiskPath::new("drive/.s4"), || Ok(3)).unwrap(), 3);
    }

    #[test]
    fn an_answer_that_is_not_fresh_is_asked_for_again() {
        let clock = Clock::default();
        let here = DiskPath::new(".s4");
        let asked = Instant::now().checked_sub(FRESH).unwrap();
        *clock.last.lock().unwrap() = Some(Answer { scratch: here.clone(), asked, now_ns: 1 });
        assert_eq!(clock.now(&here, || Ok(2)).unwrap(), 2);
    }
}
