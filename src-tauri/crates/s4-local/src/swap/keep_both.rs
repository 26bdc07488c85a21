//! Keeping both: a staged entry takes the name, the one that stood there takes a conflict name.

use s4_core::local::{Fingerprint, LocalEntry};
use s4_core::path::DiskPath;

use crate::batch::{Batch, KeptBoth, SwapError};
use crate::disk::DiskResult;
use crate::error::DiskErrorKind;
use crate::intent::{Expected, Intent, IntentId, IntentKind, Staging};
use crate::staging::Staged;

impl Batch {
    /// Puts a staged entry in the place of one that is exactly `expected`, which takes the free name `keep_as`.
    ///
    /// Fails with [`SwapError::Occupied`] if `keep_as` is taken, and with [`SwapError::Changed`] if another entry
    /// stands at `at` by now. After both everything stands as before and `staged` can be tried again.
    pub fn replace_keeping(
        &self,
        staged: &mut Staged,
        at: &DiskPath,
        expected: &LocalEntry,
        keep_as: &DiskPath,
    ) -> Result<KeptBoth, SwapError> {
        let (stat, planned) = self.planned_file(at, expected)?;
        if self.disk().lstat(keep_as)?.is_some() {
            return Err(SwapError::Occupied { path: keep_as.clone() });
        }
        staged.take_permissions_of(&stat)?;
        staged.make_durable()?;
        let by_exchange = self.folder().traits().has_exchange;
        let parked_at = if by_exchange { staged.path().clone() } else { keep_as.clone() };
        let staging = Staging { at: staged.path().clone(), fingerprint: *staged.fingerprint() };
        let kind = IntentKind::KeepBoth { staged: staging, keep_as: keep_as.clone() };
        let id = self.record(&Intent { path: at.clone(), parked_at, expected: planned, kind })?;
        if by_exchange {
            self.keep_by_exchange(staged, at, planned, keep_as, id)?;
        } else {
            self.keep_in_two_steps(staged, at, planned, keep_as, id)?;
        }
        let fingerprint = staged.placed_fingerprint(at)?;
        let kept = self.renamed_fingerprint(keep_as, expected)?;
        self.complete(id);
        self.disk().step("keep-both:done")?;
        Ok(KeptBoth { fingerprint, kept })
    }

    fn keep_by_exchange(
        &self,
        staged: &mut Staged,
        at: &DiskPath,
        planned: Expected,
        keep_as: &DiskPath,
        id: IntentId,
    ) -> Result<(), SwapError> {
        self.exchange_in(staged, at, planned, id)?;
        // Nothing can be lost: what came out goes to a free name, and until then the intent names where it stands.
        match self.disk().rename(staged.path(), keep_as) {
            Ok(()) => {
                self.moved(staged.path(), keep_as);
                self.disk().step("keep-both:kept")?;
                Ok(())
            }
            Err(error) => Err(match (self.exchange_back(staged, at, id)?, error.kind) {
                (SwapError::Changed { .. }, DiskErrorKind::Occupied) => {
                    SwapError::Occupied { path: keep_as.clone() }
                }
                (SwapError::Changed { .. }, _) => error.into(),
                (other, _) => other,
            }),
        }
    }

    fn keep_in_two_steps(
        &self,
        staged: &mut Staged,
        at: &DiskPath,
        planned: Expected,
        keep_as: &DiskPath,
        id: IntentId,
    ) -> Result<(), SwapError> {
        self.disk().step("keep-both:before-park")?;
        self.park(at, keep_as, planned, id).map_err(|error| match error {
            SwapError::Disk(error) if error.kind == DiskErrorKind::Occupied => {
                self.complete(id);
                SwapError::Occupied { path: keep_as.clone() }
            }
            other => other,
        })?;
        self.disk().step("keep-both:parked")?;
        match self.place(staged, at) {
            Ok(()) => Ok(()),
            // Somebody took the path: theirs stays, and the planned entry has its conflict name.
            Err(SwapError::Occupied { path }) => {
                self.complete(id);
                Err(SwapError::Changed { path })
            }
            Err(error) => {
                // The new entry cannot be placed: the old one takes its name again.
                self.undo(keep_as, at, id)?;
                Err(error)
            }
        }
    }

    /// Returns the fingerprint of an entry under its new name; that of before if somebody wrote to it already.
    pub(super) fn renamed_fingerprint(
        &self,
        path: &DiskPath,
        expected: &LocalEntry,
    ) -> DiskResult<Fingerprint> {
        let planned = expected.fingerprint().copied();
        let now = self.disk().lstat(path)?.map(|stat| stat.fingerprint);
        let missing =
            || crate::error::DiskError::new(DiskErrorKind::Missing, "look at", path, "it is gone already");
        match (planned, now) {
            (Some(planned), Some(now)) if !planned.same_but_renamed(&now) => Ok(planned),
            (planned, now) => now.or(planned).ok_or_else(missing),
        }
    }
}
