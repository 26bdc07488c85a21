//! Intents: what is committed before a step that leaves a tracked path absent, or a user's file in `.s4/`.
//!
//! - An intent is recorded durably before the step, and cleared only after the step's directories are synced,
//!   in the transaction that commits the row ([`crate::batch::Batch::sync`] says which).
//! - It holds all that [`crate::resolve`] needs to decide from what stands on disk.

use s4_core::local::{FileId, Fingerprint, LocalEntry};
use s4_core::path::DiskPath;

use crate::disk::{Kind, Stat};

/// Names a recorded intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IntentId(pub i64);

/// Why an intent could not be recorded; the step was not begun.
#[derive(Debug, thiserror::Error)]
#[error("can't note what is about to happen: {0}")]
pub struct IntentError(pub Box<dyn std::error::Error + Send + Sync>);

/// Keeps intents where a power cut does not reach them.
pub trait Intents: Send + Sync {
    /// Records an intent and returns only once it is durable.
    fn record(&self, intent: &Intent) -> Result<IntentId, IntentError>;

    /// Records all of `intents`, in their order, and returns only once they are durable; or records some, and fails.
    fn record_all(&self, intents: &[&Intent]) -> Result<Vec<IntentId>, IntentError> {
        intents.iter().map(|intent| self.record(intent)).collect()
    }
}

/// One step that must not be forgotten halfway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// The tracked path.
    pub path: DiskPath,
    /// Where the entry that stood at `path` goes first.
    pub parked_at: DiskPath,
    /// What was planned to stand at `path`.
    pub expected: Expected,
    /// The step.
    pub kind: IntentKind,
}

/// An intent on its way to be recorded: alone, or with others at the price of one (see
/// [`Batch::announce`](crate::batch::Batch::announce)).
#[derive(Debug)]
pub struct Announcement {
    pub(crate) intent: Intent,
    /// Its id, once it is recorded.
    pub(crate) id: Option<IntentId>,
}

impl Announcement {
    pub(crate) fn of(intent: Intent) -> Self {
        Self { intent, id: None }
    }
}

/// The step that an intent announces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IntentKind {
    /// The entry goes to trash.
    Remove,
    /// A staged entry takes the path; the old one goes to `trash`.
    Replace {
        /// The staged entry.
        staged: Staging,
        /// Where the old entry ends.
        trash: DiskPath,
    },
    /// A staged entry takes the path; the old one takes the name `keep_as`.
    KeepBoth {
        /// The staged entry.
        staged: Staging,
        /// Where the old entry ends.
        keep_as: DiskPath,
    },
    /// The entry takes the name `to`, through `parked_at` if that is another.
    Rename {
        /// The new name.
        to: DiskPath,
    },
    /// Two entries exchange their names in three renames.
    Exchange {
        /// The other path.
        other: DiskPath,
    },
}

/// A staged entry, as an intent knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Staging {
    /// Where it was staged.
    pub at: DiskPath,
    /// What it is known by.
    pub fingerprint: Fingerprint,
}

/// What was planned to stand at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// A file or a symbolic link.
    Entry(Fingerprint),
    /// A directory.
    Dir(FileId),
}

impl IntentKind {
    /// Returns the staged entry that the step places, if it places one.
    pub fn staged(&self) -> Option<&Staging> {
        match self {
            Self::Replace { staged, .. } | Self::KeepBoth { staged, .. } => Some(staged),
            Self::Remove | Self::Rename { .. } | Self::Exchange { .. } => None,
        }
    }
}

impl Expected {
    /// Returns what `entry` is expected to be after a rename; `stat` is what stands at its path now.
    pub(crate) fn of(entry: &LocalEntry, stat: &Stat) -> Option<Self> {
        match entry {
            LocalEntry::File(file) => Some(Self::Entry(file.fingerprint)),
            LocalEntry::Symlink(link) => Some(Self::Entry(link.fingerprint)),
            LocalEntry::Dir { .. } => Some(Self::Dir(stat.fingerprint.file_id)),
            LocalEntry::Special | LocalEntry::Unreadable(_) => None,
        }
    }

    /// Returns whether `stat` is what was expected, apart from what our own rename changes.
    pub(crate) fn is(&self, stat: &Stat) -> bool {
        match self {
            Self::Entry(fingerprint) => {
                matches!(stat.kind, Kind::File | Kind::Symlink)
                    && fingerprint.same_but_renamed(&stat.fingerprint)
            }
            Self::Dir(file_id) => stat.kind == Kind::Dir && stat.fingerprint.file_id == *file_id,
        }
    }

    /// Returns whether `stat` is exactly what was expected, ctime too; before any rename of ours.
    pub(crate) fn is_still(&self, stat: &Stat) -> bool {
        match self {
            Self::Entry(fingerprint) => *fingerprint == stat.fingerprint,
            Self::Dir(_) => self.is(stat),
        }
    }

    /// Returns whether `stat` is the same inode, written to or not.
    pub(crate) fn has_the_inode_of(&self, stat: &Stat) -> bool {
        match self {
            Self::Entry(fingerprint) => fingerprint.file_id == stat.fingerprint.file_id,
            Self::Dir(file_id) => stat.fingerprint.file_id == *file_id,
        }
    }
}
