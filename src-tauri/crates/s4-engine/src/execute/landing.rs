//! Landing: staged files get their names, and files of the folder other ones, many at a time.
//!
//! - Content of the whole batch is made durable by one sync, then each file takes its name for itself. So a row can
//!   only ever speak of content that survives a power cut, at a fraction of what a sync for each file costs.
//! - The intents of all replacements, removals and renames are recorded in one transaction before the first of them.
//! - Each file is checked against what it was planned for, and one that fails fails alone.
//! - Nothing is committed here: a row follows when the directories are durable too.

use s4_core::plan::{Action, Step};
use s4_local::batch::{Removal, Renaming, Replacement, SwapError};
use s4_local::intent::Announcement;
use s4_local::staging::Staged;

use super::{keep_both, receive, remove, rename, rotate_local};
use crate::session::{Round, StepResult, Stop};
use crate::transfer::download::Fetched;

/// A step on its way to its end.
struct Arrival {
    index: usize,
    fetched: Option<Fetched>,
    prepared: Prepared,
}

/// What is announced before a step.
enum Prepared {
    Nothing,
    Replacement(Replacement),
    Removal(Removal),
    Renaming(Renaming),
}

/// Ends each of the steps. Blocks.
pub(super) fn land(
    round: &Round,
    steps: &[Step],
    arrived: Vec<(usize, Option<Fetched>)>,
) -> Vec<(usize, StepResult)> {
    let mut landed = Vec::with_capacity(arrived.len());
    let mut arrivals = Vec::with_capacity(arrived.len());
    for (index, mut fetched) in arrived {
        match prepared(round, &steps[index], fetched.as_mut().map(|fetched| &mut fetched.staged)) {
            Ok(prepared) => arrivals.push(Arrival { index, fetched, prepared }),
            Err(error) => landed.push((index, Err(error.into()))),
        }
    }
    if let Err(error) = make_ready(round, &mut arrivals) {
        // Nothing has a name yet. Each syncs and notes its own now, and fails alone.
        tracing::debug!(%error, "a batch of files could not be made ready as one");
    }
    for Arrival { index, fetched, prepared } in arrivals {
        landed.push((index, end(round, &steps[index], fetched, prepared)));
    }
    landed
}

/// Compares what stands in a file's place with what was planned, and makes room for it where it goes.
fn prepared(round: &Round, step: &Step, staged: Option<&mut Staged>) -> Result<Prepared, SwapError> {
    let batch = &round.batch;
    Ok(match (&step.action, staged) {
        (Action::Download { disk, replaces: Some(local), .. }, Some(staged)) => {
            Prepared::Replacement(batch.prepare_replacement(staged, disk, local)?)
        }
        (Action::DeleteLocal { disk, local, .. }, _) => {
            Prepared::Removal(batch.prepare_removal(disk, local)?)
        }
        (Action::MoveLocal { from_disk, local, disk, .. }, _) if from_disk != disk => {
            Prepared::Renaming(batch.prepare_renaming(from_disk, local, disk)?)
        }
        (Action::RenameOnDisk { from, local, to }, _) => {
            let expected = rename::restamped(round, &step.path, from, local);
            Prepared::Renaming(batch.prepare_renaming(from, &expected, to)?)
        }
        _ => Prepared::Nothing,
    })
}

/// Makes the content of all durable, and notes what is about to be replaced, removed or renamed.
fn make_ready(round: &Round, arrivals: &mut [Arrival]) -> Result<(), SwapError> {
    let disk = round.folder().disk().clone();
    disk.step("land:before-sync")?;
    let mut staged: Vec<&mut Staged> = arrivals
        .iter_mut()
        .filter_map(|arrival| arrival.fetched.as_mut())
        .map(|fetched| &mut fetched.staged)
        .collect();
    round.folder().sync_staged(&mut staged)?;
    disk.step("land:synced")?;
    let mut announcements: Vec<&mut Announcement> =
        arrivals.iter_mut().filter_map(|arrival| arrival.prepared.announcement()).collect();
    round.batch.announce(&mut announcements)
}

impl Prepared {
    fn announcement(&mut self) -> Option<&mut Announcement> {
        match self {
            Self::Nothing => None,
            Self::Replacement(replacement) => Some(replacement.announcement()),
            Self::Removal(removal) => Some(removal.announcement()),
            Self::Renaming(renaming) => Some(renaming.announcement()),
        }
    }
}

/// Ends one step.
fn end(round: &Round, step: &Step, fetched: Option<Fetched>, prepared: Prepared) -> StepResult {
    let path = &step.path;
    match (&step.action, fetched, prepared) {
        (Action::Download { object, disk, replaces, .. }, Some(fetched), prepared) => {
            let replacement = match prepared {
                Prepared::Replacement(replacement) => Some(replacement),
                Prepared::Nothing | Prepared::Removal(_) | Prepared::Renaming(_) => None,
            };
            receive::place(round, path, object, disk, replaces.as_ref(), replacement, fetched)
        }
        (Action::KeepBoth { object, disk, local, conflict }, Some(fetched), _) => {
            keep_both::place(round, path, object, disk, local, conflict, fetched)
        }
        (Action::DeleteLocal { local, .. }, _, Prepared::Removal(removal)) => {
            remove::delete_local(round, path, local, removal)
        }
        (Action::MoveLocal { from, local, disk, object, .. }, _, prepared) => {
            let renaming = match prepared {
                Prepared::Renaming(renaming) => Some(renaming),
                Prepared::Nothing | Prepared::Replacement(_) | Prepared::Removal(_) => None,
            };
            rename::move_local(round, path, from, local, disk, object, renaming)
        }
        (Action::RenameOnDisk { from, local, to }, _, Prepared::Renaming(renaming)) => {
            rename::rename_on_disk(round, path, from, local, to, renaming)
        }
        (Action::RotateLocal { turns }, ..) => rotate_local::rotate(round, turns),
        _ => Err(Stop::Again("nothing was prepared for it".to_owned())),
    }
}
