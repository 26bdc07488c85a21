//! Uploads by parts, remembered until they are over.
//!
//! - Parts that nobody completes stay in the bucket, unseen and paid for. So an upload is recorded before its first
//!   part is sent, and what a killed run left is given up by the next one.
//! - Only uploads that this folder began are given up: others may be under way on other computers.

use std::sync::Arc;

use s4_core::key::ObjectKey;
use s4_store::error::{StoreError, StoreErrorKind};
use s4_store::store::{ObjectAttributes, Store};

use crate::db::{OpenUpload, StateDb};
use crate::error::SyncError;
use crate::session::{Session, StepResult, Stop};
use crate::target::Target;

/// Begins an upload and records it.
pub(crate) async fn begin(
    session: &Arc<Session>,
    key: &ObjectKey,
    attributes: &ObjectAttributes,
) -> StepResult<OpenUpload> {
    let id = session.store.create_upload(key, attributes).await?;
    let upload = OpenUpload { key: key.clone(), id, source: None, begun: session.now };
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

impl Target {
    /// Gives up the uploads that an interrupted run left.
    pub(crate) async fn give_up_left_uploads(&self) -> Result<(), SyncError> {
        for upload in self.on_database(StateDb::open_uploads).await? {
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
