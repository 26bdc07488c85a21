//! What the tests share: a folder on the real disk or in memory, with intents that survive a crash.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use s4_core::local::LocalEntry;
use s4_core::path::DiskPath;
use s4_core::remote::UnixMillis;
use s4_local::batch::Batch;
use s4_local::disk::Disk;
use s4_local::folder::{Folder, Mounts};
use s4_local::intent::{Intent, IntentError, IntentId, Intents};
use s4_local::real::RealDisk;
use s4_local::staging::{Staged, SyncMode};

pub(crate) fn path(text: &str) -> DiskPath {
    DiskPath::new(text)
}

/// Intents in memory, taken as durable once recorded.
#[derive(Default)]
pub(crate) struct Recorded {
    open: Mutex<BTreeMap<IntentId, Intent>>,
}

impl Intents for Recorded {
    fn record(&self, intent: &Intent) -> Result<IntentId, IntentError> {
        let mut open = self.open.lock().unwrap();
        let id = IntentId(open.keys().next_back().map_or(1, |id| id.0 + 1));
        open.insert(id, intent.clone());
        Ok(id)
    }
}

impl Recorded {
    pub(crate) fn open(&self) -> Vec<(IntentId, Intent)> {
        self.open.lock().unwrap().iter().map(|(id, intent)| (*id, intent.clone())).collect()
    }

    pub(crate) fn clear(&self, ids: impl IntoIterator<Item = IntentId>) {
        let mut open = self.open.lock().unwrap();
        for id in ids {
            open.remove(&id);
        }
    }
}

/// A folder of the real disk in a temporary directory.
pub(crate) struct RealWorld {
    pub(crate) folder: Folder,
    pub(crate) intents: Arc<Recorded>,
    directory: tempfile::TempDir,
}

impl RealWorld {
    pub(crate) fn new() -> Self {
        Self::with(|disk| disk)
    }

    /// Wraps the disk, for instance to race at named steps.
    pub(crate) fn with(wrap: impl FnOnce(Arc<dyn Disk>) -> Arc<dyn Disk>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let disk: Arc<dyn Disk> = Arc::new(RealDisk::open(directory.path()).unwrap());
        let folder = Folder::open(wrap(disk), Mounts::Stay).unwrap();
        Self { folder, intents: Arc::default(), directory }
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: &str) -> LocalEntry {
        std::fs::write(self.file(name), content).unwrap();
        self.look(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.file(name)).unwrap()
    }

    pub(crate) fn look(&self, name: &str) -> LocalEntry {
        self.folder.look(&path(name)).unwrap().unwrap()
    }

    pub(crate) fn stage(&self, name: &str, content: &str) -> Staged {
        stage(&self.folder, name, content)
    }

    pub(crate) fn batch(&self) -> Batch {
        self.folder.batch(self.intents.clone(), UnixMillis(1_700_000_000_000))
    }
}

/// Stages `content` under a partial named after it.
pub(crate) fn stage(folder: &Folder, name: &str, content: &str) -> Staged {
    let partial = folder.stage(&path(name), &format!("{}.part", name.replace('/', "-"))).unwrap();
    partial.write_at(content.as_bytes(), 0).unwrap();
    partial.finish(1_600_000_000_000_000_000, false, SyncMode::Each).unwrap()
}
