//! What a reply says about an ability.

use crate::error::{Result, StoreErrorKind};

/// How a store answered a request that tries something out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It was carried out.
    Done,
    /// 412: a condition was looked at and did not hold.
    Unmet,
    /// It was refused for another reason: the store does not know the header, or the bytes are wrong.
    Refused,
}

/// Returns how the store answered; an error that says nothing about abilities stays one.
pub(super) fn answer<T>(result: Result<T>) -> Result<Answer> {
    let error = match result {
        Ok(_) => return Ok(Answer::Done),
        Err(error) => error,
    };
    match error.kind {
        StoreErrorKind::PreconditionFailed => Ok(Answer::Unmet),
        StoreErrorKind::Missing
        | StoreErrorKind::Unsupported
        | StoreErrorKind::Corrupt
        | StoreErrorKind::Other => Ok(Answer::Refused),
        StoreErrorKind::NoBucket
        | StoreErrorKind::Conflict
        | StoreErrorKind::Denied
        | StoreErrorKind::Credentials
        | StoreErrorKind::SlowDown
        | StoreErrorKind::Offline
        | StoreErrorKind::ClockSkew
        | StoreErrorKind::WrongRegion { .. }
        | StoreErrorKind::Archived => Err(error),
    }
}

/// Returns whether a condition is honoured: the wrong one fails for what it says, the right one passes.
pub(super) fn honoured(wrong: Answer, right: Answer) -> bool {
    wrong == Answer::Unmet && right == Answer::Done
}
