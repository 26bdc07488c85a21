//! What a run says: events while it goes on, a status at any time, a report at the end.
//!
//! - A status is a whole snapshot: the latest wins, nothing queues.
//! - Events are for whoever prints lines; nothing depends on their being heard.

use std::sync::Arc;

use s4_core::path::RelPath;
use s4_core::plan::{Action, Conflict, DeleteReason, Halt, Plan, Problem, RemoteExpectation, Side};

/// What happens while a target is synced.
#[derive(Clone, Debug)]
pub enum Event {
    /// Both sides were looked at.
    Observed {
        /// Entries of the folder.
        local: usize,
        /// Objects of the bucket.
        remote: usize,
    },
    /// It is known what is to be done.
    Planned {
        /// How many steps.
        steps: usize,
        /// How many bytes they move.
        bytes: u64,
    },
    /// A step begins.
    Started(Work),
    /// A step moved bytes.
    Moved {
        /// The path.
        path: RelPath,
        /// How many since the last event of this step.
        bytes: u64,
    },
    /// A step is done.
    Finished(Work),
    /// A step could not be done now: something changed meanwhile. It is planned anew.
    Postponed {
        /// The work.
        work: Work,
        /// Why.
        why: String,
    },
    /// A step failed; the path is a problem.
    Failed {
        /// The work.
        work: Work,
        /// Why.
        why: String,
    },
    /// Something that a person should know, and that is no error.
    Notice(String),
}

/// Hears events. It must not block.
pub type Observer = Arc<dyn Fn(&Event) + Send + Sync>;

/// One step, as people see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Work {
    /// The path.
    pub path: RelPath,
    /// What is done to it.
    pub verb: Verb,
    /// The side that changes.
    pub side: Side,
    /// Bytes to move.
    pub bytes: u64,
}

/// What is done to a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// It appears on the side.
    Create,
    /// It is replaced there.
    Update,
    /// It disappears there.
    Delete,
    /// It gets another name there.
    Move,
    /// Both versions stay.
    KeepBoth,
    /// Bookkeeping: a marker, a mode, a directory, a name on this disk.
    Adjust,
}

impl Work {
    /// Returns how people see a step.
    pub fn of(path: &RelPath, action: &Action) -> Self {
        let (verb, side, bytes) = match action {
            Action::Upload { local, replaces, .. } => {
                let size = local.fingerprint().map_or(0, |fingerprint| fingerprint.size);
                match replaces {
                    RemoteExpectation::Absent => (Verb::Create, Side::Remote, size),
                    RemoteExpectation::Version(_) => (Verb::Update, Side::Remote, size),
                }
            }
            Action::Download { object, replaces: None, .. } => (Verb::Create, Side::Local, object.size),
            Action::Download { object, replaces: Some(_), .. } => (Verb::Update, Side::Local, object.size),
            Action::KeepBoth { object, .. } => (Verb::KeepBoth, Side::Local, object.size),
            // The other half of a move: its content stands under the new name.
            Action::DeleteRemote { reason: DeleteReason::Moved, .. } => (Verb::Adjust, Side::Remote, 0),
            Action::DeleteRemote { reason: DeleteReason::DeletedLocally | DeleteReason::Ignored, .. } => {
                (Verb::Delete, Side::Remote, 0)
            }
            Action::DeleteLocal { .. } => (Verb::Delete, Side::Local, 0),
            Action::CopyRemote { .. } | Action::RotateRemote { .. } => (Verb::Move, Side::Remote, 0),
            Action::MoveLocal { .. } | Action::RotateLocal { .. } => (Verb::Move, Side::Local, 0),
            Action::RenameOnDisk { .. }
            | Action::SetLocalMode { .. }
            | Action::CreateDir { .. }
            | Action::RemoveDir { .. } => (Verb::Adjust, Side::Local, 0),
            Action::SetRemoteMode { .. }
            | Action::PutMarker { .. }
            | Action::DeleteMarker { .. }
            | Action::RecordDir { .. } => (Verb::Adjust, Side::Remote, 0),
        };
        Self { path: path.clone(), verb, side, bytes }
    }
}

/// Where a run stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// What it is doing.
    pub phase: Phase,
    /// Steps done and planned.
    pub steps: (usize, usize),
    /// Bytes moved and planned.
    pub bytes: (u64, u64),
}

/// What a run is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Nothing.
    #[default]
    Idle,
    /// Looking at both sides.
    Observing,
    /// Finding out what a listing cannot tell.
    Examining,
    /// Carrying out a plan.
    Working,
}

/// What a run did, and what waits for a person.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The steps that are done, bookkeeping included.
    pub done: Vec<Work>,
    /// Both versions stay as they are until a person chooses.
    pub conflicts: Vec<Conflict>,
    /// Paths that could not be synced.
    pub problems: Vec<Problem>,
    /// Steps that failed, and why.
    pub failed: Vec<(Work, String)>,
    /// The target stopped and asks.
    pub halt: Option<Halted>,
    /// What a person should know.
    pub notices: Vec<String>,
    /// Facts that were asked for: local hashes, HEADs, bodies read.
    pub examined: Examined,
    /// Some paths kept changing; they are looked at again next time.
    pub unsettled: usize,
}

/// How many facts were asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Examined {
    /// Local files hashed.
    pub hashes: usize,
    /// HEAD requests.
    pub heads: usize,
    /// Objects read whole to compare them.
    pub bodies: usize,
}

/// Why a target stopped, with what it would have deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Halted {
    /// Why.
    pub reason: Halt,
    /// What would have been deleted, by side; nothing of it was.
    pub deletions: Vec<(Side, RelPath)>,
}

impl Halted {
    /// Returns why `plan` stops.
    pub(crate) fn of(plan: &Plan) -> Option<Self> {
        let deletions = plan.steps.iter().filter_map(|step| {
            let work = Work::of(&step.path, &step.action);
            (work.verb == Verb::Delete).then_some((work.side, work.path))
        });
        let reason = plan.halt.clone()?;
        Some(Self { reason, deletions: deletions.collect() })
    }
}
