//! Downloads that outlive their run: a partial whose first bytes are safe, and the record that says how many.
//!
//! - A record says no more than was flushed; what lies behind that is fetched again, what lies before is hashed again.
//! - It is forgotten before its partial takes a name: from then on the file is a person's, and nothing here opens it.
//! - A partial of another version is of no use to anybody, and goes.

use std::ops::Range;
use std::sync::Arc;

use s4_core::path::DiskPath;
use s4_core::remote::RemoteObject;
use s4_local::staging::Partial;

use super::aside::aside;
use super::hashing::{CACHED_BYTES, ContentHasher};
use crate::db::OpenDownload;
use crate::session::{Session, StepResult, Stop};

/// Bytes that are hashed before others have their turn.
const TURN_BYTES: u64 = 8 << 20;

/// Whether an earlier run's bytes may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resume {
    /// They may: the object has a checksum that will tell if they are wrong.
    IfThere,
    /// Everything is fetched.
    Never,
}

/// A partial under way.
#[derive(Clone)]
pub(super) struct Download {
    pub(super) partial: Arc<Partial>,
    /// What is on record of it.
    pub(super) record: OpenDownload,
}

/// Opens what an earlier run left of this version, or begins anew.
pub(super) async fn open(
    session: &Arc<Session>,
    object: &RemoteObject,
    disk: &DiskPath,
    resume: Resume,
) -> StepResult<Download> {
    let (object, disk) = (object.clone(), disk.clone());
    session
        .blocking(move |session| -> StepResult<_> {
            let mut resumed = None;
            for record in session.db.open_downloads().map_err(whole)? {
                if record.disk != disk {
                    continue;
                }
                let is_wanted = resume == Resume::IfThere
                    && resumed.is_none()
                    && record.key == object.key
                    && record.etag == object.etag
                    && record.durable <= object.size;
                match left(session, &record) {
                    Some(partial) if is_wanted => {
                        partial.keep();
                        resumed = Some(Download { partial: Arc::new(partial), record });
                    }
                    // Nothing is lost: dropping removes our own partial, and the object can be read again.
                    Some(_) | None => session.db.end_download(&record.partial).map_err(whole)?,
                }
            }
            if let Some(resumed) = resumed {
                return Ok(resumed);
            }
            let name = session.partial_name();
            let partial = Arc::new(session.folder().stage(&disk, &name)?);
            let (key, etag) = (object.key, object.etag);
            Ok(Download { partial, record: OpenDownload { partial: name, disk, key, etag, durable: 0 } })
        })
        .await
}

/// Returns what an earlier run left, cut to what surely survived; `None` if that is not all there.
fn left(session: &Session, record: &OpenDownload) -> Option<Partial> {
    let partial = session.folder().resume(&record.disk, &record.partial).ok()??;
    let is_whole = partial.size().is_ok_and(|size| size >= record.durable);
    (is_whole && partial.set_size(record.durable).is_ok()).then_some(partial)
}

impl Download {
    /// Hashes what the partial holds there.
    pub(super) async fn hash(
        &self,
        session: &Arc<Session>,
        mut hasher: ContentHasher,
        range: Range<u64>,
    ) -> StepResult<ContentHasher> {
        let mut at = range.start;
        while at < range.end {
            let (partial, end) = (self.partial.clone(), range.end.min(at + TURN_BYTES));
            hasher = aside(session, move |_| -> StepResult<_> {
                let mut buffer = vec![0; CACHED_BYTES];
                while at < end {
                    let wanted = usize::try_from(end - at).unwrap_or(CACHED_BYTES).min(CACHED_BYTES);
                    match partial.read_at(&mut buffer[..wanted], at)? {
                        0 => return Err(Stop::Again("a partial became shorter".to_owned())),
                        count => {
                            hasher.update(&buffer[..count]);
                            at += count as u64;
                        }
                    }
                }
                Ok(hasher)
            })
            .await?;
            at = end;
        }
        Ok(hasher)
    }

    /// Makes what was written safe, then records that its first `durable` bytes are.
    pub(super) fn make_durable(&self, session: &Session, durable: u64) -> StepResult<()> {
        self.partial.sync()?;
        let record = OpenDownload { durable, ..self.record.clone() };
        session.db.record_download(&record).map_err(whole)?;
        self.partial.keep();
        s4_local::failpoint::hit("download:recorded");
        Ok(())
    }

    /// Forgets the record, whatever becomes of the partial.
    pub(super) async fn forget(&self, session: &Arc<Session>) -> StepResult<()> {
        let name = self.record.partial.clone();
        session.blocking(move |session| session.db.end_download(&name).map_err(whole)).await
    }

    /// Removes the partial, and forgets it.
    pub(super) async fn give_up(self, session: &Arc<Session>) -> StepResult<()> {
        self.partial.discard();
        self.forget(session).await
    }
}

fn whole(error: crate::db::DbError) -> Stop {
    Stop::Whole(error.into())
}
