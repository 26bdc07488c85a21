//! What the steps of one round share, what a lane adds to it, and how a step ends.
//!
//! - A [`Session`] is one round as one lane sees it: the [`Round`] that all share, and the lane's own connections.
//! - A step ends [`Done`], or it stops: something changed meanwhile (it is planned anew), the path failed, or
//!   nothing can go on. Nothing is lost in either case.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use s4_core::baseline::{Baseline, FileRow};
use s4_core::capabilities::Capabilities;
use s4_core::chunk::Chunks;
use s4_core::facts::Facts;
use s4_core::key::Prefix;
use s4_core::path::RelPath;
use s4_core::plan::{RowChange, Side};
use s4_core::remote::{ObjectHead, UnixMillis};
use s4_local::batch::{Batch, SwapError};
use s4_local::error::{DiskError, DiskErrorKind};
use s4_local::folder::Folder;
use s4_local::trash::TrashedEntry;
use s4_store::error::{StoreError, StoreErrorKind};
use s4_store::store::Store;

use crate::blocking::Blocking;
use crate::db::{ActivityKind, StateDb};
use crate::error::{SyncError, concerns_whole_disk};
use crate::lanes::{Lane, Lanes};
use crate::report::{Event, Observer};
use crate::target::Held;

/// One round, as one lane sees it.
pub(crate) struct Session {
    /// What all lanes share.
    pub(crate) round: Arc<Round>,
    /// The bucket, by the lane's own connections.
    pub(crate) store: Arc<dyn Store>,
    /// Where the lane makes calls that block.
    pub(crate) blocking: Blocking,
}

/// What every step of one round shares.
pub(crate) struct Round {
    pub(crate) capabilities: Capabilities,
    pub(crate) batch: Batch,
    pub(crate) db: Arc<dyn StateDb>,
    pub(crate) prefix: Prefix,
    /// Where objects go before they are deleted, `None` where versions are kept or the person wants none.
    pub(crate) bucket_trash: Option<String>,
    pub(crate) observer: Observer,
    pub(crate) baseline: Arc<Baseline>,
    /// What was found out while it was planned.
    pub(crate) facts: Facts,
    /// Whether others are told in the bucket how a large version comes from the one before.
    pub(crate) tells_deltas: bool,
    /// Rows of steps of this round that are done.
    pub(crate) fresh: Mutex<BTreeMap<RelPath, FileRow>>,
    /// When the round began.
    pub(crate) now: UnixMillis,
    /// How many partials were begun in it.
    pub(crate) partials: AtomicU64,
    pub(crate) lanes: Arc<Lanes>,
    /// The right to the folder, which is not given back while anything of the round may still work on it.
    pub(crate) _held: Held,
}

impl Deref for Session {
    type Target = Round;

    fn deref(&self) -> &Round {
        &self.round
    }
}

/// What a finished step changed.
#[derive(Debug, Default)]
pub(crate) struct Done {
    pub(crate) rows: Vec<RowChange>,
    pub(crate) trashed: Option<TrashedEntry>,
    pub(crate) deletion: Option<Side>,
    pub(crate) activity: Option<(ActivityKind, u64)>,
    /// The chunks of what was sent or fetched, with the BLAKE3 of the whole.
    pub(crate) chunks: Vec<([u8; 32], Chunks)>,
    /// Whether the result calls for another plan.
    pub(crate) again: bool,
}

/// Why a step stopped.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Something changed meanwhile; it is planned anew.
    Again(String),
    /// The object is not what it was taken for; this is what it is.
    Learned(Box<ObjectHead>),
    /// This path failed, on this side.
    Path(Side, String),
    /// Nothing can go on.
    Whole(SyncError),
}

/// The result of a step.
pub(crate) type StepResult<T = Done> = Result<T, Stop>;

impl Session {
    /// Returns the round as `lane` sees it.
    pub(crate) fn on_lane(round: &Arc<Round>, lane: &Lane) -> Arc<Self> {
        Arc::new(Self { round: round.clone(), store: lane.store.clone(), blocking: lane.blocking })
    }

    /// Runs `work` where calls may block.
    pub(crate) async fn blocking<T, E, F>(self: &Arc<Self>, work: F) -> StepResult<T>
    where
        T: Send + 'static,
        E: Send + 'static,
        Stop: From<E>,
        F: FnOnce(&Session) -> Result<T, E> + Send + 'static,
    {
        let session = self.clone();
        self.blocking.run(move || work(&session)).await.map_err(Stop::Whole)?.map_err(Stop::from)
    }

    /// Begins `work` at once on the lane with the least under way, beside the caller; what it is given is the same
    /// round on that lane. A panic of the work is passed on to whoever waits for it.
    ///
    /// If the future is dropped, the work is abandoned: a request may still be carried out.
    pub(crate) fn spread<T, F, W>(
        self: &Arc<Self>,
        work: W,
    ) -> impl Future<Output = StepResult<T>> + Send + use<T, F, W>
    where
        T: Send + 'static,
        F: Future<Output = StepResult<T>> + Send + 'static,
        W: FnOnce(Arc<Session>) -> F + Send + 'static,
    {
        let begun = self.lanes.idlest().map(|lane| {
            let (session, under_way) = (Session::on_lane(&self.round, lane), lane.count());
            lane.begin(async move {
                let result = work(session).await;
                drop(under_way);
                result
            })
        });
        async move { begun.map_err(Stop::Whole)?.await.map_err(Stop::Whole)? }
    }
}

impl Round {
    /// Returns a name for a partial that this folder has not had: runs follow each other in time.
    pub(crate) fn partial_name(&self) -> String {
        let number = self.partials.fetch_add(1, Ordering::Relaxed);
        format!("{}-{number}", self.now.0)
    }

    /// Returns the folder.
    pub(crate) fn folder(&self) -> &Folder {
        self.batch.folder()
    }

    /// Returns the row that a step of this round made for a file.
    pub(crate) fn fresh_row(&self, path: &RelPath) -> Option<FileRow> {
        self.fresh.lock().unwrap_or_else(PoisonError::into_inner).get(path).cloned()
    }

    /// Returns the latest row of a file.
    pub(crate) fn row(&self, path: &RelPath) -> Option<FileRow> {
        self.fresh_row(path).or_else(|| self.baseline.files.get(path).cloned())
    }

    /// Notes the rows of a finished step for those that come after it.
    pub(crate) fn note(&self, done: &Done) {
        let mut fresh = self.fresh.lock().unwrap_or_else(PoisonError::into_inner);
        for row in &done.rows {
            if let RowChange::File(path, row) = row {
                fresh.insert(path.clone(), (**row).clone());
            }
        }
    }

    /// Tells how many bytes of `path` moved.
    pub(crate) fn moved(&self, path: &RelPath, bytes: u64) {
        (self.observer)(&Event::Moved { path: path.clone(), bytes });
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        if error.kind.concerns_whole_store() {
            return Stop::Whole(error.into());
        }
        match error.kind {
            StoreErrorKind::PreconditionFailed | StoreErrorKind::Missing | StoreErrorKind::Conflict => {
                Stop::Again(error.to_string())
            }
            StoreErrorKind::SlowDown => Stop::Whole(error.into()),
            StoreErrorKind::Denied
            | StoreErrorKind::Unsupported
            | StoreErrorKind::Corrupt
            | StoreErrorKind::Archived
            | StoreErrorKind::Other
            | StoreErrorKind::NoBucket
            | StoreErrorKind::Credentials
            | StoreErrorKind::Offline
            | StoreErrorKind::ClockSkew
            | StoreErrorKind::WrongRegion { .. } => Stop::Path(Side::Remote, error.to_string()),
        }
    }
}

impl From<DiskError> for Stop {
    fn from(error: DiskError) -> Self {
        if concerns_whole_disk(&error) {
            return Stop::Whole(error.into());
        }
        match error.kind {
            DiskErrorKind::Missing
            | DiskErrorKind::Occupied
            | DiskErrorKind::Changed
            | DiskErrorKind::NotEmpty => Stop::Again(error.to_string()),
            DiskErrorKind::NotADirectory
            | DiskErrorKind::WrongKind
            | DiskErrorKind::ThroughLink
            | DiskErrorKind::Denied
            | DiskErrorKind::NoSpace
            | DiskErrorKind::ReadOnly
            | DiskErrorKind::Busy
            | DiskErrorKind::BadName
            | DiskErrorKind::CrossDevice
            | DiskErrorKind::Unsupported
            | DiskErrorKind::Crashed
            | DiskErrorKind::Other => Stop::Path(Side::Local, error.to_string()),
        }
    }
}

impl From<SwapError> for Stop {
    fn from(error: SwapError) -> Self {
        match error {
            SwapError::Disk(error) => error.into(),
            SwapError::Intent(error) => Stop::Whole(SyncError::Internal(error.to_string())),
            // What is parked is protected by its intent: the next round begins by rescuing it.
            SwapError::Occupied { .. } | SwapError::Changed { .. } | SwapError::Parked { .. } => {
                Stop::Again(error.to_string())
            }
        }
    }
}
