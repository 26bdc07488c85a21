//! What a target remembers between runs: the baseline, intents, facts, decisions, what was done.
//!
//! It keeps observations, not pending work (but for intents). It decides nothing.
//!
//! - Everything in one [`Commit`] becomes durable together, or not at all.
//! - A database of a newer version is refused; one that is damaged is set aside, never repaired by guessing.
//! - [`memory`] is the twin that keeps only what was committed; both pass one contract suite.

pub mod contract;
pub mod intents;
pub mod memory;
pub mod sqlite;

use std::path::PathBuf;

use s4_core::baseline::{Baseline, DirRow};
use s4_core::chunk::Chunks;
use s4_core::context::GuardHistory;
use s4_core::digest::Digest;
use s4_core::facts::{Decision, Facts, LocalFact};
use s4_core::focus::Visit;
use s4_core::key::ObjectKey;
use s4_core::local::Fingerprint;
use s4_core::path::{DiskPath, RelPath};
use s4_core::plan::{Conflict, Problem, RowChange, Side};
use s4_core::remote::{ETag, ObjectHead, UnixMillis};
use s4_core::tree::SortedMap;
use s4_local::intent::{Intent, IntentId};
use s4_local::trash::TrashedEntry;
use s4_store::store::UploadId;

/// How many lines of the activity log are kept.
const ACTIVITY_LINES: usize = 10_000;
/// How long a fact is kept that no row took over.
const FACT_MILLIS: i64 = 30 * 24 * 60 * 60 * 1000;

/// Returns the time before which facts are forgotten.
fn oldest_fact(now: UnixMillis) -> UnixMillis {
    UnixMillis(now.0.saturating_sub(FACT_MILLIS))
}

/// The result of a step of the database.
pub type DbResult<T> = Result<T, DbError>;

/// Why the database could not be used.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// It was written by a newer S4.
    #[error("`{}` was written by a newer version of S4 (schema {found}, this one knows {known}); update S4", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema version.
        found: i64,
        /// The newest that this program knows.
        known: i64,
    },
    /// It is damaged. [`open`](sqlite::open) sets such a file aside; this comes when it happens later.
    #[error("`{}` is damaged: {message}", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// SQLite's words.
        message: String,
    },
    /// The disk is full; nothing of the transaction was kept.
    #[error("no space left for `{}`", path.display())]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// Anything else; nothing of the transaction was kept.
    #[error("can't use `{}`: {message}", path.display())]
    Failed {
        /// The file.
        path: PathBuf,
        /// SQLite's words.
        message: String,
    },
}

/// What the baseline belongs to: where any of this differs, it is void.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The endpoint's URL, or how the vendor's own is known.
    pub endpoint: String,
    /// The bucket.
    pub bucket: String,
    /// The prefix, as keys begin with it.
    pub prefix: String,
    /// The identity of the folder's root, made once when `.s4` is.
    pub root_id: String,
}

/// Which replica this database belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Names the replica: in trash paths, and later in the journal.
    pub replica_id: String,
    /// Counts the runs; the record outside the folder is compared with it.
    pub generation: u64,
}

/// What a cycle starts from.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// The baseline.
    pub baseline: Baseline,
    /// Facts that still hold: racy local ones were not kept.
    pub facts: Facts,
    /// Deletions since the last ten quiet minutes before the time asked for.
    pub guard: GuardHistory,
}

/// What a cycle starts from, but for the rows of files.
#[derive(Clone, Debug, Default)]
pub struct Outline {
    /// The rows of directories.
    pub dirs: SortedMap<RelPath, DirRow>,
    /// About how many rows of files there are; 0 only if there is none.
    pub files: u64,
    /// As in [`Loaded`].
    pub facts: Facts,
    /// As in [`Loaded`].
    pub guard: GuardHistory,
    /// What [`StateDb::commits`] said at that moment.
    pub commits: u64,
}

/// A fact to keep.
#[derive(Clone, Debug)]
pub enum Learned {
    /// The hashes of a local file. The caller gives only facts that were not racy when read.
    Local(DiskPath, LocalFact),
    /// What a HEAD said, asked because of this listed time.
    Head(ObjectKey, UnixMillis, ObjectHead),
    /// The hashes of an object's whole body.
    Content(ObjectKey, ETag, Digest),
}

/// What one batch of steps changed.
#[derive(Clone, Debug)]
pub struct Commit {
    /// Rows, in the order in which they came about.
    pub rows: Vec<RowChange>,
    /// Intents that are settled by durable steps.
    pub settled: Vec<IntentId>,
    /// What went to the local trash, to be looked at again for late writers.
    pub trashed: Vec<TrashedEntry>,
    /// Deletions that count for the guards, by side.
    pub deletions: Vec<(Side, u64)>,
    /// What a person may want to read later.
    pub activity: Vec<Activity>,
    /// The chunks of large contents, each with the BLAKE3 of the whole.
    pub chunks: Vec<([u8; 32], Chunks)>,
    /// When, by this computer's clock.
    pub at: UnixMillis,
}

/// Changes nothing, at the epoch: whoever fills it says when.
impl Default for Commit {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            settled: Vec::new(),
            trashed: Vec::new(),
            deletions: Vec::new(),
            activity: Vec::new(),
            chunks: Vec::new(),
            at: UnixMillis(0),
        }
    }
}

impl Commit {
    /// Returns whether there is nothing to make durable.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
            && self.settled.is_empty()
            && self.trashed.is_empty()
            && self.deletions.is_empty()
            && self.activity.is_empty()
            && self.chunks.is_empty()
    }
}

/// One line of the activity log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activity {
    /// When, by this computer's clock.
    pub at: UnixMillis,
    /// The path.
    pub path: RelPath,
    /// What was done.
    pub kind: ActivityKind,
    /// Bytes moved.
    pub bytes: u64,
}

/// What was done to a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActivityKind {
    /// Its content went to the bucket.
    Uploaded,
    /// Its content came to the folder.
    Downloaded,
    /// Its object was deleted.
    DeletedRemote,
    /// Its file was moved to the trash.
    DeletedLocal,
    /// Its object was renamed because its file was.
    MovedRemote,
    /// Its file was renamed because its object was.
    MovedLocal,
    /// Both versions were kept.
    KeptBoth,
    /// Its executable bit, directory or marker followed the other side.
    Adjusted,
    /// A program wrote to the old version after it was replaced; what it wrote is this conflict copy.
    Rescued,
}

/// An upload by parts that was begun: parts that nobody completes stay in the bucket, unseen and paid for.
///
/// What was to be sent tells whether a later run may go on with it: the same file, unchanged, in the same parts, to
/// replace the same version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenUpload {
    /// The key that it is to become.
    pub key: ObjectKey,
    /// Its id.
    pub id: UploadId,
    /// The file that was being sent, `None` for a copy within the bucket.
    pub source: Option<UploadSource>,
    /// When it was begun, by this computer's clock.
    pub begun: UnixMillis,
}

/// The file that an upload by parts sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadSource {
    /// Where it lies.
    pub disk: DiskPath,
    /// Its stamps when the upload began.
    pub fingerprint: Fingerprint,
    /// What it was to replace, `None` for a new key.
    pub replaces: Option<ETag>,
    /// The length of each part but the last, in bytes; 0 where the parts follow chunks.
    pub part_bytes: u64,
}

/// A download whose first bytes are safe in a partial, so that another run can go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenDownload {
    /// The name of the partial.
    pub partial: String,
    /// Where the file is to be.
    pub disk: DiskPath,
    /// The object.
    pub key: ObjectKey,
    /// The version that is being read.
    pub etag: ETag,
    /// The length of the partial that is known to survive a power cut, in bytes from the start.
    pub durable: u64,
}

/// What waits for a person, as the last cycle saw it.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// Two versions to choose between.
    pub conflicts: Vec<Conflict>,
    /// Paths that cannot be synced; the reason as text.
    pub problems: Vec<(String, String)>,
}

/// The memory of one target.
pub trait StateDb: Send + Sync + 'static {
    /// Returns what the baseline belongs to, `None` for a new database.
    fn binding(&self) -> DbResult<Option<Binding>>;

    /// Binds the database anew. If anything differs from before, baseline, facts, chunks, decisions, standing entries
    /// and what is under way are dropped in the same transaction; intents, trash records and activity stay.
    fn bind(&self, binding: &Binding) -> DbResult<()>;

    /// Returns which replica this is, `None` for a new database.
    fn identity(&self) -> DbResult<Option<Identity>>;

    /// Records which replica this is, durably.
    fn set_identity(&self, identity: &Identity) -> DbResult<()>;

    /// Drops baseline, facts, chunks, decisions and standing entries: the next run is a first sync.
    fn void(&self) -> DbResult<()>;

    /// Returns what a cycle starts from, guards as of `now`.
    fn load(&self, now: UnixMillis) -> DbResult<Loaded>;

    /// Returns what [`load`](Self::load) does, but for the rows of files, which may be a million.
    fn outline(&self, now: UnixMillis) -> DbResult<Outline>;

    /// Gives every row of a file to `visit`, in the order of paths. While it runs the database cannot be used.
    fn each_file(&self, visit: &mut Visit<'_>) -> DbResult<()>;

    /// Returns how many batches this handle has made durable: whoever reads in steps sees whether one came between.
    fn commits(&self) -> u64;

    /// Notes when the store changed objects of our own, in rows that only have a bound; it may be lost by a power cut.
    fn note_times(&self, noted: &[(RelPath, UnixMillis)]) -> DbResult<()>;

    /// Makes one batch durable.
    fn commit(&self, commit: &Commit) -> DbResult<()>;

    /// Keeps facts; they may be lost by a power cut.
    fn learn(&self, learned: &[Learned]) -> DbResult<()>;

    /// Records an intent, durably, before the step it announces.
    fn record_intent(&self, intent: &Intent) -> DbResult<IntentId>;

    /// Records intents, durably, in their order: all, or some and fails.
    fn record_intents(&self, intents: &[&Intent]) -> DbResult<Vec<IntentId>> {
        intents.iter().map(|intent| self.record_intent(intent)).collect()
    }

    /// Returns the intents that are not settled, oldest first.
    fn intents(&self) -> DbResult<Vec<(IntentId, Intent)>>;

    /// Returns the chunks of the content with this BLAKE3, if they are known.
    fn chunks(&self, blake3: &[u8; 32]) -> DbResult<Option<Chunks>>;

    /// Keeps the chunks of contents that were read but belong to no row yet; they may be lost by a power cut.
    fn learn_chunks(&self, chunks: &[([u8; 32], Chunks)]) -> DbResult<()>;

    /// Forgets the chunks of contents that no row and no fact has any longer. It looks at every row: once a run is
    /// often enough.
    fn forget_unused_chunks(&self) -> DbResult<()>;

    /// Records a download, durably, once as many of its bytes are safe as it says; replaces an earlier record of the
    /// same partial.
    fn record_download(&self, download: &OpenDownload) -> DbResult<()>;

    /// Forgets the download into this partial: its file has its name, or it was given up. A power cut may bring the
    /// record back.
    fn end_download(&self, partial: &str) -> DbResult<()>;

    /// Returns the downloads that another run may go on with, by the names of their partials.
    fn open_downloads(&self) -> DbResult<Vec<OpenDownload>>;

    /// Records an upload by parts, durably, before its first part is sent.
    fn begin_upload(&self, upload: &OpenUpload) -> DbResult<()>;

    /// Forgets an upload that was completed or given up. A power cut may bring the record back.
    fn end_upload(&self, upload: &OpenUpload) -> DbResult<()>;

    /// Returns the uploads that were begun and did not end.
    fn open_uploads(&self) -> DbResult<Vec<OpenUpload>>;

    /// Records what a person chose, durably.
    fn decide(&self, path: &RelPath, decision: &Decision) -> DbResult<()>;

    /// Replaces what waits for a person.
    fn set_standing(&self, conflicts: &[Conflict], problems: &[Problem]) -> DbResult<()>;

    /// Returns what waited for a person at the end of the last cycle.
    fn standing(&self) -> DbResult<Standing>;

    /// Returns what went to the local trash not before `since`, with when.
    fn trashed_since(&self, since: UnixMillis) -> DbResult<Vec<(UnixMillis, TrashedEntry)>>;

    /// Forgets a trash record: it was rescued, or is gone.
    fn forget_trashed(&self, place: &DiskPath) -> DbResult<()>;

    /// Returns the last `limit` lines of the activity log, the latest first.
    fn activity(&self, limit: usize) -> DbResult<Vec<Activity>>;
}
