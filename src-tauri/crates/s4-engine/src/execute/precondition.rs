//! What must hold before an object is changed: as a condition the store enforces, or, where it enforces none, by
//! looking first.
//!
//! Looking first leaves a moment in which another writer can slip in; the weaker guarantee is told when a target is
//! added, and lineage catches what slipped in.

use std::sync::Arc;

use s4_core::key::ObjectKey;
use s4_core::plan::RemoteExpectation;
use s4_core::remote::{ETag, ObjectHead};
use s4_store::error::StoreErrorKind;
use s4_store::store::Condition;

use crate::session::{Session, StepResult, Stop};

/// How an object is to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Writing {
    /// By one PUT.
    Put,
    /// By completing a multipart upload.
    Parts,
}

/// Returns the condition to send for a write, and the ancestors of what it replaces as far as they were looked at.
pub(super) async fn for_write(
    session: &Arc<Session>,
    key: &ObjectKey,
    expectation: &RemoteExpectation,
    writing: Writing,
) -> StepResult<(Condition, Vec<ETag>)> {
    let store = &session.capabilities;
    let is_effective = match (expectation, writing) {
        (RemoteExpectation::Absent, Writing::Put) => store.put_if_none_match,
        (RemoteExpectation::Version(_), Writing::Put) => store.put_if_match,
        (RemoteExpectation::Absent, Writing::Parts) => store.complete_if_none_match,
        (RemoteExpectation::Version(_), Writing::Parts) => store.complete_if_match,
    };
    // Where some writes have no effective condition, all name their whole ancestry: lineage depends on it.
    let needs_ancestors =
        matches!(expectation, RemoteExpectation::Version(_)) && !store.writes_are_conditional();
    if is_effective && !needs_ancestors {
        let condition = match expectation {
            RemoteExpectation::Absent => Condition::Absent,
            RemoteExpectation::Version(etag) => Condition::Match(etag.clone()),
        };
        return Ok((condition, Vec::new()));
    }
    let now = look(session, key).await?;
    match (expectation, now) {
        (RemoteExpectation::Absent, None) => Ok((Condition::None, Vec::new())),
        (RemoteExpectation::Version(etag), Some(head)) if head.etag == *etag => {
            let condition = if is_effective { Condition::Match(etag.clone()) } else { Condition::None };
            Ok((condition, head.metadata.base))
        }
        (RemoteExpectation::Absent | RemoteExpectation::Version(_), _) => {
            Err(Stop::Again("another version stands in the bucket".to_owned()))
        }
    }
}

/// Returns the condition to send for a delete of exactly `etag`; `None` if it is gone already.
async fn for_delete(session: &Arc<Session>, key: &ObjectKey, etag: &ETag) -> StepResult<Option<Condition>> {
    if session.capabilities.delete_if_match {
        return Ok(Some(Condition::Match(etag.clone())));
    }
    match look(session, key).await? {
        Some(head) if head.etag == *etag => Ok(Some(Condition::None)),
        Some(_) => Err(Stop::Again("another version stands in the bucket".to_owned())),
        // Without a condition a delete would take what somebody puts there now.
        None => Ok(None),
    }
}

/// Deletes exactly the version `etag`; succeeds if it is gone already.
pub(super) async fn delete(session: &Arc<Session>, key: &ObjectKey, etag: &ETag) -> StepResult<()> {
    let Some(condition) = for_delete(session, key, etag).await? else { return Ok(()) };
    match session.store.delete(key, &condition).await {
        Err(error) if error.kind != StoreErrorKind::Missing => Err(error.into()),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Returns what stands at `key`; a refusal is not absence.
pub(super) async fn look(session: &Arc<Session>, key: &ObjectKey) -> StepResult<Option<ObjectHead>> {
    match session.store.head(key, None).await {
        Ok(head) => Ok(Some(head)),
        Err(error) if error.kind == StoreErrorKind::Missing => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Succeeds only if nothing stands at `key`: right before a local file is taken away.
pub(super) async fn must_be_absent(session: &Arc<Session>, key: &ObjectKey) -> StepResult<()> {
    match look(session, key).await? {
        None => Ok(()),
        Some(_) => Err(Stop::Again("the object is there after all".to_owned())),
    }
}
