//! Replacing: a staged entry takes the place of an old one, which goes to trash.
//!
//! - Where the disk can exchange, the path always holds one of the two. The intent protects what comes out while
//!   it stands under the partial's name.
//! - Elsewhere the old one goes to trash first, and the path is absent under its intent for a moment.

use s4_core::local::LocalEntry;
use s4_core::path::DiskPath;

use crate::batch::{Batch, Replaced, SwapError};
use crate::disk::DiskResult;
use crate::error::DiskErrorKind;
use crate::intent::{Announcement, Expected, Intent, IntentId, IntentKind, Staging};
use crate::staging::Staged;

/// A replacement that is prepared: what stands there was compared with what was planned, and trash has room for it.
///
/// Nothing in the tree has changed yet, and dropping it changes nothing.
#[derive(Debug)]
pub struct Replacement {
    announcement: Announcement,
    /// Where the old entry ends.
    trash: DiskPath,
}

impl Replacement {
    /// Returns what is to be recorded before.
    pub fn announcement(&mut self) -> &mut Announcement {
        &mut self.announcement
    }
}

impl Batch {
    /// Puts a staged entry in the place of one that is exactly `expected`, which goes to trash.
    ///
    /// Fails with [`SwapError::Changed`] if another stands there by now: it stands there still, and `staged` can
    /// be tried again. The new file takes the old one's permissions; whether it is executable is its own.
    pub fn replace(
        &self,
        staged: &mut Staged,
        at: &DiskPath,
        expected: &LocalEntry,
    ) -> Result<Replaced, SwapError> {
        let replacement = self.prepare_replacement(staged, at, expected)?;
        self.replace_prepared(staged, replacement, expected)
    }

    /// Prepares to replace what stands at `at`, which must be exactly `expected`.
    ///
    /// Gives the staged entry the old one's permissions and makes room in trash, but changes nothing in the tree.
    pub fn prepare_replacement(
        &self,
        staged: &mut Staged,
        at: &DiskPath,
        expected: &LocalEntry,
    ) -> Result<Replacement, SwapError> {
        let (stat, planned) = self.planned_file(at, expected)?;
        staged.take_permissions_of(&stat)?;
        let trash = self.trash_place(at)?;
        let by_exchange = self.folder().traits().has_exchange;
        let parked_at = if by_exchange { staged.path().clone() } else { trash.clone() };
        let staging = Staging { at: staged.path().clone(), fingerprint: *staged.fingerprint() };
        let kind = IntentKind::Replace { staged: staging, trash: trash.clone() };
        let intent = Intent { path: at.clone(), parked_at, expected: planned, kind };
        Ok(Replacement { announcement: Announcement::of(intent), trash })
    }

    /// Carries out what was prepared for this staged entry, as [`Batch::replace`] does: everything is checked again.
    pub fn replace_prepared(
        &self,
        staged: &mut Staged,
        replacement: Replacement,
        expected: &LocalEntry,
    ) -> Result<Replaced, SwapError> {
        let Replacement { announcement, trash } = replacement;
        if let Err(error) = staged.make_durable() {
            // Nothing has begun, so the intent is settled as it is.
            announcement.id.into_iter().for_each(|id| self.complete(id));
            return Err(error.into());
        }
        let (intent, id) = self.recorded(announcement)?;
        let (at, planned) = (&intent.path, intent.expected);
        if self.folder().traits().has_exchange {
            self.replace_by_exchange(staged, at, planned, &trash, id)?;
        } else {
            self.replace_in_two_steps(staged, at, planned, &trash, id)?;
        }
        let fingerprint = staged.placed_fingerprint(at)?;
        let trashed = self.trashed(trash, at, expected)?;
        self.complete(id);
        self.disk().step("replace:done")?;
        Ok(Replaced { fingerprint, trashed })
    }
}

impl Batch {
    /// Exchanges, checks what came out, and moves it to trash.
    fn replace_by_exchange(
        &self,
        staged: &mut Staged,
        at: &DiskPath,
        planned: Expected,
        place: &DiskPath,
        id: IntentId,
    ) -> Result<(), SwapError> {
        self.exchange_in(staged, at, planned, id)?;
        // Nothing can be lost: it is the planned entry, it goes to a free name in trash, and the intent names where
        // it stands until then.
        self.disk().rename(staged.path(), place)?;
        self.moved(staged.path(), place);
        self.disk().step("replace:trashed")?;
        Ok(())
    }

    /// Exchanges a staged entry with what stands at `at`, and back again if that is not the planned one.
    ///
    /// After success the planned entry stands under the partial's name.
    pub(super) fn exchange_in(
        &self,
        staged: &mut Staged,
        at: &DiskPath,
        planned: Expected,
        id: IntentId,
    ) -> Result<(), SwapError> {
        self.disk().step("replace:before-exchange")?;
        self.check_again(at, planned, id)?;
        // Nothing can be lost: the exchange keeps both entries, and from here on dropping `staged` removes nothing.
        staged.leave_name();
        if let Err(error) = self.disk().exchange(staged.path(), at) {
            if self.stands_staged(staged)? {
                staged.take_name_back();
                self.complete(id);
            }
            return Err(self.gone_or(error, at));
        }
        self.exchanged(at, staged.path());
        self.disk().step("replace:exchanged")?;
        let came_out = self.disk().lstat(staged.path())?;
        if came_out.is_some_and(|stat| planned.is(&stat)) {
            return Ok(());
        }
        Err(self.exchange_back(staged, at, id)?)
    }

    /// Undoes an exchange whose outcome was not the planned one.
    pub(super) fn exchange_back(
        &self,
        staged: &mut Staged,
        at: &DiskPath,
        id: IntentId,
    ) -> Result<SwapError, SwapError> {
        match self.disk().exchange(staged.path(), at) {
            Ok(()) => {}
            // The new entry was removed in this moment: the old one takes its place again.
            Err(error) if error.kind == DiskErrorKind::Missing => {
                return self.undo(staged.path(), at, id);
            }
            Err(error) => return Err(error.into()),
        }
        self.disk().step("replace:exchanged-back")?;
        if self.stands_staged(staged)? {
            staged.take_name_back();
            self.complete(id);
            return Ok(SwapError::Changed { path: at.clone() });
        }
        // A third entry had taken the path between the two exchanges. Both that and the second are kept.
        self.parked(staged.path(), at, id)
    }

    /// Returns whether the partial's name holds the staged inode.
    fn stands_staged(&self, staged: &Staged) -> DiskResult<bool> {
        let there = self.disk().lstat(staged.path())?;
        Ok(there.is_some_and(|stat| staged.has_the_inode_of(&stat)))
    }

    /// Moves the old entry to trash, checks it, and gives the path to the new one.
    fn replace_in_two_steps(
        &self,
        staged: &mut Staged,
        at: &DiskPath,
        planned: Expected,
        place: &DiskPath,
        id: IntentId,
    ) -> Result<(), SwapError> {
        self.disk().step("replace:before-park")?;
        self.park(at, place, planned, id)?;
        self.disk().step("replace:parked")?;
        match self.place(staged, at) {
            Ok(()) => Ok(()),
            // Somebody took the path: theirs stays, and the planned entry is in trash, as it should be. The intent
            // stays: resolving it tells of that entry, which some program may still have open.
            Err(SwapError::Occupied { path }) => Err(SwapError::Changed { path }),
            Err(error) => {
                // The new entry cannot be placed: the old one takes its name again.
                self.undo(place, at, id)?;
                Err(error)
            }
        }
    }

    /// Moves what stands at `at` to the free name `parked_at`, and back again if it is not the planned one.
    pub(super) fn park(
        &self,
        at: &DiskPath,
        parked_at: &DiskPath,
        planned: Expected,
        id: IntentId,
    ) -> Result<(), SwapError> {
        self.check_again(at, planned, id)?;
        // Nothing can be lost: the entry goes as a whole to a free name, and the intent says so.
        if let Err(error) = self.disk().rename(at, parked_at) {
            return Err(self.not_parked(error, parked_at, at, id));
        }
        self.moved(at, parked_at);
        let came_out = self.disk().lstat(parked_at)?;
        if came_out.is_some_and(|stat| planned.is(&stat)) {
            return Ok(());
        }
        Err(self.undo(parked_at, at, id)?)
    }
}
