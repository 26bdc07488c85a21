//! Cleaning `.s4/partial` of what earlier runs left there.
//!
//! - What an intent names is never touched, nor what was parked: it may be the only copy of a user's file.
//! - If the intents may have been lost (a database that had to be rebuilt), nothing is unlinked at all:
//!   [`Leftovers::MoveToTrash`].

use s4_core::path::DiskPath;

use crate::batch::{Batch, SwapError};
use crate::disk::{EntryName, Kind};
use crate::error::DiskErrorKind;
use crate::folder::{PARTIAL, own};
use crate::intent::Intent;

/// The beginning of the names under which entries of the tree wait for another name.
pub(crate) const PARKED: &str = "parked-";

/// What to do with partials that nobody wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leftovers {
    /// Unlink them: every intent is known, so they are ours and can be had from the bucket again.
    Unlink,
    /// Move everything to trash, parked entries too: one of them may be a user's file.
    MoveToTrash,
}

impl Batch {
    /// Removes the partials that `wanted` (by name) does not want and no intent names; returns how many.
    pub fn clean_partials(
        &self,
        intents: &[Intent],
        wanted: &dyn Fn(&str) -> bool,
        leftovers: Leftovers,
    ) -> Result<usize, SwapError> {
        let named: Vec<&DiskPath> = intents
            .iter()
            .flat_map(|intent| [Some(&intent.parked_at), intent.kind.staged().map(|staged| &staged.at)])
            .flatten()
            .collect();
        let mut removed = 0;
        for home in self.folder().homes() {
            let directory = own(&home, PARTIAL);
            let mut found = Vec::new();
            self.disk().read_dir(&directory, &mut |item| {
                if let (EntryName::Text(name), Ok(stat)) = (item.name, item.stat) {
                    found.push((directory.join(&name), stat.kind));
                }
            })?;
            found.retain(|(path, _)| !named.contains(&path) && !wanted(path.name()));
            found.sort_by(|(left, _), (right, _)| left.cmp(right));
            for (path, kind) in found {
                removed += usize::from(self.clean(&path, kind, leftovers)?);
            }
        }
        Ok(removed)
    }

    /// Removes one partial; returns whether it is gone.
    fn clean(&self, path: &DiskPath, kind: Kind, leftovers: Leftovers) -> Result<bool, SwapError> {
        let outcome = match leftovers {
            Leftovers::MoveToTrash => {
                let place = self.trash_place(path)?;
                self.disk().rename(path, &place).inspect(|()| self.moved(path, &place))
            }
            Leftovers::Unlink if kind == Kind::Dir || path.name().starts_with(PARKED) => return Ok(false),
            // Nothing can be lost: we staged it, no intent says that something of the user came out here.
            Leftovers::Unlink => self.disk().unlink(path),
        };
        match outcome {
            Ok(()) => {
                self.touched(|touched| touched.touch(path));
                Ok(true)
            }
            Err(error) if error.kind == DiskErrorKind::Missing => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}
