//! Landing: staged files get their names, many at a time.
//!
//! - Content of the whole batch is made durable by one sync, then each file takes its name for itself. So a row can
//!   only ever speak of content that survives a power cut, at a fraction of what a sync for each file costs.
//! - The intents of all replacements are recorded in one transaction before the first of them.
//! - Each file is checked against what it was planned for, and one that fails fails alone.
//! - Nothing is committed here: a row follows when the directories are durable too.

use s4_core::plan::{Action, Step};
use s4_local::batch::{Replacement, SwapError};
use s4_local::staging::Staged;

use super::{keep_both, receive};
use crate::session::{Round, StepResult, Stop};
use crate::transfer::download::Fetched;

/// A staged file on its way to its name.
struct Arrival {
    index: usize,
    fetched: Fetched,
    /// How it will replace what stands there, if it replaces.
    replacement: Option<Replacement>,
}

/// Gives each of the files the name that its step says. Blocks.
pub(super) fn land(
    round: &Round,
    steps: &[Step],
    arrived: Vec<(usize, Fetched)>,
) -> Vec<(usize, StepResult)> {
    let mut landed = Vec::with_capacity(arrived.len());
    let mut arrivals = Vec::with_capacity(arrived.len());
    for (index, mut fetched) in arrived {
        match prepared(round, &steps[index], &mut fetched.staged) {
            Ok(replacement) => arrivals.push(Arrival { index, fetched, replacement }),
            Err(error) => landed.push((index, Err(error.into()))),
        }
    }
    if let Err(error) = make_ready(round, &mut arrivals) {
        // Nothing has a name yet. Each syncs and notes its own now, and fails alone.
        tracing::debug!(%error, "a batch of files could not be made ready as one");
    }
    for Arrival { index, fetched, replacement } in arrivals {
        let step = &steps[index];
        let result = match &step.action {
            Action::Download { object, disk, replaces, .. } => {
                receive::place(round, &step.path, object, disk, replaces.as_ref(), replacement, fetched)
            }
            Action::KeepBoth { object, disk, local, conflict } => {
                keep_both::place(round, &step.path, object, disk, local, conflict, fetched)
            }
            _ => Err(Stop::Again("it brings no file".to_owned())),
        };
        landed.push((index, result));
    }
    landed
}

/// Compares what stands in a file's place with what was planned, and makes room for it in trash.
fn prepared(round: &Round, step: &Step, staged: &mut Staged) -> Result<Option<Replacement>, SwapError> {
    match &step.action {
        Action::Download { disk, replaces: Some(local), .. } => {
            round.batch.prepare_replacement(staged, disk, local).map(Some)
        }
        _ => Ok(None),
    }
}

/// Makes the content of all durable, and notes what is about to be replaced.
fn make_ready(round: &Round, arrivals: &mut [Arrival]) -> Result<(), SwapError> {
    let disk = round.folder().disk().clone();
    disk.step("land:before-sync")?;
    let mut staged: Vec<&mut Staged> =
        arrivals.iter_mut().map(|arrival| &mut arrival.fetched.staged).collect();
    round.folder().sync_staged(&mut staged)?;
    disk.step("land:synced")?;
    let mut replacements: Vec<&mut Replacement> =
        arrivals.iter_mut().filter_map(|arrival| arrival.replacement.as_mut()).collect();
    round.batch.announce(&mut replacements)
}
