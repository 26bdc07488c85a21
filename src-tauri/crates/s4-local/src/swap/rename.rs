//! Renaming: an entry, whatever it is, takes a free name.

use s4_core::local::{Fingerprint, LocalEntry};
use s4_core::path::DiskPath;

use crate::batch::{Batch, SwapError};
use crate::cleaning::PARKED;
use crate::disk::directory_of;
use crate::error::DiskErrorKind;
use crate::folder::PARTIAL;
use crate::intent::{Announcement, Expected, Intent, IntentId, IntentKind};

/// A rename that is prepared: what stands there was compared with what was planned.
///
/// Nothing in the tree has changed yet, and dropping it changes nothing.
#[derive(Debug)]
pub struct Renaming {
    announcement: Announcement,
    to: DiskPath,
}

impl Renaming {
    /// Returns what is to be recorded before.
    pub fn announcement(&mut self) -> &mut Announcement {
        &mut self.announcement
    }
}

impl Batch {
    /// Renames a file, link or directory that is exactly `expected` to the free name `to`.
    ///
    /// Returns its new fingerprint, `None` for a directory. A change of case alone works everywhere. Fails with
    /// [`SwapError::Occupied`] if `to` is taken, with [`SwapError::Changed`] if another entry stands at `from`.
    pub fn rename(
        &self,
        from: &DiskPath,
        expected: &LocalEntry,
        to: &DiskPath,
    ) -> Result<Option<Fingerprint>, SwapError> {
        let renaming = self.prepare_renaming(from, expected, to)?;
        self.rename_prepared(renaming, expected)
    }

    /// Prepares to rename what stands at `from`, which must be exactly `expected`.
    pub fn prepare_renaming(
        &self,
        from: &DiskPath,
        expected: &LocalEntry,
        to: &DiskPath,
    ) -> Result<Renaming, SwapError> {
        let (_, planned) = self.planned(from, expected)?;
        let traits = self.folder().traits();
        let is_one_name = directory_of(from) == directory_of(to)
            && from != to
            && traits.fold(from.name()) == traits.fold(to.name());
        let parked_at = if is_one_name { self.parking_place(from)? } else { to.clone() };
        let kind = IntentKind::Rename { to: to.clone() };
        let intent = Intent { path: from.clone(), parked_at, expected: planned, kind };
        Ok(Renaming { announcement: Announcement::of(intent), to: to.clone() })
    }

    /// Carries out what was prepared, as [`Batch::rename`] does: everything is checked again.
    pub fn rename_prepared(
        &self,
        renaming: Renaming,
        expected: &LocalEntry,
    ) -> Result<Option<Fingerprint>, SwapError> {
        let Renaming { announcement, to } = renaming;
        let (intent, id) = self.recorded(announcement)?;
        let (from, parked_at, planned) = (&intent.path, &intent.parked_at, intent.expected);
        self.disk().step("rename:before")?;
        self.move_to_free(from, parked_at, planned, id)?;
        if *parked_at != to {
            self.disk().step("rename:parked")?;
            self.leave_parking(parked_at, from, &to, id)?;
        }
        self.disk().step("rename:renamed")?;
        let fingerprint = match planned {
            Expected::Entry(_) => Some(self.renamed_fingerprint(&to, expected)?),
            Expected::Dir(_) => None,
        };
        self.complete(id);
        Ok(fingerprint)
    }

    /// Returns a free name of our own on the file system of `path`.
    pub(super) fn parking_place(&self, path: &DiskPath) -> Result<DiskPath, SwapError> {
        let directory = self.folder().own_for(path, PARTIAL)?;
        loop {
            let place = directory.join(&format!("{PARKED}{}", self.folder().next_number()));
            if self.disk().lstat(&place)?.is_none() {
                return Ok(place);
            }
        }
    }

    /// Moves an entry to a free name, naming the name if it is taken.
    pub(super) fn move_to_free(
        &self,
        from: &DiskPath,
        to: &DiskPath,
        planned: Expected,
        id: IntentId,
    ) -> Result<(), SwapError> {
        self.park(from, to, planned, id).map_err(|error| match error {
            SwapError::Disk(error) if error.kind == DiskErrorKind::Occupied => {
                // The name is taken, so nothing was moved.
                self.complete(id);
                SwapError::Occupied { path: to.clone() }
            }
            other => other,
        })
    }

    /// Gives the parked entry its new name, or its old one if the new one is taken.
    fn leave_parking(
        &self,
        parked_at: &DiskPath,
        from: &DiskPath,
        to: &DiskPath,
        id: IntentId,
    ) -> Result<(), SwapError> {
        // Nothing can be lost: both names are taken only if free, and the intent names where the entry waits.
        let Err(error) = self.disk().rename(parked_at, to) else {
            self.moved(parked_at, to);
            return Ok(());
        };
        match self.undo(parked_at, from, id)? {
            SwapError::Changed { .. } if error.kind == DiskErrorKind::Occupied => {
                Err(SwapError::Occupied { path: to.clone() })
            }
            SwapError::Changed { .. } => Err(error.into()),
            other => Err(other),
        }
    }
}
