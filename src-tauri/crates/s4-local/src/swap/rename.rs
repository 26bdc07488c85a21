//! Renaming: an entry, whatever it is, takes a free name.

use s4_core::local::{Fingerprint, LocalEntry};
use s4_core::path::DiskPath;

use crate::batch::{Batch, SwapError};
use crate::cleaning::PARKED;
use crate::disk::directory_of;
use crate::error::DiskErrorKind;
use crate::folder::PARTIAL;
use crate::intent::{Expected, Intent, IntentId, IntentKind};

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
        let planned = match self.planned(from, expected) {
            Ok((_, planned)) => planned,
            Err(error) => {
                // Nothing has begun, so an intent that was recorded ahead is settled as it is.
                self.announced().give_up(from).into_iter().for_each(|id| self.complete(id));
                return Err(error);
            }
        };
        let parked_at = if self.is_one_name(from, to) { self.parking_place(from)? } else { to.clone() };
        let kind = IntentKind::Rename { to: to.clone() };
        let intent = Intent { path: from.clone(), parked_at: parked_at.clone(), expected: planned, kind };
        let id = self.record_with_others(&intent)?;
        self.disk().step("rename:before")?;
        self.move_to_free(from, &parked_at, planned, id)?;
        if parked_at != *to {
            self.disk().step("rename:parked")?;
            self.leave_parking(&parked_at, from, to, id)?;
        }
        self.disk().step("rename:renamed")?;
        let fingerprint = match planned {
            Expected::Entry(_) => Some(self.renamed_fingerprint(to, expected)?),
            Expected::Dir(_) => None,
        };
        self.complete(id);
        Ok(fingerprint)
    }

    /// Says which files will be renamed, from where, in which state, and to where: so their intents can be recorded
    /// many at a time, in this order.
    pub fn expect_renames(&self, renames: impl IntoIterator<Item = (DiskPath, Fingerprint, DiskPath)>) {
        let plain = renames.into_iter().filter(|(from, _, to)| from != to && !self.is_one_name(from, to));
        let intents = plain.map(|(path, print, to)| Intent {
            path,
            parked_at: to.clone(),
            expected: Expected::Entry(print),
            kind: IntentKind::Rename { to },
        });
        self.announced().expect(intents);
    }

    /// Records an intent, and with it those of the renames that come next.
    fn record_with_others(&self, intent: &Intent) -> Result<IntentId, SwapError> {
        let mut announced = self.announced();
        let (known, other) = announced.take(intent);
        // The file is another one by now than was expected: that step will not begin.
        other.into_iter().for_each(|id| self.complete(id));
        if let Some(id) = known {
            return Ok(id);
        }
        let others = announced.next(intent);
        if others.is_empty() {
            drop(announced);
            return self.record(intent);
        }
        let ids = self.record_all(&others.iter().collect::<Vec<_>>())?;
        announced.recorded(others, ids);
        match announced.take(intent) {
            (Some(id), _) => Ok(id),
            (None, _) => self.record(intent),
        }
    }

    /// Returns whether this disk takes two names for one.
    fn is_one_name(&self, from: &DiskPath, to: &DiskPath) -> bool {
        let traits = self.folder().traits();
        directory_of(from) == directory_of(to)
            && from != to
            && traits.fold(from.name()) == traits.fold(to.name())
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
