//! A plan: what is to be done, as values. It is carried out elsewhere, or shown and thrown away.
//!
//! - Each step names exactly what it was planned against; who carries it out checks that at the last moment.
//! - Steps form a graph without cycles: a step begins when those it comes [`after`](Step::after) are done, and
//!   is dropped (and planned anew next time) when one of them failed.

mod action;
mod new_paths;
mod problem;

use std::collections::BTreeSet;

use crate::baseline::{DirRow, FileRow};
use crate::key::ObjectKey;
use crate::path::{DiskPath, RelPath};

pub use action::{Action, DeleteReason, LocalTurn, RemoteExpectation, RemoteTurn};
pub use new_paths::new_paths;
pub use problem::{Conflict, Problem, ProblemReason};

/// CopyObject takes objects up to this length, in bytes; so does one part of a copy by parts.
pub const MAX_COPY_BYTES: u64 = 5 << 30;

/// What is to be done for a target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The target stops and asks: nothing else of this plan is carried out.
    pub halt: Option<Halt>,
    /// What must be found out before anything is carried out; with those facts, plan again.
    pub examine: Vec<Examine>,
    /// Rows that change without any work on either side.
    pub rows: Vec<RowChange>,
    /// The work, each step after those it depends on.
    pub steps: Vec<Step>,
    /// Deletions among the steps that do not count for the guards: their content stands at another path.
    pub uncounted: BTreeSet<RelPath>,
    /// Paths whose two versions a person must choose between; both stay as they are.
    pub conflicts: Vec<Conflict>,
    /// Paths that cannot be synced, and why; both sides stay as they are.
    pub problems: Vec<Problem>,
}

impl Plan {
    /// Returns whether both sides agree already and nothing waits for a person.
    pub fn is_empty(&self) -> bool {
        self.halt.is_none() && self.examine.is_empty() && self.rows.is_empty() && self.steps.is_empty()
    }
}

/// Why a target stops and asks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Halt {
    /// The folder held files and is empty now.
    #[error("the folder held {tracked} files and is empty now")]
    LocalEmptied {
        /// How many files it held when both sides last agreed.
        tracked: u64,
    },
    /// The bucket held objects and is empty now.
    #[error("the bucket held {tracked} files here and is empty now")]
    RemoteEmptied {
        /// How many objects it held when both sides last agreed.
        tracked: u64,
    },
    /// More would be deleted than anyone asked for.
    #[error("{count} of {of} files would be deleted {side}")]
    MassDeletion {
        /// Where they would be deleted.
        side: Side,
        /// How many, those of the last minutes included.
        count: u64,
        /// Of how many.
        of: u64,
    },
}

/// One of the two sides that are kept the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// The folder.
    Local,
    /// The bucket.
    Remote,
}

impl std::fmt::Display for Side {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Side::Local => "from the folder",
            Side::Remote => "from the bucket",
        })
    }
}

/// A fact that is missing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Examine {
    /// The hashes of a local file.
    LocalHash {
        /// Where it lies.
        disk: DiskPath,
    },
    /// What a HEAD says of an object.
    Head {
        /// Its key.
        key: ObjectKey,
    },
    /// The hashes of an object's whole body.
    Content {
        /// Its key.
        key: ObjectKey,
    },
}

/// A change of the baseline that needs no work on either side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowChange {
    /// Both sides agree on this.
    File(RelPath, Box<FileRow>),
    /// Both sides agree on this directory.
    Dir(RelPath, DirRow),
    /// Neither side has the file any longer, or it is ignored now.
    ForgetFile(RelPath),
    /// Neither side has the directory any longer, or it is ignored now.
    ForgetDir(RelPath),
}

impl RowChange {
    /// Returns where on disk that lies which the row tells of; `None` if it tells of nothing.
    pub fn disk(&self) -> Option<&DiskPath> {
        match self {
            RowChange::File(_, row) => Some(&row.disk),
            RowChange::Dir(_, row) => Some(&row.disk),
            RowChange::ForgetFile(_) | RowChange::ForgetDir(_) => None,
        }
    }
}

/// The index of a step within its plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepId(pub usize);

/// One piece of work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The path it is about.
    pub path: RelPath,
    /// What to do.
    pub action: Action,
    /// Steps that must be done, and confirmed, before.
    pub after: Vec<StepId>,
}
