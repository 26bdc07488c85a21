//! Both versions stay: the remote one takes the name, the local one another.

use s4_core::local::LocalEntry;
use s4_core::path::{DiskPath, RelPath};
use s4_core::plan::RowChange;
use s4_core::remote::RemoteObject;

use super::receive;
use crate::db::ActivityKind;
use crate::session::{Done, Round, StepResult};
use crate::transfer::download::Fetched;

/// Exchanges the remote version, which was brought, for the local one, which takes the path `conflict` and is uploaded
/// by the next plan. Blocks.
pub(super) fn place(
    round: &Round,
    path: &RelPath,
    object: &RemoteObject,
    disk: &DiskPath,
    local: &LocalEntry,
    conflict: &RelPath,
    fetched: Fetched,
) -> StepResult {
    let Fetched { mut staged, content, head, chunks } = fetched;
    let keep_as = disk.with_name(conflict.name());
    // Nothing is lost: an intent names both entries before the exchange; the local one takes a free name only.
    let kept = round.batch.replace_keeping(&mut staged, disk, local, &keep_as)?;
    let row = receive::row(round, path, object, &head, disk, content, kept.fingerprint);
    Ok(Done {
        rows: vec![RowChange::File(path.clone(), Box::new(row))],
        activity: Some((ActivityKind::KeptBoth, object.size)),
        chunks,
        again: true,
        ..Done::default()
    })
}
