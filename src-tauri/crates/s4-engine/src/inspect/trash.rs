//! What a sync replaced or deleted, and the way back.
//!
//! - Bringing back replaces nothing: what has the name now keeps it, and what comes back gets another.
//! - What an interrupted step still needs stays in the trash until the next run has mended it.

use std::sync::Arc;

use s4_core::capabilities::{Capabilities, CopyCondition};
use s4_core::path::{DiskPath, RESERVED_COMPONENT, RelPath};
use s4_core::remote::UnixMillis;
use s4_local::batch::SwapError;
use s4_local::disk::Disk as _;
use s4_local::folder::{Folder, Mounts};
use s4_local::intent::{Intent, IntentError, IntentId, Intents};
use s4_local::real::RealDisk;
use s4_local::trash::TrashItem;
use s4_store::error::StoreErrorKind;
use s4_store::store::{Condition, CopyRequest, GetOptions, Store};

use crate::bucket_trash::{self, TrashedObject};
use crate::db::StateDb as _;
use crate::error::SyncError;
use crate::settings::Settings;
use crate::transfer::body;

/// Names are tried up to this number; beyond it something else is wrong.
const MAX_TRIES: u32 = 1000;
/// Objects up to this length come back through this computer where the store cannot copy with a condition.
const MAX_THROUGH_HERE: u64 = 64 << 20;

/// Why something could not be brought back. It is still in the trash.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// An interrupted step needs it.
    #[error("an interrupted sync still needs it")]
    Needed,
    /// It is no longer there.
    #[error("it is no longer in the trash")]
    Gone,
    /// Something stands where a directory is needed.
    #[error("`{0}` is in the way")]
    InTheWay(DiskPath),
    /// A side cannot be used.
    #[error(transparent)]
    Sync(#[from] SyncError),
}

/// Returns what is in the folder's own trash, the oldest first, and what could not be read there.
pub fn in_folder(settings: &Settings) -> Result<(Vec<TrashItem>, Vec<String>), SyncError> {
    let disk = RealDisk::open(&settings.folder)?;
    if disk.lstat(&DiskPath::new(RESERVED_COMPONENT))?.is_none() {
        // Never synced: opening the folder would make what is missing.
        return Ok((Vec::new(), Vec::new()));
    }
    let (items, problems) = open(settings)?.list_trash();
    Ok((items, problems.iter().map(ToString::to_string).collect()))
}

/// Returns what is in the bucket's trash, the oldest first.
pub async fn in_bucket(settings: &Settings, store: &dyn Store) -> Result<Vec<TrashedObject>, SyncError> {
    bucket_trash::list(store, &settings.prefix).await
}

/// Returns the name under which a deletion is known: `<time>-<number>`.
pub fn id_of(item: &TrashItem) -> &str {
    let top = item.place.as_str().strip_suffix(item.original.as_str()).unwrap_or(item.place.as_str());
    top.trim_end_matches('/').rsplit('/').next().unwrap_or(top)
}

/// Brings a file back into the folder, under its own name or a free one beside it, and returns which.
pub fn restore_in_folder(
    settings: &Settings,
    item: &TrashItem,
    now: UnixMillis,
) -> Result<DiskPath, RestoreError> {
    if is_needed(settings, &item.place)? {
        return Err(RestoreError::Needed);
    }
    let batch = open(settings)?.batch(Arc::new(NoIntents), now);
    let mut above = Vec::new();
    let mut directory = item.original.parent();
    while let Some(path) = directory {
        directory = path.parent();
        above.push(path);
    }
    for path in above.iter().rev() {
        batch.create_dir(path).map_err(|error| in_the_way(error, path))?;
    }
    for n in 0..MAX_TRIES {
        let to = item.original.with_name(&name(item.original.name(), now, n));
        match batch.rescue(&item.place, &to) {
            Ok(_) => {
                batch.sync().map_err(SyncError::from)?;
                return Ok(to);
            }
            Err(SwapError::Occupied { .. }) => {}
            Err(SwapError::Changed { .. }) => return Err(RestoreError::Gone),
            Err(error) => return Err(in_the_way(error, &to)),
        }
    }
    Err(RestoreError::InTheWay(item.original.clone()))
}

/// Brings an object back in the bucket, under its own key or a free one beside it, and returns its path.
///
/// The copy in the trash stays until its time is over.
pub async fn restore_in_bucket(
    settings: &Settings,
    store: &dyn Store,
    capabilities: &Capabilities,
    trashed: &TrashedObject,
    now: UnixMillis,
) -> Result<RelPath, RestoreError> {
    for n in 0..MAX_TRIES {
        let path = trashed.path.with_name(&name(trashed.path.name(), now, n));
        match bring_back(settings, store, capabilities, trashed, &path).await {
            Ok(()) => return Ok(path),
            Err(error) if error.kind == StoreErrorKind::PreconditionFailed => {}
            Err(error) if error.kind == StoreErrorKind::Missing => return Err(RestoreError::Gone),
            Err(error) => return Err(RestoreError::Sync(error.into())),
        }
    }
    Err(RestoreError::InTheWay(DiskPath::from(&trashed.path)))
}

/// Creates the object at `path`, or fails with a precondition that does not hold if something stands there.
async fn bring_back(
    settings: &Settings,
    store: &dyn Store,
    capabilities: &Capabilities,
    trashed: &TrashedObject,
    path: &RelPath,
) -> s4_store::error::Result<()> {
    let key = settings.prefix.file_key(path);
    let etag = trashed.object.etag.clone();
    let copies_if_absent = capabilities.copy_if_none_match != CopyCondition::None;
    if !copies_if_absent && capabilities.put_if_none_match && trashed.object.size <= MAX_THROUGH_HERE {
        let options = GetOptions { if_match: Some(etag), ..GetOptions::default() };
        let reply = store.get(&trashed.object.key, options).await?;
        let attributes = s4_store::store::ObjectAttributes {
            metadata: reply.head.metadata.clone(),
            content_type: s4_store::content_type::content_type(path.name()).map(str::to_owned),
        };
        let bytes = body::collect(reply, MAX_THROUGH_HERE).await?;
        let crc64nvme = s4_core::digest::Digest::of(&bytes).crc64nvme;
        store.put(&key, bytes.into(), crc64nvme, &attributes, &Condition::Absent).await?;
        return Ok(());
    }
    if !copies_if_absent {
        // The store has no condition for this: look first.
        match store.head(&key, None).await {
            Ok(_) => {
                let taken = StoreErrorKind::PreconditionFailed;
                return Err(s4_store::error::StoreError::new(taken, "CopyObject", &key, "the key is taken"));
            }
            Err(error) if error.kind == StoreErrorKind::Missing => {}
            Err(error) => return Err(error),
        }
    }
    let request = CopyRequest {
        source: trashed.object.key.clone(),
        source_version: None,
        source_if_match: capabilities.copy_source_if_match.then_some(etag),
        destination: key,
        condition: if copies_if_absent { Condition::Absent } else { Condition::None },
        attributes: None,
    };
    store.copy(&request).await.map(|_| ())
}

fn open(settings: &Settings) -> Result<Folder, SyncError> {
    let mounts = if settings.cross_mounts { Mounts::Cross } else { Mounts::Stay };
    Ok(Folder::open(Arc::new(RealDisk::open(&settings.folder)?), mounts)?)
}

/// Returns whether a recorded intent names this place: mending the interrupted step needs what lies there.
fn is_needed(settings: &Settings, place: &DiskPath) -> Result<bool, SyncError> {
    let Some(db) = super::memory(settings)? else { return Ok(false) };
    let names = |intent: &Intent| {
        intent.parked_at == *place
            || matches!(&intent.kind, s4_local::intent::IntentKind::Replace { trash, .. } if trash == place)
    };
    Ok(db.intents()?.iter().any(|(_, intent)| names(intent)))
}

fn in_the_way(error: SwapError, path: &DiskPath) -> RestoreError {
    match error {
        SwapError::Occupied { path } => RestoreError::InTheWay(path),
        SwapError::Disk(error) => RestoreError::Sync(error.into()),
        SwapError::Changed { .. } => RestoreError::Gone,
        SwapError::Parked { .. } | SwapError::Intent(_) => RestoreError::InTheWay(path.clone()),
    }
}

/// Returns the name itself, or `stem (restored DATE[ n]).ext`.
fn name(name: &str, now: UnixMillis, n: u32) -> String {
    let (stem, extension) = match name.rfind('.') {
        Some(dot) if dot > 0 => name.split_at(dot),
        Some(_) | None => (name, ""),
    };
    let date = crate::clock::date_of(now);
    match n {
        0 => name.to_owned(),
        1 => format!("{stem} (restored {date}){extension}"),
        n => format!("{stem} (restored {date} {n}){extension}"),
    }
}

/// Restoring is one rename to a free name: no step of it needs an intent.
struct NoIntents;

impl Intents for NoIntents {
    fn record(&self, _intent: &Intent) -> Result<IntentId, IntentError> {
        Err(IntentError("restoring records nothing".into()))
    }
}

#[cfg(test)]
mod tests {
    use super::{UnixMillis, name};

    #[test]
    fn names_of_what_comes_back() {
        let now = UnixMillis(1_795_132_800_000);
        assert_eq!(name("a.txt", now, 0), "a.txt");
        assert_eq!(name("a.txt", now, 1), "a (restored 2026-11-20).txt");
        assert_eq!(name(".profile", now, 2), ".profile (restored 2026-11-20 2)");
    }
}
