//! Conditions of requests: whether what is there allows them. Knows nothing of where it is kept.
//!
//! - Every condition is evaluated against what is current in the transaction that changes it.
//! - A delete marker counts as no object.

use crate::moment::Moment;

/// What a request expects the ETag to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Expected {
    /// Any object at all.
    Any,
    /// An object with this ETag (without quotes).
    ETag(String),
    /// An ETag that no object here has, such as a weak one.
    Unknown,
}

impl Expected {
    fn matches(&self, etag: &str) -> bool {
        match self {
            Self::Any => true,
            Self::ETag(expected) => expected == etag,
            Self::Unknown => false,
        }
    }
}

/// What is current under a key, as conditions see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Current<'a> {
    /// Nothing was ever there, or nothing is left.
    Nothing,
    /// The newest version is a delete marker.
    Marker,
    /// An object with this ETag.
    Object(&'a str),
}

/// Why a condition refuses a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// What is there is not what the request expects (412).
    PreconditionFailed,
    /// The request expects an object and there is none (404).
    NoSuchKey,
    /// The reader has this already (304).
    NotModified,
}

/// The conditions of a request that puts an object in place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct WriteCondition {
    pub(crate) if_match: Option<Expected>,
    pub(crate) if_none_match: Option<Expected>,
}

impl WriteCondition {
    pub(crate) fn check(&self, current: Current<'_>) -> Result<(), Refusal> {
        match (&self.if_match, current) {
            (None, _) => {}
            (Some(_), Current::Nothing | Current::Marker) => return Err(Refusal::NoSuchKey),
            (Some(expected), Current::Object(etag)) if expected.matches(etag) => {}
            (Some(_), Current::Object(_)) => return Err(Refusal::PreconditionFailed),
        }
        match (&self.if_none_match, current) {
            (None, _) | (Some(_), Current::Nothing | Current::Marker) => Ok(()),
            (Some(unwanted), Current::Object(etag)) if unwanted.matches(etag) => {
                Err(Refusal::PreconditionFailed)
            }
            (Some(_), Current::Object(_)) => Ok(()),
        }
    }
}

/// The condition of a request that deletes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct DeleteCondition {
    pub(crate) if_match: Option<Expected>,
}

impl DeleteCondition {
    pub(crate) fn check(&self, current: Current<'_>) -> Result<(), Refusal> {
        match (&self.if_match, current) {
            (None, _) => Ok(()),
            (Some(_), Current::Nothing) => Err(Refusal::NoSuchKey),
            (Some(_), Current::Marker) => Err(Refusal::PreconditionFailed),
            (Some(expected), Current::Object(etag)) if expected.matches(etag) => Ok(()),
            (Some(_), Current::Object(_)) => Err(Refusal::PreconditionFailed),
        }
    }
}

/// The conditions of a request that reads, or copies from, an object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ReadCondition {
    pub(crate) if_match: Option<Expected>,
    pub(crate) if_none_match: Option<Expected>,
    pub(crate) if_modified_since: Option<Moment>,
    pub(crate) if_unmodified_since: Option<Moment>,
}

impl ReadCondition {
    /// An ETag condition outweighs the time condition of the same kind, as RFC 9110 has it.
    pub(crate) fn check(&self, etag: &str, modified: Moment) -> Result<(), Refusal> {
        let modified = modified.whole_seconds();
        match (&self.if_match, self.if_unmodified_since) {
            (Some(expected), _) if !expected.matches(etag) => return Err(Refusal::PreconditionFailed),
            (None, Some(since)) if modified > since.whole_seconds() => {
                return Err(Refusal::PreconditionFailed);
            }
            (Some(_) | None, _) => {}
        }
        match (&self.if_none_match, self.if_modified_since) {
            (Some(known), _) if known.matches(etag) => Err(Refusal::NotModified),
            (None, Some(since)) if modified <= since.whole_seconds() => Err(Refusal::NotModified),
            (Some(_) | None, _) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn etag(text: &str) -> Option<Expected> {
        Some(Expected::ETag(text.to_owned()))
    }

    #[test]
    fn writes() {
        use Current::{Marker, Nothing, Object};
        let create = WriteCondition { if_match: None, if_none_match: Some(Expected::Any) };
        let replace = WriteCondition { if_match: etag("a"), if_none_match: None };
        let rows = [
            (&create, Nothing, Ok(())),
            (&create, Marker, Ok(())),
            (&create, Object("a"), Err(Refusal::PreconditionFailed)),
            (&replace, Nothing, Err(Refusal::NoSuchKey)),
            (&replace, Marker, Err(Refusal::NoSuchKey)),
            (&replace, Object("a"), Ok(())),
            (&replace, Object("b"), Err(Refusal::PreconditionFailed)),
        ];
        for (condition, current, expected) in rows {
            assert_eq!(condition.check(current), expected, "{condition:?} {current:?}");
        }
    }

    #[test]
    fn deletes() {
        use Current::{Marker, Nothing, Object};
        let delete = DeleteCondition { if_match: etag("a") };
        assert_eq!(delete.check(Nothing), Err(Refusal::NoSuchKey));
        assert_eq!(delete.check(Marker), Err(Refusal::PreconditionFailed));
        assert_eq!(delete.check(Object("a")), Ok(()));
        assert_eq!(delete.check(Object("b")), Err(Refusal::PreconditionFailed));
        assert_eq!(DeleteCondition::default().check(Nothing), Ok(()));
    }

    #[test]
    fn reads() {
        let modified = Moment::from_seconds(1000);
        let (before, after) = (Some(Moment::from_seconds(999)), Some(Moment::from_seconds(1000)));
        let none = ReadCondition::default();
        let rows = [
            (none.clone(), Ok(())),
            (ReadCondition { if_match: etag("a"), ..none.clone() }, Ok(())),
            (ReadCondition { if_match: etag("b"), ..none.clone() }, Err(Refusal::PreconditionFailed)),
            (
                ReadCondition { if_match: Some(Expected::Unknown), ..none.clone() },
                Err(Refusal::PreconditionFailed),
            ),
            (ReadCondition { if_none_match: etag("a"), ..none.clone() }, Err(Refusal::NotModified)),
            (ReadCondition { if_none_match: etag("b"), ..none.clone() }, Ok(())),
            (ReadCondition { if_modified_since: after, ..none.clone() }, Err(Refusal::NotModified)),
            (ReadCondition { if_modified_since: before, ..none.clone() }, Ok(())),
            (ReadCondition { if_unmodified_since: before, ..none.clone() }, Err(Refusal::PreconditionFailed)),
            (ReadCondition { if_unmodified_since: after, ..none.clone() }, Ok(())),
            (ReadCondition { if_match: etag("a"), if_unmodified_since: before, ..none.clone() }, Ok(())),
            (ReadCondition { if_none_match: etag("b"), if_modified_since: after, ..none }, Ok(())),
        ];
        for (condition, expected) in rows {
            assert_eq!(condition.check("a", modified), expected, "{condition:?}");
        }
    }
}
