//! One target, held: its folder is locked, its database open, its identity known.
//!
//! - While a [`Target`] exists no other run of S4 changes the folder.
//! - What opening found that a person should know is in [`Target::notices`].

mod open;

use open::Tenure;

pub use open::database_path;

use std::sync::{Arc, Mutex, PoisonError};

use s4_core::capabilities::Capabilities;
use s4_core::chunk::CHUNKED_FROM;
use s4_core::context::{Context, GuardHistory};
use s4_core::facts::{Decision, Keep};
use s4_core::plan::{Conflict, Side};
use s4_core::remote::UnixMillis;
use s4_core::rules::Rules;
use s4_local::batch::Batch;
use s4_local::cleaning::Leftovers;
use s4_local::disk::Disk;
use s4_local::folder::{Folder, Mounts};
use s4_store::store::Store;
use tokio::sync::{OwnedRwLockReadGuard, RwLock, watch};

use crate::blocking::Blocking;
use crate::bucket_trash;
use crate::clock::Clock;
use crate::db::intents::DbIntents;
use crate::db::{DbResult, StateDb};
use crate::error::SyncError;
use crate::lanes::{LaneStores, Lanes, LanesGuard};
use crate::recover::Recovery;
use crate::report::{Event, Observer, Report, Status, Verb};
use crate::settings::Settings;
use crate::transfer::delta;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// Trash is kept at least this long, so that late writers are noticed: milliseconds.
const LEAST_TRASH_MS: i64 = 60 * 60 * 1000;

/// One target, held.
pub struct Target {
    /// Where content is moved. The first to be dropped: none may still work on the folder when it is given back.
    lanes: LanesGuard,
    pub(crate) settings: Settings,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) capabilities: Capabilities,
    pub(crate) folder: Folder,
    pub(crate) db: Arc<dyn StateDb>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) blocking: Blocking,
    pub(crate) replica_id: String,
    pub(crate) status: watch::Sender<Status>,
    notices: Vec<String>,
    /// Whether intents may have been lost with a damaged database: then no partial is unlinked.
    lost_intents: bool,
    /// The right to the folder, until the target is dropped; `None` where a test gave the parts.
    tenure: Option<Arc<Mutex<Tenure>>>,
    /// Read by everything that works on the folder.
    at_work: Arc<RwLock<()>>,
}

/// Kept by everything that works on the folder until it is through, also where nobody waits for it any longer.
pub(crate) struct Held {
    _tenure: Option<Arc<Mutex<Tenure>>>,
    _at_work: Option<OwnedRwLockReadGuard<()>>,
}

/// What a target is made of when it is not opened from the real disk.
pub struct Parts {
    /// The bucket.
    pub store: Arc<dyn Store>,
    /// What it can do.
    pub capabilities: Capabilities,
    /// The disk below the folder.
    pub disk: Arc<dyn Disk>,
    /// The memory.
    pub db: Arc<dyn StateDb>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where blocking calls are made.
    pub blocking: Blocking,
    /// The name of this replica.
    pub replica_id: String,
}

impl Target {
    /// Puts a target together from given parts; nothing is locked, and the caller has assessed the identity.
    pub fn assemble(settings: Settings, parts: Parts) -> Result<Self, SyncError> {
        let mounts = if settings.cross_mounts { Mounts::Cross } else { Mounts::Stay };
        let folder = Folder::open(parts.disk, mounts)?;
        Ok(Self {
            lanes: LanesGuard(Arc::new(Lanes::here(parts.store.clone(), parts.blocking))),
            settings,
            store: parts.store,
            capabilities: parts.capabilities,
            folder,
            db: parts.db,
            clock: parts.clock,
            blocking: parts.blocking,
            replica_id: parts.replica_id,
            status: watch::Sender::new(Status::default()),
            notices: Vec::new(),
            lost_intents: false,
            tenure: None,
            at_work: Arc::default(),
        })
    }

    /// Lets transfers run on threads of their own, which start when there is something to move; `stores` makes the
    /// bucket of each. Without this they run on the runtime of whoever syncs.
    pub fn with_lanes(self, stores: LaneStores) -> Self {
        Self { lanes: LanesGuard(Arc::new(Lanes::on_threads(stores))), ..self }
    }

    /// Returns what opening found that a person should know.
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// Returns where the run stands, at any time: the latest snapshot.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }

    /// Records what a person chose, bound to the pair they were shown: for any other pair it is void.
    pub fn decide(&self, conflict: &Conflict, keep: Keep) -> Result<(), SyncError> {
        let Some(local) = conflict.local.fingerprint() else { return Ok(()) };
        let decision = Decision { local: *local, etag: conflict.object.etag.clone(), keep };
        Ok(self.db.decide(&conflict.path, &decision)?)
    }

    /// Forgets what both sides agreed on: the next run compares everything anew and deletes nothing.
    pub fn reset(&self) -> Result<(), SyncError> {
        self.db.void()?;
        Ok(self.folder.forget_mounts()?)
    }

    /// Returns the folder.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// Returns what every plan of this target depends on, apart from what one cycle finds.
    pub(crate) fn context(&self) -> Context {
        Context {
            disk: self.folder.traits().clone(),
            store: self.capabilities.clone(),
            prefix: self.settings.prefix.clone(),
            policy: self.settings.policy,
            rules: Rules::built_in(),
            prune_ignored: false,
            bucket_trash: self.settings.bucket_trash,
            limits: self.settings.limits,
            guard: GuardHistory::default(),
            now: self.clock.now(),
            stamp: self.stamp(),
        }
    }

    /// Returns whether what is deleted from the bucket must be copied to its trash.
    ///
    /// The Python S4 would take what lies there for files of the user: while it uses the prefix, there is none,
    /// unless the target says that S4 may write there all the same.
    pub(crate) fn keeps_bucket_trash(&self, is_shared_with_python: bool) -> bool {
        self.settings.bucket_trash
            && self.capabilities.needs_trash()
            && self.writes_own_objects(is_shared_with_python)
    }

    /// Returns whether S4 may write objects of its own, which the Python S4 would take for files of the user.
    pub(crate) fn writes_own_objects(&self, is_shared_with_python: bool) -> bool {
        !is_shared_with_python || self.settings.own_objects
    }

    /// Returns where content is moved.
    pub(crate) fn lanes(&self) -> &Arc<Lanes> {
        &self.lanes.0
    }

    /// Returns what whatever may outlive an abandoned run keeps: the right to the folder, and the next run waiting.
    pub(crate) fn held(&self) -> Held {
        Held { _tenure: self.tenure.clone(), _at_work: self.at_work.clone().try_read_owned().ok() }
    }

    /// Returns once nothing of an abandoned run works on the folder any more.
    pub(crate) async fn quiet(&self) {
        drop(self.at_work.write().await);
    }

    /// Starts a batch of changes of the folder.
    pub(crate) fn batch(&self, now: UnixMillis) -> Batch {
        self.folder.batch(Arc::new(DbIntents::new(self.db.clone())), now)
    }

    /// Runs a step of the database where it may block.
    pub(crate) async fn on_database<T, F>(&self, work: F) -> Result<T, SyncError>
    where
        T: Send + 'static,
        F: FnOnce(&dyn StateDb) -> DbResult<T> + Send + 'static,
    {
        let db = self.db.clone();
        Ok(self.blocking.run(move || work(&*db)).await??)
    }

    fn recovery(&self) -> Recovery {
        let now = self.clock.now();
        let leftovers = if self.lost_intents { Leftovers::MoveToTrash } else { Leftovers::Unlink };
        Recovery { batch: self.batch(now), db: self.db.clone(), stamp: self.stamp(), now, leftovers }
    }

    /// Mends what an interrupted run left, before anything is scanned.
    pub(crate) async fn recover(&self, observer: &Observer, report: &mut Report) -> Result<(), SyncError> {
        let recovery = self.recovery();
        let held = self.held();
        let rescued = self
            .blocking
            .run(move || {
                let _held = held;
                recovery.before_scan()
            })
            .await??;
        for disk in rescued {
            let notice =
                format!("a program wrote to a file while it was replaced; what it wrote is `{disk}`");
            observer(&Event::Notice(notice.clone()));
            report.notices.push(notice);
        }
        Ok(())
    }

    /// Ends a run: expired trash goes, on both sides, and the run is counted.
    pub(crate) async fn finish(&self, report: &Report) -> Result<(), SyncError> {
        let now = self.clock.now();
        let keep_ms = i64::from(self.settings.trash_days).saturating_mul(DAY_MS).max(LEAST_TRASH_MS);
        let before = UnixMillis(now.0.saturating_sub(keep_ms));
        let recovery = self.recovery();
        let advancing = self.tenure.clone().filter(|_| !report.done.is_empty());
        let held = self.held();
        self.blocking
            .run(move || -> Result<(), SyncError> {
                let _held = held;
                recovery.expire_trash(before)?;
                match advancing {
                    Some(tenure) => {
                        let mut tenure = tenure.lock().unwrap_or_else(PoisonError::into_inner);
                        tenure.advance(&*recovery.db)
                    }
                    None => Ok(()),
                }
            })
            .await??;
        // Listing the bucket's trash costs a request: it is worth it only when something went there.
        let deletes = report.done.iter().any(|work| work.side == Side::Remote && work.verb == Verb::Delete);
        if self.keeps_bucket_trash(false) && deletes {
            bucket_trash::expire(&*self.store, &self.settings.prefix, now, keep_ms).await?;
        }
        self.tidy_after_large(report, now).await
    }

    /// Forgets what only an earlier content of a large file needed.
    async fn tidy_after_large(&self, report: &Report, now: UnixMillis) -> Result<(), SyncError> {
        let mut large = report.done.iter().filter(|work| work.bytes >= CHUNKED_FROM).peekable();
        if large.peek().is_none() {
            return Ok(());
        }
        // Listing the bucket costs a request: it is worth it only when there may be one description more.
        let store = &self.capabilities;
        let sent = large.any(|work| work.side == Side::Remote && work.verb == Verb::Update);
        if sent
            && store.upload_part_copy
            && store.crc64nvme
            && let Err(error) = delta::expire(&*self.store, store, &self.settings.prefix, now).await
        {
            tracing::debug!(%error, "old descriptions of deltas stay until the next large upload");
        }
        self.on_database(StateDb::forget_unused_chunks).await
    }
}
