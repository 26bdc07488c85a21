//! Opening a target on the real disk: whose folder it is, before anything in it is touched.
//!
//! - A folder that was synced before and has lost its mark is not touched: it may be where a drive belongs.
//! - The lock is taken before the database is opened, and the identity is assessed before a row is believed.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use s4_core::capabilities::Capabilities;
use s4_local::real::RealDisk;
use s4_store::store::Store;

use super::{Parts, Target};
use crate::blocking::Blocking;
use crate::clock::{Clock, SystemClock};
use crate::db::{Binding, StateDb, sqlite};
use crate::error::SyncError;
use crate::identity::{self, DirectoryRecords, Here, Run, ThisMachine};
use crate::lock::FolderLock;
use crate::settings::Settings;

/// The name of the database.
const DATABASE: &str = "state.db";

/// Returns where the database of a target lies: in its folder, or where the settings move it.
pub fn database_path(settings: &Settings) -> PathBuf {
    database_directory(settings, &settings.folder).join(DATABASE)
}

fn database_directory(settings: &Settings, folder: &Path) -> PathBuf {
    match &settings.database_dir {
        // Several targets may name one directory: each has its own below it.
        Some(directory) => directory.join(&blake3::hash(settings.name.as_bytes()).to_hex()[..16]),
        None => folder.join(s4_core::path::RESERVED_COMPONENT),
    }
}

impl Target {
    /// Opens a target on the real disk: locks its folder, opens its database, assesses its identity. Blocks.
    ///
    /// What a person should know of it is in [`Target::notices`].
    pub fn open(
        settings: Settings,
        store: Arc<dyn Store>,
        capabilities: Capabilities,
    ) -> Result<Self, SyncError> {
        let folder = canonical(&settings.folder)?;
        let disk = Arc::new(RealDisk::open(&folder)?);
        let records = DirectoryRecords::new(&settings.state_dir);
        let surroundings = ThisMachine::look(&settings.state_dir)?;
        let here = Here { disk: &*disk, folder: &folder, records: &records, surroundings: &surroundings };
        identity::check_mounted(here)?;

        let directory = database_directory(&settings, &folder);
        let own = folder.join(s4_core::path::RESERVED_COMPONENT);
        // The folder is locked where every run looks, wherever its own database lies.
        make_private_dir(&own)?;
        let lock = FolderLock::take(&folder, &own)?;
        make_private_dir(&directory)?;
        let clock = SystemClock;
        let opened = sqlite::open(&directory.join(DATABASE), clock.now())?;
        let db: Arc<dyn StateDb> = Arc::new(opened.db);
        let run = identity::begin_run(here, &*db)?;
        let mut notices = match &opened.set_aside {
            Some(aside) => vec![format!(
                "the database was damaged and is now `{}`; this run compares both sides anew and deletes nothing",
                aside.display()
            )],
            None => run.assessment.notice().map(str::to_owned).into_iter().collect(),
        };
        bind(&settings, &*db, &run.root_id, &mut notices)?;
        let parts = Parts {
            store,
            capabilities,
            disk: disk.clone(),
            db,
            clock: Arc::new(clock),
            blocking: Blocking::Pool,
            replica_id: run.identity.replica_id.clone(),
        };
        let target = Self::assemble(settings, parts)?;
        let tenure = Tenure { disk, folder, records, surroundings, run, _lock: lock };
        let tenure = Some(Arc::new(Mutex::new(tenure)));
        Ok(Self { notices, lost_intents: opened.set_aside.is_some(), tenure, ..target })
    }
}

/// The right to change a folder, and the count of its runs.
pub(super) struct Tenure {
    disk: Arc<RealDisk>,
    folder: PathBuf,
    records: DirectoryRecords,
    surroundings: ThisMachine,
    run: Run,
    _lock: FolderLock,
}

impl Tenure {
    /// Counts on after a run that changed something, so that a backup made before can be told from one made after.
    pub(super) fn advance(&mut self, db: &dyn StateDb) -> Result<(), SyncError> {
        let here = Here {
            disk: &*self.disk,
            folder: &self.folder,
            records: &self.records,
            surroundings: &self.surroundings,
        };
        Ok(identity::advance(here, db, &mut self.run)?)
    }
}

/// Makes a directory, and those above it, that only its owner may enter.
fn make_private_dir(path: &Path) -> Result<(), SyncError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|source| SyncError::StateDirectory { path: path.to_owned(), source })
}

/// Returns the folder with all links resolved.
fn canonical(folder: &Path) -> Result<PathBuf, SyncError> {
    let unusable = |source: std::io::Error| match source.kind() {
        ErrorKind::NotFound => SyncError::FolderMissing { folder: folder.to_owned() },
        _ => SyncError::FolderUnreadable { folder: folder.to_owned(), source },
    };
    let resolved = fs::canonicalize(folder).map_err(unusable)?;
    let is_dir = fs::metadata(&resolved).map_err(unusable)?.is_dir();
    if is_dir { Ok(resolved) } else { Err(SyncError::NotAFolder { folder: folder.to_owned() }) }
}

/// Binds the database to what it describes; anything else than before makes this a first sync.
fn bind(
    settings: &Settings,
    db: &dyn StateDb,
    root_id: &str,
    notices: &mut Vec<String>,
) -> Result<(), SyncError> {
    let binding = Binding {
        endpoint: settings.endpoint.clone(),
        bucket: settings.bucket.clone(),
        prefix: settings.prefix.as_str().to_owned(),
        root_id: root_id.to_owned(),
    };
    let before = db.binding()?;
    let is_elsewhere =
        before.is_some_and(|before| Binding { root_id: binding.root_id.clone(), ..before } != binding);
    if is_elsewhere {
        notices.push(
            "the target points to another place now; this run compares both sides anew and deletes nothing"
                .to_owned(),
        );
    }
    Ok(db.bind(&binding)?)
}
