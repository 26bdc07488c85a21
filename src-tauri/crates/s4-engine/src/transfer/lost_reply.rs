//! When a refusal may be the echo of our own success.
//!
//! A request whose reply was lost is sent again, and then meets what its first try wrote. What stands there is ours
//! only if its checksum and everything written beside it are.

use std::sync::Arc;

use s4_core::digest::Digest;
use s4_core::remote::ObjectHead;
use s4_store::error::{StoreError, StoreErrorKind};
use s4_store::store::{Condition, Written};

use super::body;
use super::upload::Destination;
use crate::session::{Session, StepResult};

/// Returns what was written after all, or fails with `error`.
pub(crate) async fn ours_after_all(
    session: &Arc<Session>,
    error: StoreError,
    digest: &Digest,
    to: &Destination,
) -> StepResult<Written> {
    // `Missing` is what an upload says that was completed before.
    let may_be_ours = matches!(
        error.kind,
        StoreErrorKind::PreconditionFailed | StoreErrorKind::Conflict | StoreErrorKind::Missing
    );
    if !may_be_ours || to.condition == Condition::None {
        return Err(error.into());
    }
    match session.store.head(&to.key, None).await {
        Ok(head) if is_what_we_sent(&head, digest, to) => {
            Ok(Written { etag: head.etag, version_id: head.version_id, not_after: head.last_modified })
        }
        Ok(_) | Err(_) => Err(error.into()),
    }
}

/// Returns whether an object is what we sent: content by every checksum there is, and what is written beside it.
fn is_what_we_sent(head: &ObjectHead, digest: &Digest, to: &Destination) -> bool {
    let checksums = [head.crc64nvme.map(|crc| crc == digest.crc64nvme), body::md5_fits(digest, head)];
    let same_content = checksums.contains(&Some(true)) && !checksums.contains(&Some(false));
    same_content && head.size == digest.size && head.metadata == to.attributes.metadata
}
