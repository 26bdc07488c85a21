//! Replicas in memory, on one bucket.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use s4_core::capabilities::Capabilities;
use s4_core::context::{ConflictPolicy, DeleteLimits};
use s4_core::key::Prefix;
use s4_core::remote::UnixMillis;
use s4_core::traits::DiskTraits;
use s4_engine::Blocking;
use s4_engine::clock::Clock;
use s4_engine::db::memory::MemoryDb;
use s4_engine::error::SyncError;
use s4_engine::report::{Event, Observer, Report};
use s4_engine::settings::{Settings, SyncOptions};
use s4_engine::target::{Parts, Target};
use s4_local::faulty::FaultyDisk;
use s4_local::memory::MemoryDisk;
use s4_store::memory::{MemoryStore, StoreClock};
use s4_store::store::Store;

/// When the worlds begin: 2026-01-01 in milliseconds.
const START_MS: i64 = 1_767_225_600_000;

/// The time of a world, shared by its disks, its store and its replicas.
#[derive(Clone)]
pub struct WorldClock(pub Arc<AtomicI64>);

impl WorldClock {
    pub fn new() -> Self {
        Self(Arc::new(AtomicI64::new(START_MS)))
    }

    pub fn advance(&self, milliseconds: i64) {
        self.0.fetch_add(milliseconds, Ordering::SeqCst);
    }
}

impl Clock for WorldClock {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.0.load(Ordering::SeqCst))
    }
}

/// One computer.
#[derive(Clone)]
pub struct Replica {
    pub name: String,
    pub disk: MemoryDisk,
    /// The same disk, as S4 meets it.
    pub faulty: Arc<FaultyDisk>,
    pub db: MemoryDb,
    pub store: Arc<dyn Store>,
    pub capabilities: Capabilities,
    pub clock: WorldClock,
    pub policy: ConflictPolicy,
    pub limits: DeleteLimits,
    /// What did not go well in the last run.
    pub heard: Arc<Mutex<Vec<String>>>,
}

impl Replica {
    pub fn new(name: &str, store: Arc<dyn Store>, capabilities: Capabilities, clock: &WorldClock) -> Self {
        let disk = MemoryDisk::new(DiskTraits::LINUX);
        disk.set_tick(1_000_000);
        let replica = Self {
            name: name.to_owned(),
            faulty: Arc::new(FaultyDisk::new(Arc::new(disk.clone()))),
            disk,
            db: MemoryDb::new(),
            store,
            capabilities,
            clock: clock.clone(),
            policy: ConflictPolicy::KeepBoth,
            limits: DeleteLimits::Default,
            heard: Arc::default(),
        };
        replica.tell_time();
        replica
    }

    /// Sets the disk's clock to the world's.
    pub fn tell_time(&self) {
        self.disk.set_clock(self.clock.now().0 * 1_000_000);
    }

    pub async fn sync(&self) -> Result<Report, SyncError> {
        self.sync_with(&SyncOptions::default()).await
    }

    pub async fn sync_with(&self, options: &SyncOptions) -> Result<Report, SyncError> {
        let settings = Settings {
            name: self.name.clone(),
            folder: "/memory".into(),
            endpoint: "memory".to_owned(),
            bucket: "bucket".to_owned(),
            prefix: Prefix::new("p"),
            policy: self.policy,
            exclude: Vec::new(),
            limits: self.limits,
            cross_mounts: false,
            trash_days: 30,
            bucket_trash: true,
            own_objects: false,
            database_dir: None,
            state_dir: "/memory-state".into(),
            host: self.name.clone(),
        };
        let parts = Parts {
            store: self.store.clone(),
            capabilities: self.capabilities.clone(),
            disk: self.faulty.clone(),
            db: Arc::new(self.db.clone()),
            clock: Arc::new(self.clock.clone()),
            blocking: Blocking::Inline,
            replica_id: self.name.clone(),
        };
        let mut target = Target::assemble(settings, parts)?;
        let heard = self.heard.clone();
        let name = self.name.clone();
        let is_traced = std::env::var_os("S4_TRACE").is_some();
        let observer: Observer = Arc::new(move |event| {
            if is_traced {
                println!("{name}: {event:?}");
            }
            if matches!(event, Event::Postponed { .. } | Event::Failed { .. }) {
                heard.lock().unwrap().push(format!("{event:?}"));
            }
        });
        self.heard.lock().unwrap().clear();
        target.sync(options, &observer).await
    }

    /// Returns the files and directories (with an empty content and a slash) that a person sees.
    pub fn tree(&self) -> BTreeMap<String, Vec<u8>> {
        let is_ours = |path: &String| *path == ".s4" || path.starts_with(".s4/");
        let entry = |path: String| match self.disk.read(&path) {
            Some(content) => (path, content),
            None => (format!("{path}/"), Vec::new()),
        };
        self.disk.paths().into_iter().filter(|path| !is_ours(path)).map(entry).collect()
    }

    /// Returns the files alone.
    pub fn files(&self) -> BTreeMap<String, String> {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        self.tree()
            .into_iter()
            .filter(|(path, _)| !path.ends_with('/'))
            .map(|(path, bytes)| (path, text(bytes)))
            .collect()
    }
}

/// Returns a store in memory that tells the world's time.
pub fn memory_store(versioning: s4_core::capabilities::Versioning, clock: &WorldClock) -> MemoryStore {
    MemoryStore::new(versioning, StoreClock::shared(clock.0.clone()))
}

/// Returns what a bucket holds below the prefix, S4's own objects left out.
pub fn bucket(store: &MemoryStore) -> BTreeMap<String, Vec<u8>> {
    store
        .objects()
        .into_iter()
        .filter_map(|(key, bytes)| {
            let path = key.as_str().strip_prefix("p/")?.to_owned();
            (!path.starts_with(".s4/")).then(|| (path, bytes.to_vec()))
        })
        .collect()
}
