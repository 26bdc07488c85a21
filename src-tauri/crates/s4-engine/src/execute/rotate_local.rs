//! Files that change places because their objects did, by exchanges: every name holds a whole file all the time.
//!
//! - The first place holds what the next exchange brings to its own. A row goes with its content there too, so that
//!   what is done stands even if the next exchange finds another file.
//! - A crash loses nothing. After a swap the next plan finds both files to be their objects already. Of a longer cycle
//!   that stopped between two exchanges, the file that is at the first place meanwhile may become a conflict copy.

use s4_core::baseline::{FileRow, RowLastModified};
use s4_core::local::{Fingerprint, LocalEntry, LocalFile};
use s4_core::path::RelPath;
use s4_core::plan::{LocalTurn, RowChange};

use super::rename::moved_row;
use crate::db::ActivityKind;
use crate::session::{Done, Round, StepResult, Stop};

/// Gives the file of each path to the next one, and that of the last one to the first. Blocks.
pub(super) fn rotate(round: &Round, turns: &[LocalTurn]) -> StepResult {
    let [first, rest @ ..] = turns else { return Ok(Done::default()) };
    let row_of = |turn: &LocalTurn| {
        let stop = || Stop::Again("the source is no longer known".to_owned());
        round.row(&turn.path).ok_or_else(stop)
    };
    // What is at the first place: at last the file of the last one.
    let mut waiting = (first.local.clone(), row_of(first)?);
    let mut rows: Vec<RowChange> = Vec::new();
    let mut again = false;
    for (number, turn) in (1..).zip(rest) {
        let is_last = number == rest.len();
        let row = row_of(turn)?;
        let (left, right) = match exchange(round, first, &waiting.0, turn) {
            Ok(stamps) => stamps,
            Err(stop) if rows.is_empty() => return Err(stop),
            Err(_) => {
                again = true;
                break;
            }
        };
        rows.retain(|row| !is_of(row, &first.path));
        let arrived = moved_row(waiting.1, &turn.disk, right, &turn.object);
        rows.push(RowChange::File(turn.path.clone(), Box::new(arrived)));
        let row = match is_last {
            true => moved_row(row, &first.disk, left, &first.object),
            // No object of this path has that content and that tag: it counts as changed until its turn comes.
            false => FileRow {
                key: first.object.key.clone(),
                disk: first.disk.clone(),
                fingerprint: left,
                last_modified: RowLastModified::NotAfter(s4_core::remote::UnixMillis(i64::MIN)),
                version_id: None,
                own_write: false,
                ..row
            },
        };
        rows.push(RowChange::File(first.path.clone(), Box::new(row.clone())));
        waiting = (restamped(&turn.local, left), row_of(turn)?);
    }
    Ok(Done { rows, activity: Some((ActivityKind::MovedLocal, 0)), again, ..Done::default() })
}

/// Exchanges two files; each is checked against what is expected of it. Returns their stamps, the first place's first.
fn exchange(
    round: &Round,
    first: &LocalTurn,
    waiting: &LocalEntry,
    turn: &LocalTurn,
) -> StepResult<(Fingerprint, Fingerprint)> {
    // Nothing is lost: both files are checked before and after, and each has a name all the time.
    let exchanged = round.batch.exchange_entries(&first.disk, waiting, &turn.disk, &turn.local)?;
    exchanged.left.zip(exchanged.right).ok_or_else(|| Stop::Again("it is no file any longer".to_owned()))
}

fn is_of(row: &RowChange, path: &RelPath) -> bool {
    matches!(row, RowChange::File(of, _) if of == path)
}

/// Returns a file under its new stamps.
fn restamped(entry: &LocalEntry, fingerprint: Fingerprint) -> LocalEntry {
    match entry {
        LocalEntry::File(file) => LocalEntry::File(LocalFile { fingerprint, executable: file.executable }),
        other => other.clone(),
    }
}
