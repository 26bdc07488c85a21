//! Conditions as headers, in the form that one store understands.
//!
//! - A condition that the store does not honour is not sent: some refuse the whole request with 501. The caller
//!   knows from the capabilities that it had no effect.

use s4_core::capabilities::{CopyCondition, ETagForm};
use s4_core::remote::ETag;

use crate::store::Condition;

/// The values of `If-Match` and `If-None-Match`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Preconditions {
    pub(super) if_match: Option<String>,
    pub(super) if_none_match: Option<String>,
}

/// Whether a store honours a condition that it is given.
#[derive(Clone, Copy)]
pub(super) struct Honoured {
    pub(super) absent: bool,
    pub(super) matching: bool,
}

impl Preconditions {
    /// Returns the headers for `condition`.
    pub(super) fn of(condition: &Condition, honoured: Honoured, form: ETagForm) -> Self {
        match condition {
            Condition::Absent if honoured.absent => {
                Self { if_none_match: Some("*".to_owned()), if_match: None }
            }
            Condition::Match(etag) if honoured.matching => {
                Self { if_match: Some(tag(etag, form)), if_none_match: None }
            }
            Condition::Absent | Condition::Match(_) | Condition::None => Self::default(),
        }
    }
}

/// Returns the condition on the destination of a copy: as standard headers, and as Cloudflare's.
pub(super) fn of_copy(
    condition: &Condition,
    absent: CopyCondition,
    matching: CopyCondition,
    form: ETagForm,
) -> (Preconditions, Option<(&'static str, String)>) {
    let honoured =
        Honoured { absent: absent == CopyCondition::Standard, matching: matching == CopyCondition::Standard };
    let cloudflare = match condition {
        Condition::Absent if absent == CopyCondition::Cloudflare => {
            Some(("cf-copy-destination-if-none-match", "*".to_owned()))
        }
        Condition::Match(etag) if matching == CopyCondition::Cloudflare => {
            Some(("cf-copy-destination-if-match", tag(etag, form)))
        }
        Condition::Absent | Condition::Match(_) | Condition::None => None,
    };
    (Preconditions::of(condition, honoured, form), cloudflare)
}

/// Returns `etag` as the store wants it.
pub(super) fn tag(etag: &ETag, form: ETagForm) -> String {
    match form {
        ETagForm::Quoted => format!("\"{etag}\""),
        ETagForm::Unquoted => etag.as_str().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: Honoured = Honoured { absent: true, matching: true };

    fn matching() -> Condition {
        Condition::Match(ETag::new("e"))
    }

    #[test]
    fn tags_are_spelled_as_the_store_wants_them() {
        let quoted = Preconditions::of(&matching(), BOTH, ETagForm::Quoted);
        assert_eq!(quoted.if_match.as_deref(), Some("\"e\""));
        let unquoted = Preconditions::of(&matching(), BOTH, ETagForm::Unquoted);
        assert_eq!(unquoted.if_match.as_deref(), Some("e"));
        let absent = Preconditions::of(&Condition::Absent, BOTH, ETagForm::Unquoted);
        assert_eq!(absent.if_none_match.as_deref(), Some("*"));
    }

    #[test]
    fn what_is_not_honoured_is_not_sent() {
        let neither = Honoured { absent: false, matching: false };
        for condition in [Condition::Absent, matching(), Condition::None] {
            assert_eq!(Preconditions::of(&condition, neither, ETagForm::Quoted), Preconditions::default());
        }
    }

    #[test]
    fn copies_have_one_of_two_forms() {
        let (standard, none) =
            of_copy(&matching(), CopyCondition::None, CopyCondition::Standard, ETagForm::Quoted);
        assert_eq!((standard.if_match.as_deref(), none), (Some("\"e\""), None));
        let (standard, cloudflare) =
            of_copy(&Condition::Absent, CopyCondition::Cloudflare, CopyCondition::None, ETagForm::Quoted);
        assert_eq!(standard, Preconditions::default());
        assert_eq!(cloudflare, Some(("cf-copy-destination-if-none-match", "*".to_owned())));
    }
}
