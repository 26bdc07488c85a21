//! Both versions stay: the remote one takes the name, the local one another.

use std::sync::Arc;

use s4_core::local::LocalEntry;
use s4_core::path::{DiskPath, RelPath};
use s4_core::plan::RowChange;
use s4_core::remote::RemoteObject;

use super::receive;
use crate::db::ActivityKind;
use crate::session::{Done, Session, StepResult};
use crate::transfer::download::{self, Fetched};

/// Exchanges the remote version for the local one, which takes the path `conflict` and is uploaded by the next plan.
pub(super) async fn keep_both(
    session: &Arc<Session>,
    path: &RelPath,
    object: &RemoteObject,
    disk: &DiskPath,
    local: &LocalEntry,
    conflict: &RelPath,
) -> StepResult {
    let fetched = download::fetch(session, path, object, disk, |_| Ok(())).await?;
    let Fetched { mut staged, content, head, chunks } = fetched;
    let (at, expected) = (disk.clone(), local.clone());
    let keep_as = disk.with_name(conflict.name());
    // Nothing is lost: an intent names both entries before the exchange; the local one takes a free name only.
    let kept = session
        .blocking(move |session| session.batch.replace_keeping(&mut staged, &at, &expected, &keep_as))
        .await?;
    let row = receive::row(session, path, object, &head, disk, content, kept.fingerprint);
    Ok(Done {
        rows: vec![RowChange::File(path.clone(), Box::new(row))],
        activity: Some((ActivityKind::KeptBoth, object.size)),
        chunks,
        again: true,
        ..Done::default()
    })
}
