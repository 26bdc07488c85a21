//! What the tests share: a folder on the real disk or in memory, with intents that survive a crash.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use s4_core::local::LocalEntry;
use s4_core::path::DiskPath;
use s4_core::remote::UnixMillis;
use s4_core::traits::DiskTraits;
use s4_local::batch::{Batch, SwapError};
use s4_local::cleaning::Leftovers;
use s4_local::disk::{Disk, DiskResult};
use s4_local::folder::{Folder, Mounts};
use s4_local::intent::{Intent, IntentError, IntentId, Intents};
use s4_local::memory::MemoryDisk;
use s4_local::real::RealDisk;
use s4_local::resolve::Outcome;
use s4_local::staging::{Staged, SyncMode};
use s4_local::trash::TrashedEntry;

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

/// Stages `content` under a partial named after its destination.
pub(crate) fn stage(folder: &Folder, name: &str, content: &str) -> Staged {
    try_stage(folder, name, content).unwrap()
}

pub(crate) fn try_stage(folder: &Folder, name: &str, content: &str) -> DiskResult<Staged> {
    let partial = folder.stage(&path(name), &format!("{}.part", name.replace('/', "-")))?;
    partial.write_at(content.as_bytes(), 0)?;
    partial.finish(1_600_000_000_000_000_000, false, SyncMode::Each)
}

/// A folder in memory that can crash, and what must survive it.
pub(crate) struct MemoryWorld {
    pub(crate) disk: MemoryDisk,
    pub(crate) intents: Arc<Recorded>,
}

/// How a world starts again.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Crash {
    Reboot,
    PowerCut,
}

impl MemoryWorld {
    /// Makes a durable folder with these files.
    pub(crate) fn new(traits: DiskTraits, files: &[(&str, &str)]) -> Self {
        let disk = MemoryDisk::new(traits);
        for (name, content) in files {
            disk.write(name, content.as_bytes());
        }
        // Old enough for no stamp to be racy.
        disk.set_clock(1_700_000_100_000_000_000);
        let world = Self { disk, intents: Arc::default() };
        world.folder();
        world.disk.settle();
        world
    }

    pub(crate) fn folder(&self) -> Folder {
        Folder::open(Arc::new(self.disk.clone()), Mounts::Stay).unwrap()
    }

    pub(crate) fn batch(&self, folder: &Folder) -> Batch {
        folder.batch(self.intents.clone(), UnixMillis(1_700_000_000_000))
    }

    /// Syncs a batch and clears what it settled, as the engine does with its rows.
    pub(crate) fn commit(&self, batch: &Batch) -> Result<(), SwapError> {
        self.intents.clear(batch.sync()?);
        Ok(())
    }

    pub(crate) fn restart(&self, crash: Crash) {
        match crash {
            Crash::Reboot => self.disk.reboot(),
            Crash::PowerCut => self.disk.power_cut(),
        }
    }

    /// Resolves everything as the engine does after a start; what is written late or astray becomes a conflict copy.
    pub(crate) fn recover(&self) -> Result<Vec<TrashedEntry>, SwapError> {
        let folder = self.folder_or_crashed()?;
        let batch = self.batch(&folder);
        let mut trashed = Vec::new();
        let mut settled = Vec::new();
        for (id, outcome) in batch.resolve_intents(&self.intents.open())? {
            match outcome {
                Outcome::Settled => {}
                Outcome::PutBack(entry) | Outcome::Finished(entry) => trashed.extend(entry),
                Outcome::Stray(stray) => self.rescue(&batch, &stray)?,
            }
            settled.push(id);
        }
        batch.sync()?;
        self.intents.clear(settled);
        batch.clean_partials(&[], &|_| false, Leftovers::Unlink)?;
        batch.sync()?;
        Ok(trashed)
    }

    fn folder_or_crashed(&self) -> Result<Folder, SwapError> {
        Ok(Folder::open(Arc::new(self.disk.clone()), Mounts::Stay)?)
    }

    /// Gives an entry the next free conflict name.
    pub(crate) fn rescue(&self, batch: &Batch, entry: &TrashedEntry) -> Result<(), SwapError> {
        for number in 0.. {
            match batch.rescue(&entry.place, &path(&format!("rescued {number}"))) {
                Err(SwapError::Occupied { .. }) => {}
                outcome => return outcome.map(|_| ()),
            }
        }
        Ok(())
    }

    /// Returns the contents of all files outside of `.s4`.
    pub(crate) fn visible(&self) -> BTreeMap<String, String> {
        self.contents(|path| !path.starts_with(".s4"))
    }

    /// Returns the contents of all files in trash.
    pub(crate) fn trash(&self) -> BTreeMap<String, String> {
        self.contents(|path| path.starts_with(".s4/trash/"))
    }

    /// Returns the paths of all partials.
    pub(crate) fn partials(&self) -> Vec<String> {
        self.contents(|path| path.starts_with(".s4/partial/")).into_keys().collect()
    }

    fn contents(&self, wanted: impl Fn(&str) -> bool) -> BTreeMap<String, String> {
        let paths = self.disk.paths().into_iter().filter(|path| wanted(path));
        paths
            .filter_map(|path| Some((path.clone(), String::from_utf8(self.disk.read(&path)?).unwrap())))
            .collect()
    }
}
