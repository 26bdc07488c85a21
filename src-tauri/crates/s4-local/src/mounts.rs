//! The mounts below the root that were synced with the folder: when nothing is mounted there, nothing is known of
//! what they hold.
//!
//! - Each is recorded in the root's own `.s4/mounts` when it was first entered, whole before it has its name.
//! - Where nothing is mounted now, or another disk, the place is neither present nor absent.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use s4_core::digest::Digest;
use s4_core::path::{DiskPath, RESERVED_COMPONENT};

use crate::disk::{Disk, DiskResult, EntryName, Kind, child, directory_of, root};
use crate::error::{DiskError, DiskErrorKind};
use crate::folder::{Folder, PARTIAL, make_own_dir, own};

/// The directory of the records in the root's `.s4`.
const MOUNTS: &str = "mounts";
/// Why nothing is known of a place where nothing is mounted now.
pub(crate) const LOST: &str = "what was mounted here is gone; mount it again, or reset the target";
/// No path is longer, in bytes.
const MOST_BYTES: usize = 64 << 10;

/// The tops of the mounts that were synced with the folder.
#[derive(Default)]
pub(crate) struct KnownMounts(Mutex<BTreeSet<DiskPath>>);

impl KnownMounts {
    /// Reads the records of a folder.
    pub(crate) fn read(disk: &dyn Disk) -> DiskResult<Self> {
        let directory = own(&root(), MOUNTS);
        let mut records = Vec::new();
        let listed = disk.read_dir(&directory, &mut |item| {
            if let EntryName::Text(name) = item.name {
                records.push(directory.join(&name));
            }
        });
        match listed {
            Err(error) if error.kind == DiskErrorKind::Missing => return Ok(Self::default()),
            listed => listed?,
        }
        let tops: DiskResult<BTreeSet<DiskPath>> = records.iter().map(|record| read(disk, record)).collect();
        Ok(Self(Mutex::new(tops?)))
    }

    fn with<T>(&self, work: impl FnOnce(&mut BTreeSet<DiskPath>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Folder {
    /// Forgets every mount that was synced with the folder: what is at their places now is what is there.
    pub fn forget_mounts(&self) -> DiskResult<()> {
        for top in self.known_mounts() {
            match self.disk().unlink(&record_of(&top)) {
                Err(error) if error.kind != DiskErrorKind::Missing => return Err(error),
                Ok(()) | Err(_) => {}
            }
            self.mounts_known().with(|known| known.remove(&top));
        }
        Ok(())
    }

    /// Returns the mounts that were synced with the folder.
    pub(crate) fn known_mounts(&self) -> Vec<DiskPath> {
        self.mounts_known().with(|known| known.iter().cloned().collect())
    }

    /// Returns whether `path` is, or lies on, a mount that was synced with the folder and is not there now.
    pub(crate) fn is_lost(&self, path: &DiskPath) -> DiskResult<bool> {
        for top in self.known_mounts() {
            if (*path == top || path.is_below(&top)) && !self.is_mounted(&top)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Fails if `path` lies on a mount that is not there now.
    pub(crate) fn must_not_be_lost(&self, path: &DiskPath) -> DiskResult<()> {
        match self.is_lost(path)? {
            true => Err(DiskError::new(DiskErrorKind::Busy, "work on", path, LOST)),
            false => Ok(()),
        }
    }

    /// Records a mount that has a `.s4` of its own by now.
    pub(crate) fn remember_mount(&self, top: &DiskPath) -> DiskResult<()> {
        if self.mounts_known().with(|known| known.contains(top)) {
            return Ok(());
        }
        let record = record_of(top);
        make_own_dir(self.disk().as_ref(), &directory_of(&record))?;
        let staged = own(&root(), PARTIAL).join(&format!("mount-{}", record.name()));
        match self.disk().unlink(&staged) {
            // What a crash left there is our own.
            Err(error) if error.kind != DiskErrorKind::Missing => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let handle = self.disk().create(&staged)?;
        handle.write_at(top.as_str().as_bytes(), 0)?;
        handle.sync()?;
        match self.disk().rename(&staged, &record) {
            Err(error) if error.kind != DiskErrorKind::Occupied => return Err(error),
            Ok(()) | Err(_) => {}
        }
        self.disk().sync_dir(&directory_of(&record))?;
        self.disk().sync_dir(&child(&root(), RESERVED_COMPONENT))?;
        self.mounts_known().with(|known| known.insert(top.clone()));
        Ok(())
    }

    /// Returns whether the disk with our `.s4` is mounted at `top`: another disk there is not the one that was.
    fn is_mounted(&self, top: &DiskPath) -> DiskResult<bool> {
        let (Some(stat), Some(above)) = (self.disk().lstat(top)?, self.disk().lstat(&directory_of(top))?)
        else {
            return Ok(false);
        };
        let is_ours = |stat: crate::disk::Stat| stat.kind == Kind::Dir;
        Ok(stat.is_mounted_apart_from(&above.mount)
            && self.disk().lstat(&child(top, RESERVED_COMPONENT))?.is_some_and(is_ours))
    }
}

/// Returns where a mount is recorded.
fn record_of(top: &DiskPath) -> DiskPath {
    let hash = Digest::of(top.as_str().as_bytes()).blake3;
    let name: String = hash[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    own(&root(), MOUNTS).join(&name)
}

/// Returns the mount that a record names.
fn read(disk: &dyn Disk, record: &DiskPath) -> DiskResult<DiskPath> {
    let handle = disk.open(record)?;
    let mut bytes = vec![0; MOST_BYTES];
    let mut length = 0;
    while length < MOST_BYTES {
        match handle.read_at(&mut bytes[length..], length as u64)? {
            0 => break,
            count => length += count,
        }
    }
    bytes.truncate(length);
    let unreadable = |_| DiskError::new(DiskErrorKind::Other, "read", record, "it names no path");
    String::from_utf8(bytes).map(DiskPath::new).map_err(unreadable)
}
