//! Removing: a file or link goes to trash.

use s4_core::local::LocalEntry;
use s4_core::path::DiskPath;

use crate::batch::{Batch, SwapError};
use crate::intent::{Intent, IntentKind};
use crate::trash::TrashedEntry;

impl Batch {
    /// Moves a file or link that is exactly `expected` to trash.
    ///
    /// Fails with [`SwapError::Changed`] if it is another by now: it stands where it stood. Directories are
    /// removed by [`Batch::remove_dir`].
    pub fn remove(&self, at: &DiskPath, expected: &LocalEntry) -> Result<TrashedEntry, SwapError> {
        let (_, planned) = self.planned_file(at, expected)?;
        let place = self.trash_place(at)?;
        let intent = Intent {
            path: at.clone(),
            parked_at: place.clone(),
            expected: planned,
            kind: IntentKind::Remove,
        };
        let id = self.record(&intent)?;
        self.disk().step("remove:before")?;
        self.park(at, &place, planned, id)?;
        self.disk().step("remove:parked")?;
        let trashed = self.trashed(place, at, expected)?;
        self.complete(id);
        self.disk().step("remove:done")?;
        Ok(trashed)
    }
}
