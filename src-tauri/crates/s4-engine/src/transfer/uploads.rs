//! Uploads by parts, remembered until they are over.
//!
//! - Parts that nobody completes stay in the bucket, unseen and paid for. So an upload is recorded before its first
//!   part is sent; a later run goes on with it, or gives it up.
//! - It goes on only with the same file, unchanged by its stamps, in the same parts, to replace the same version; and
//!   what was sent counts only if it is what is read now.
//! - Only uploads that this folder began are given up: others may be under way on other computers.

use std::collections::BTreeMap;
use std::sync::Arc;

use s4_core::key::ObjectKey;
use s4_core::local::LocalEntry;
use s4_core::remote::UnixMillis;
use s4_local::folder::Folder;
use s4_store::error::{StoreError, StoreErrorKind};
use s4_store::store::{ObjectAttributes, Part, Store};

use super::upload::Destination;
use crate::db::{OpenUpload, StateDb, UploadSource};
use crate::error::SyncError;
use crate::session::{Session, StepResult, Stop};
use crate::target::Target;

/// How long an upload is waited for, in milliseconds: parts cost money by the day.
const KEPT_MS: u64 = 24 * 60 * 60 * 1000;

/// Begins an upload of parts that are copied within the bucket, and records it.
pub(crate) async fn begin(
    session: &Arc<Session>,
    key: &ObjectKey,
    attributes: &ObjectAttributes,
) -> StepResult<OpenUpload> {
    begin_from(session, key, attributes, None).await
}

/// Goes on with an upload of the same file, or begins one and records it; returns what of it is there, by number.
pub(crate) async fn begin_file(
    session: &Arc<Session>,
    to: &Destination,
    source: UploadSource,
) -> StepResult<(OpenUpload, BTreeMap<u32, Part>)> {
    let open = session.blocking(|session| session.db.open_uploads().map_err(whole)).await?;
    for left in open {
        // What copies within the bucket is another step's.
        if left.key != to.key || left.source.is_none() {
            continue;
        }
        if left.source.as_ref() == Some(&source) && is_recent(&left, session.now) {
            match session.store.parts(&left.key, &left.id).await {
                Ok(parts) => {
                    let parts = parts.into_iter().map(|part| (part.number, part)).collect();
                    return Ok((left, parts));
                }
                Err(error) if error.kind.concerns_whole_store() => return Err(error.into()),
                Err(error) => tracing::debug!(key = %left.key, %error, "an upload begins anew"),
            }
        }
        give_up(session, &left).await;
    }
    let upload = begin_from(session, &to.key, &to.attributes, Some(source)).await?;
    Ok((upload, BTreeMap::new()))
}

async fn begin_from(
    session: &Arc<Session>,
    key: &ObjectKey,
    attributes: &ObjectAttributes,
    source: Option<UploadSource>,
) -> StepResult<OpenUpload> {
    let id = session.store.create_upload(key, attributes).await?;
    let upload = OpenUpload { key: key.clone(), id, source, begun: session.now };
    let begun = upload.clone();
    let recorded = session.blocking(move |session| session.db.begin_upload(&begun).map_err(whole)).await;
    match recorded {
        Ok(()) => Ok(upload),
        Err(stop) => {
            give_up(session, &upload).await;
            Err(stop)
        }
    }
}

/// Forgets a completed upload.
pub(crate) async fn end(session: &Arc<Session>, upload: &OpenUpload) -> StepResult<()> {
    let ended = upload.clone();
    session.blocking(move |session| session.db.end_upload(&ended).map_err(whole)).await
}

/// Gives up an upload whose step stopped, unless the next run can go on with it.
pub(crate) async fn stopped(session: &Arc<Session>, upload: &OpenUpload, stop: &Stop) {
    match stop {
        // The network, the keys, the disk: nothing is said against the upload itself.
        Stop::Whole(_) => {}
        Stop::Again(_) | Stop::Learned(_) | Stop::Path(_, _) => give_up(session, upload).await,
    }
}

/// Gives up an upload that failed. Where that fails too it stays recorded, for the next run.
pub(crate) async fn give_up(session: &Arc<Session>, upload: &OpenUpload) {
    let forgotten = match abort(&*session.store, upload).await {
        Ok(()) => end(session, upload).await.map_err(|stop| format!("{stop:?}")),
        Err(error) => Err(error.to_string()),
    };
    if let Err(why) = forgotten {
        tracing::debug!(key = %upload.key, why, "an upload stays until the next run");
    }
}

async fn abort(store: &dyn Store, upload: &OpenUpload) -> Result<(), StoreError> {
    // Nothing is lost: parts are no object, and their file is still here.
    match store.abort_upload(&upload.key, &upload.id).await {
        Err(error) if error.kind != StoreErrorKind::Missing => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn whole(error: crate::db::DbError) -> Stop {
    Stop::Whole(error.into())
}

/// Returns whether an upload was begun less than a day ago; a clock that jumped makes it an old one.
fn is_recent(upload: &OpenUpload, now: UnixMillis) -> bool {
    now.0.abs_diff(upload.begun.0) < KEPT_MS
}

/// Returns whether a run may still go on with an upload: its file is as it was, or cannot be looked at now.
fn may_go_on(folder: &Folder, upload: &OpenUpload, now: UnixMillis) -> bool {
    let Some(source) = &upload.source else { return false };
    let is_there = match folder.look(&source.disk) {
        Ok(Some(LocalEntry::File(file))) => file.fingerprint == source.fingerprint,
        Ok(Some(LocalEntry::Unreadable(_))) | Err(_) => true,
        Ok(Some(LocalEntry::Dir { .. } | LocalEntry::Symlink(_) | LocalEntry::Special) | None) => false,
    };
    is_there && is_recent(upload, now)
}

impl Target {
    /// Gives up the uploads that an interrupted run left and no other can go on with.
    pub(crate) async fn give_up_left_uploads(&self) -> Result<(), SyncError> {
        let (folder, now) = (self.folder.clone(), self.clock.now());
        self.give_up_uploads_unless(move |upload| may_go_on(&folder, upload, now)).await
    }

    /// Gives up every upload by parts that this folder began: nobody will go on with it.
    pub async fn give_up_uploads(&self) -> Result<(), SyncError> {
        self.give_up_uploads_unless(|_| false).await
    }

    async fn give_up_uploads_unless<F>(&self, is_wanted: F) -> Result<(), SyncError>
    where
        F: Fn(&OpenUpload) -> bool + Send + 'static,
    {
        let db = self.db.clone();
        let useless = self.blocking.run(move || -> Result<Vec<OpenUpload>, SyncError> {
            let mut open = StateDb::open_uploads(&*db)?;
            open.retain(|upload| !is_wanted(upload));
            Ok(open)
        });
        for upload in useless.await?? {
            match abort(&*self.store, &upload).await {
                Ok(()) => self.on_database(move |db| db.end_upload(&upload)).await?,
                Err(error) if error.kind.concerns_whole_store() => return Err(error.into()),
                Err(error) => {
                    tracing::debug!(key = %upload.key, %error, "an upload stays until the next run");
                }
            }
        }
        Ok(())
    }
}
