//! Exchanging: two entries of the tree take each other's names.

use s4_core::local::{Fingerprint, LocalEntry};
use s4_core::path::DiskPath;

use crate::batch::{Batch, Exchanged, SwapError};
use crate::disk::{DiskResult, directory_of};
use crate::error::DiskErrorKind;
use crate::intent::{Expected, Intent, IntentKind};

impl Batch {
    /// Exchanges two entries that are exactly what was expected of each; a cycle is a row of exchanges.
    ///
    /// Fails with [`SwapError::Changed`] if either is another by now; both stand where they stood.
    pub fn exchange_entries(
        &self,
        left: &DiskPath,
        left_expected: &LocalEntry,
        right: &DiskPath,
        right_expected: &LocalEntry,
    ) -> Result<Exchanged, SwapError> {
        let (_, left_planned) = self.planned(left, left_expected)?;
        let (_, right_planned) = self.planned(right, right_expected)?;
        self.disk().step("exchange:before")?;
        if self.folder().traits().has_exchange {
            self.exchange_at_once(left, left_planned, right, right_planned)?;
        } else {
            self.exchange_in_three_steps(left, left_planned, right, right_planned)?;
        }
        self.disk().step("exchange:done")?;
        Ok(Exchanged {
            left: self.exchanged_fingerprint(left, right_expected)?,
            right: self.exchanged_fingerprint(right, left_expected)?,
        })
    }

    fn exchanged_fingerprint(
        &self,
        path: &DiskPath,
        expected: &LocalEntry,
    ) -> DiskResult<Option<Fingerprint>> {
        expected.fingerprint().map(|_| self.renamed_fingerprint(path, expected)).transpose()
    }

    /// One step that leaves no path absent, so that it needs no intent.
    fn exchange_at_once(
        &self,
        left: &DiskPath,
        left_planned: Expected,
        right: &DiskPath,
        right_planned: Expected,
    ) -> Result<(), SwapError> {
        let changed = |path: &DiskPath| SwapError::Changed { path: path.clone() };
        // Nothing can be lost: both entries have a name before and after.
        self.disk().exchange(left, right).map_err(|error| match self.gone_or(error, left) {
            SwapError::Disk(error) => self.gone_or(error, right),
            other => other,
        })?;
        self.exchanged(left, right);
        self.disk().step("exchange:exchanged")?;
        let is = |path: &DiskPath, planned: Expected| -> DiskResult<bool> {
            Ok(self.disk().lstat(path)?.is_some_and(|stat| planned.is(&stat)))
        };
        let (left_is, right_is) = (is(left, right_planned)?, is(right, left_planned)?);
        if left_is && right_is {
            return Ok(());
        }
        // One of them was written in this moment: each goes back to the name it was written under.
        self.disk().exchange(left, right)?;
        self.exchanged(left, right);
        Err(changed(if left_is { left } else { right }))
    }

    /// Three renames; the intent names where the left entry waits.
    fn exchange_in_three_steps(
        &self,
        left: &DiskPath,
        left_planned: Expected,
        right: &DiskPath,
        right_planned: Expected,
    ) -> Result<(), SwapError> {
        let parked_at = self.parking_place(left)?;
        let intent = Intent {
            path: left.clone(),
            parked_at: parked_at.clone(),
            expected: left_planned,
            kind: IntentKind::Exchange { other: right.clone() },
        };
        let id = self.record(&intent)?;
        self.disk().step("exchange:before-park")?;
        self.move_to_free(left, &parked_at, left_planned, id)?;
        self.disk().step("exchange:parked")?;
        if let Err(error) = self.shift(right, left, right_planned) {
            self.undo(&parked_at, left, id)?;
            return Err(error);
        }
        // Where a file system does not keep a rename together, each entry needs its new name before it loses the old.
        for gained in [&parked_at, left, right] {
            self.disk().sync_dir(&directory_of(gained))?;
        }
        self.disk().step("exchange:shifted")?;
        // Nothing can be lost: the name is taken only if free, and the intent says where the entry waits.
        match self.disk().rename(&parked_at, right) {
            Ok(()) => {
                self.moved(&parked_at, right);
                self.complete(id);
                Ok(())
            }
            Err(error) if error.kind == DiskErrorKind::Occupied => Err(self.parked(&parked_at, left, id)?),
            Err(error) => Err(error.into()),
        }
    }

    /// Moves the planned entry from one name to the other, free one, and back again if it is not the planned one.
    fn shift(&self, from: &DiskPath, to: &DiskPath, planned: Expected) -> Result<(), SwapError> {
        let changed = || SwapError::Changed { path: from.clone() };
        // Nothing can be lost: the entry goes as a whole to a free name.
        self.disk().rename(from, to).map_err(|error| match error.kind {
            DiskErrorKind::Missing | DiskErrorKind::Occupied => changed(),
            _ => SwapError::from(error),
        })?;
        self.moved(from, to);
        if self.disk().lstat(to)?.is_some_and(|stat| planned.is(&stat)) {
            return Ok(());
        }
        self.put_back(to, from)?;
        Err(changed())
    }
}
