//! The records outside: what this computer knows of the folders it has synced.
//!
//! - One record for each root, replaced as a whole and durably.
//! - A record that cannot be read is none: the folder goes on under a new replica id.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::mark::is_id;

/// What is known of one root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The identity of the root.
    pub root_id: String,
    /// The number of the last run from here.
    pub generation: u64,
    /// The computer that ran it.
    pub machine_id: String,
    /// Where the folder was then, as [`folder_name`] gives it.
    pub folder: String,
}

/// The records could not be used.
#[derive(Debug, thiserror::Error)]
#[error("can't use `{}`: {source}", path.display())]
pub struct RecordError {
    /// The file or directory.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

/// Keeps records where neither a restored nor a copied folder takes them along.
pub trait RecordStore: Send + Sync {
    /// Returns the record of a root.
    fn of_root(&self, root_id: &str) -> Result<Option<Record>, RecordError>;

    /// Returns the records of all roots that were at `folder` when they were last synced from here.
    ///
    /// There may be several: drives take turns at one place.
    fn of_folder(&self, folder: &str) -> Result<Vec<Record>, RecordError>;

    /// Keeps a record in place of the one that its root had; returns once it is durable.
    fn put(&self, record: &Record) -> Result<(), RecordError>;

    /// Drops the record of a root.
    fn forget(&self, root_id: &str) -> Result<(), RecordError>;
}

/// Returns the name by which records know a folder; its path has all links resolved.
pub fn folder_name(folder: &Path) -> String {
    folder.to_string_lossy().into_owned()
}

/// Records in a directory of the disk, one file each.
#[derive(Clone, Debug)]
pub struct DirectoryRecords {
    directory: PathBuf,
}

impl DirectoryRecords {
    /// Returns the records in the platform's state directory; it is created when the first one is put there.
    pub fn new(state_dir: &Path) -> Self {
        Self { directory: state_dir.join("replicas") }
    }

    fn path(&self, root_id: &str) -> Result<PathBuf, RecordError> {
        let path = self.directory.join(format!("{root_id}.json"));
        // A mark from anywhere must not name a file anywhere.
        if is_id(root_id) { Ok(path) } else { Err(at(&path)(io::ErrorKind::InvalidInput.into())) }
    }

    fn write(&self, path: &Path, text: &str) -> io::Result<()> {
        create_private_dir(&self.directory)?;
        let staged = path.with_extension("new");
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&staged)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        drop(file);
        fs::rename(&staged, path)?;
        sync_directory(&self.directory)
    }
}

impl RecordStore for DirectoryRecords {
    fn of_root(&self, root_id: &str) -> Result<Option<Record>, RecordError> {
        let path = self.path(root_id)?;
        Ok(read(&path).map_err(at(&path))?.filter(|record| record.root_id == root_id))
    }

    fn of_folder(&self, folder: &str) -> Result<Vec<Record>, RecordError> {
        let failed = at(&self.directory);
        let entries = match fs::read_dir(&self.directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        let mut records = Vec::new();
        for entry in entries {
            let path = entry.map_err(&failed)?.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                records.extend(read(&path).map_err(at(&path))?.filter(|record| record.folder == folder));
            }
        }
        records.sort_by(|left, right| left.root_id.cmp(&right.root_id));
        Ok(records)
    }

    fn put(&self, record: &Record) -> Result<(), RecordError> {
        let path = self.path(&record.root_id)?;
        let text = serde_json::to_string_pretty(record).map_err(io::Error::other);
        text.and_then(|text| self.write(&path, &text)).map_err(at(&path))
    }

    fn forget(&self, root_id: &str) -> Result<(), RecordError> {
        let path = self.path(root_id)?;
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(&path)(error)),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

/// Records in memory, for tests and simulations. Cloning shares them.
#[derive(Clone, Debug, Default)]
pub struct MemoryRecords {
    records: Arc<Mutex<BTreeMap<String, Record>>>,
}

impl MemoryRecords {
    /// Returns no records.
    pub fn new() -> Self {
        Self::default()
    }

    fn with<T>(&self, work: impl FnOnce(&mut BTreeMap<String, Record>) -> T) -> T {
        work(&mut self.records.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl RecordStore for MemoryRecords {
    fn of_root(&self, root_id: &str) -> Result<Option<Record>, RecordError> {
        Ok(self.with(|records| records.get(root_id).cloned()))
    }

    fn of_folder(&self, folder: &str) -> Result<Vec<Record>, RecordError> {
        let is_here = |record: &&Record| record.folder == folder;
        Ok(self.with(|records| records.values().filter(is_here).cloned().collect()))
    }

    fn put(&self, record: &Record) -> Result<(), RecordError> {
        self.with(|records| records.insert(record.root_id.clone(), record.clone()));
        Ok(())
    }

    fn forget(&self, root_id: &str) -> Result<(), RecordError> {
        self.with(|records| records.remove(root_id));
        Ok(())
    }
}

fn read(path: &Path) -> io::Result<Option<Record>> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    match serde_json::from_slice(&text) {
        Ok(record) => Ok(Some(record)),
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "a record cannot be read and counts as none");
            Ok(None)
        }
    }
}

fn at(path: &Path) -> impl Fn(io::Error) -> RecordError {
    let path = path.to_owned();
    move |source| RecordError { path: path.clone(), source }
}

/// Creates a directory, and those above it, for their owner only.
pub(super) fn create_private_dir(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

#[cfg(unix)]
fn sync_directory(directory: &Path) -> io::Result<()> {
    fs::File::open(directory)?.sync_all()
}

/// Windows has no such call: its renames are written through the file system's own journal.
#[cfg(not(unix))]
fn sync_directory(_directory: &Path) -> io::Result<()> {
    Ok(())
}
