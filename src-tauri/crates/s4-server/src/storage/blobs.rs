//! The files that hold large contents, each under a random name. Decides when a file may go.
//!
//! - A blob is written once, flushed, and never changed.
//! - A blob whose content was not committed is removed; one missed by a kill is removed at the next start.
//! - A blob that someone reads is removed only after the last reader ended.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use rusqlite::types::{FromSql, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension as _};
use uuid::Uuid;

use crate::data_folder::{create_private_folder, private, sync_folder};
use crate::storage::StorageError;

/// The name of a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct BlobId(Uuid);

impl ToSql for BlobId {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::from(self.0.as_bytes().as_slice()))
    }
}

impl FromSql for BlobId {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        <[u8; 16]>::column_result(value).map(|bytes| Self(Uuid::from_bytes(bytes)))
    }
}

/// The folder of blobs.
pub(crate) struct Blobs {
    folder: PathBuf,
    pins: Mutex<Pins>,
    /// Held for reading from looking a content up until its blobs are pinned, and for writing while
    /// the blobs that a commit freed are sorted into removable and pinned ones.
    gate: RwLock<()>,
}

#[derive(Default)]
struct Pins {
    readers: HashMap<BlobId, usize>,
    doomed: HashSet<BlobId>,
}

impl Blobs {
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        create_private_folder(folder)?;
        Ok(Self { folder: folder.to_owned(), pins: Mutex::default(), gate: RwLock::default() })
    }

    fn path(&self, id: BlobId) -> PathBuf {
        self.folder.join(id.0.simple().to_string())
    }

    fn pins(&self) -> MutexGuard<'_, Pins> {
        self.pins.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Creates an empty blob to be filled.
    pub(crate) fn create(self: &Arc<Self>) -> io::Result<(NewBlob, File)> {
        let id = BlobId(Uuid::new_v4());
        let file = private(OpenOptions::new().write(true).create_new(true)).open(self.path(id))?;
        Ok((NewBlob { blobs: Arc::clone(self), id, fate: Fate::Remove }, file))
    }

    pub(crate) fn open_blob(&self, id: BlobId) -> io::Result<File> {
        File::open(self.path(id))
    }

    /// Makes the names of all blobs created so far survive a power cut.
    pub(crate) fn sync_names(&self) -> io::Result<()> {
        sync_folder(&self.folder)
    }

    /// Keeps commits from removing blobs until the guard is dropped: look the content up and pin it meanwhile.
    pub(crate) fn hold(&self) -> RwLockReadGuard<'_, ()> {
        self.gate.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps these blobs until the pin is dropped. Call it under [`hold`](Self::hold).
    pub(crate) fn pin(self: &Arc<Self>, ids: Vec<BlobId>) -> Pin {
        let mut pins = self.pins();
        for id in &ids {
            *pins.readers.entry(*id).or_default() += 1;
        }
        drop(pins);
        Pin { blobs: Arc::clone(self), ids }
    }

    /// Removes blobs that nothing in the committed index refers to, or lets their last reader do so.
    pub(crate) fn release(&self, freed: &[BlobId]) {
        let removable: Vec<_> = {
            let _alone = self.gate.write().unwrap_or_else(PoisonError::into_inner);
            let mut pins = self.pins();
            let (pinned, free): (Vec<_>, Vec<_>) =
                freed.iter().partition(|id| pins.readers.contains_key(*id));
            pins.doomed.extend(pinned);
            free
        };
        for id in removable {
            self.remove(id);
        }
    }

    fn remove(&self, id: BlobId) {
        // A blob that stays behind costs space until the next start finds it; no answer depends on it.
        if let Err(error) = fs::remove_file(self.path(id)) {
            tracing::warn!(blob = %id.0, %error, "can't remove a blob");
        }
    }

    /// Removes the files that the index does not refer to: what a kill left behind.
    pub(crate) fn collect_orphans(&self, connection: &Connection) -> Result<(), StorageError> {
        let mut known = connection.prepare("SELECT 1 FROM segment WHERE blob = ? LIMIT 1")?;
        for entry in fs::read_dir(&self.folder)? {
            let name = entry?.file_name();
            // What is not named like a blob was not made here, so it is not ours to remove.
            let Some(id) = name.to_str().and_then(|name| Uuid::try_parse(name).ok()).map(BlobId) else {
                continue;
            };
            if known.query_row([id], |_| Ok(())).optional()?.is_none() {
                self.remove(id);
            }
        }
        Ok(())
    }
}

/// A blob that is not yet part of the index. Dropping it removes its file, unless it was kept.
pub(crate) struct NewBlob {
    blobs: Arc<Blobs>,
    id: BlobId,
    fate: Fate,
}

enum Fate {
    Remove,
    Stay,
}

impl NewBlob {
    pub(crate) fn id(&self) -> BlobId {
        self.id
    }

    /// Leaves the file where it is: the index refers to it, or may do so.
    pub(crate) fn keep(mut self) {
        self.fate = Fate::Stay;
    }
}

impl Drop for NewBlob {
    fn drop(&mut self) {
        match self.fate {
            Fate::Remove => self.blobs.remove(self.id),
            Fate::Stay => {}
        }
    }
}

/// Keeps blobs readable. Dropping the last pin of a blob that was freed meanwhile removes its file.
pub(crate) struct Pin {
    blobs: Arc<Blobs>,
    ids: Vec<BlobId>,
}

impl Pin {
    pub(crate) fn open_blob(&self, id: BlobId) -> io::Result<File> {
        self.blobs.open_blob(id)
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        let mut gone = Vec::new();
        {
            let mut pins = self.blobs.pins();
            for id in &self.ids {
                let left = pins.readers.get_mut(id).map_or(0, |readers| {
                    *readers -= 1;
                    *readers
                });
                if left == 0 {
                    pins.readers.remove(id);
                    if pins.doomed.remove(id) {
                        gone.push(*id);
                    }
                }
            }
        }
        for id in gone {
            self.blobs.remove(id);
        }
    }
}
