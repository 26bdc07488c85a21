//! Removing: a file or link goes to trash.

use s4_core::local::LocalEntry;
use s4_core::path::DiskPath;

use crate::batch::{Batch, SwapError};
use crate::intent::{Announcement, Intent, IntentKind};
use crate::trash::TrashedEntry;

/// A removal that is prepared: what stands there was compared with what was planned, and trash has room for it.
///
/// Nothing in the tree has changed yet, and dropping it changes nothing.
#[derive(Debug)]
pub struct Removal(Announcement);

impl Removal {
    /// Returns what is to be recorded before.
    pub fn announcement(&mut self) -> &mut Announcement {
        &mut self.0
    }
}

impl Batch {
    /// Moves a file or link that is exactly `expected` to trash.
    ///
    /// Fails with [`SwapError::Changed`] if it is another by now: it stands where it stood. Directories are
    /// removed by [`Batch::remove_dir`].
    pub fn remove(&self, at: &DiskPath, expected: &LocalEntry) -> Result<TrashedEntry, SwapError> {
        let removal = self.prepare_removal(at, expected)?;
        self.remove_prepared(removal, expected)
    }

    /// Prepares to remove what stands at `at`, which must be exactly `expected`.
    pub fn prepare_removal(&self, at: &DiskPath, expected: &LocalEntry) -> Result<Removal, SwapError> {
        let (_, planned) = self.planned_file(at, expected)?;
        let parked_at = self.trash_place(at)?;
        let intent = Intent { path: at.clone(), parked_at, expected: planned, kind: IntentKind::Remove };
        Ok(Removal(Announcement::of(intent)))
    }

    /// Carries out what was prepared, as [`Batch::remove`] does: everything is checked again.
    pub fn remove_prepared(
        &self,
        removal: Removal,
        expected: &LocalEntry,
    ) -> Result<TrashedEntry, SwapError> {
        let (intent, id) = self.recorded(removal.0)?;
        let (at, place) = (&intent.path, intent.parked_at);
        self.disk().step("remove:before")?;
        self.park(at, &place, intent.expected, id)?;
        self.disk().step("remove:parked")?;
        let trashed = self.trashed(place, at, expected)?;
        self.complete(id);
        self.disk().step("remove:done")?;
        Ok(trashed)
    }
}
