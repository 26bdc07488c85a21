//! After a crash: what each open intent meant, decided from what stands on disk.
//!
//! - A step is finished or undone, never half: an entry that is parked goes back to its path if nothing stands
//!   there; where the new version stands and the planned old one came out, the step is finished.
//! - Every move is one rename or exchange to a free name, so that a crash in here is resolved by doing it again.
//! - What cannot be decided without choosing between two entries of the user is left where it is and reported as
//!   [`Outcome::Stray`]: rescue it under a conflict name, then clear the intent.

use s4_core::path::DiskPath;

use crate::batch::{Batch, SwapError};
use crate::cleaning::PARKED;
use crate::disk::{DiskResult, Stat};
use crate::error::DiskErrorKind;
use crate::intent::{Expected, Intent, IntentId, IntentKind, Staging};
use crate::trash::TrashedEntry;

/// How an intent was resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing is parked: the step had not begun, or was complete, or was undone.
    Settled,
    /// The entry was put back to its path; the new version that stood there meanwhile, for the late-writer check.
    PutBack(Option<TrashedEntry>),
    /// The step is complete; what it moved to trash, for the late-writer check.
    Finished(Option<TrashedEntry>),
    /// An entry that nobody planned for waits here, its path taken by another.
    Stray(TrashedEntry),
}

impl Batch {
    /// Resolves open intents; to be called after a start, before the next scan. Ids must grow as intents are recorded.
    ///
    /// Afterwards [`Batch::sync`], then clear them, those with a [`Outcome::Stray`] only once it is rescued. After
    /// an error call it again with the same intents.
    pub fn resolve_intents(
        &self,
        intents: &[(IntentId, Intent)],
    ) -> Result<Vec<(IntentId, Outcome)>, SwapError> {
        // The last first: a later step may have moved the directory that an earlier one worked in.
        let mut latest_first: Vec<&(IntentId, Intent)> = intents.iter().collect();
        latest_first.sort_by_key(|(id, _)| std::cmp::Reverse(*id));
        let mut outcomes = Vec::with_capacity(intents.len());
        for (id, intent) in latest_first {
            // What stands on a disk that is not mounted cannot be seen: its intents wait for it.
            if self.folder().is_lost(&intent.parked_at)? || self.folder().is_lost(&intent.path)? {
                continue;
            }
            self.disk().step("resolve:before")?;
            outcomes.push((*id, self.resolve(intent)?));
            self.disk().step("resolve:done")?;
        }
        Ok(outcomes)
    }
}

impl Batch {
    fn resolve(&self, intent: &Intent) -> Result<Outcome, SwapError> {
        let Some(parked) = self.disk().lstat(&intent.parked_at)? else { return self.settled(intent) };
        let at_path = self.disk().lstat(&intent.path)?;
        let at_path = at_path.as_ref();
        // After a power cut one inode may have both names: then its path never lost it.
        if at_path.is_some_and(|stat| is_one_inode(stat, &parked)) {
            return self.drop_second_name(intent, &parked);
        }
        match &intent.kind {
            IntentKind::Remove => self.unpark(intent, &parked, Parking::Trash),
            IntentKind::Replace { staged, trash } if intent.parked_at == *trash => {
                self.resolve_two_steps(intent, staged, &parked, at_path)
            }
            IntentKind::Replace { staged, trash } => {
                self.resolve_exchange(intent, staged, &parked, at_path, Some(trash))
            }
            IntentKind::KeepBoth { keep_as, .. } if intent.parked_at == *keep_as => {
                self.resolve_visible(intent, &parked, at_path)
            }
            IntentKind::KeepBoth { staged, .. } => {
                self.resolve_exchange(intent, staged, &parked, at_path, None)
            }
            IntentKind::Rename { to } if intent.parked_at == *to => {
                self.resolve_visible(intent, &parked, at_path)
            }
            IntentKind::Rename { to } => self.unpark_or(intent, &parked, to),
            IntentKind::Exchange { other } => self.unpark_or(intent, &parked, other),
        }
    }

    /// Nothing is parked: the step had not begun, or is complete and its old entry may have reached the trash.
    fn settled(&self, intent: &Intent) -> Result<Outcome, SwapError> {
        if let IntentKind::Replace { trash, .. } = &intent.kind
            && let Some(stat) = self.disk().lstat(trash)?
            && intent.expected.has_the_inode_of(&stat)
        {
            return Ok(Outcome::Finished(Some(trashed(intent, trash.clone(), &stat))));
        }
        Ok(Outcome::Settled)
    }

    /// The old entry was moved to trash, and the staged one may have taken its name.
    fn resolve_two_steps(
        &self,
        intent: &Intent,
        staged: &Staging,
        parked: &Stat,
        at_path: Option<&Stat>,
    ) -> Result<Outcome, SwapError> {
        let is_new = at_path.is_some_and(|stat| is_staged(staged, stat));
        if !is_new || intent.expected.is(parked) {
            return self.unpark(intent, parked, Parking::Trash);
        }
        // The old entry was not the planned one. Nothing can be lost: the new version goes to a free name in trash,
        // then the old one to its path.
        let taken_back = self.take_back(staged, &intent.path, &intent.path)?;
        match self.unpark(intent, parked, Parking::Trash)? {
            Outcome::PutBack(_) => Ok(Outcome::PutBack(Some(taken_back))),
            outcome => Ok(outcome),
        }
    }

    /// Moves a new version, which stood at `path` since the crash, from `at` to trash: some program may have it open.
    fn take_back(&self, staged: &Staging, at: &DiskPath, path: &DiskPath) -> Result<TrashedEntry, SwapError> {
        let place = self.trash_place(path)?;
        self.disk().rename(at, &place)?;
        self.moved(at, &place);
        let now = self.disk().lstat(&place)?.map(|stat| stat.fingerprint);
        let fingerprint =
            now.filter(|now| staged.fingerprint.same_but_renamed(now)).unwrap_or(staged.fingerprint);
        Ok(TrashedEntry { place, original: path.clone(), fingerprint: Some(fingerprint) })
    }

    /// The partial's name holds either the staged entry (nothing happened) or what came out.
    fn resolve_exchange(
        &self,
        intent: &Intent,
        staged: &Staging,
        parked: &Stat,
        at_path: Option<&Stat>,
        trash: Option<&DiskPath>,
    ) -> Result<Outcome, SwapError> {
        if is_staged(staged, parked) {
            return Ok(Outcome::Settled);
        }
        let is_planned = intent.expected.is(parked);
        match (at_path, trash) {
            (None, _) => self.unpark(intent, parked, Parking::Partial),
            // The exchange is complete, whatever became of the new version since: the planned one goes to trash.
            (Some(_), Some(_)) if is_planned => {
                let place = self.trash_place(&intent.path)?;
                self.disk().rename(&intent.parked_at, &place)?;
                self.moved(&intent.parked_at, &place);
                // With the stamps from before this rename it would look as if somebody had written to it since.
                let now = self.disk().lstat(&place)?;
                Ok(Outcome::Finished(Some(trashed(intent, place, now.as_ref().unwrap_or(parked)))))
            }
            // Nothing can be lost: both keep a name, the new version first that of the partial.
            (Some(stat), _) if is_staged(staged, stat) => {
                self.disk().exchange(&intent.parked_at, &intent.path)?;
                self.exchanged(&intent.parked_at, &intent.path);
                Ok(Outcome::PutBack(Some(self.take_back(staged, &intent.parked_at, &intent.path)?)))
            }
            (Some(_), _) => Ok(stray(intent, parked)),
        }
    }

    /// The entry was moved to another name of the tree, where it stands like any file.
    fn resolve_visible(
        &self,
        intent: &Intent,
        parked: &Stat,
        at_path: Option<&Stat>,
    ) -> Result<Outcome, SwapError> {
        if !intent.expected.has_the_inode_of(parked) {
            // Somebody else's file has that name; ours was never moved there, or was moved on since.
            return Ok(Outcome::Settled);
        }
        match at_path {
            Some(_) => Ok(Outcome::Finished(None)),
            None => self.unpark(intent, parked, Parking::Tree),
        }
    }

    /// Moves the parked entry back to its path, or to `other` if its path is taken.
    fn unpark_or(&self, intent: &Intent, parked: &Stat, other: &DiskPath) -> Result<Outcome, SwapError> {
        match self.unpark(intent, parked, Parking::Partial)? {
            Outcome::Stray(stray) => {
                // After a power cut one inode may have both names: then the step was complete.
                let at_other = self.disk().lstat(other)?;
                if at_other.is_some_and(|stat| is_one_inode(&stat, parked)) {
                    return self.drop_second_name(intent, parked);
                }
                // Nothing can be lost: the name is taken only if it is free.
                if self.move_back(&intent.parked_at, other)? {
                    Ok(Outcome::Finished(None))
                } else {
                    Ok(Outcome::Stray(stray))
                }
            }
            outcome => Ok(outcome),
        }
    }

    /// Moves the parked entry back to its path if nothing stands there.
    fn unpark(&self, intent: &Intent, parked: &Stat, parking: Parking) -> Result<Outcome, SwapError> {
        // Nothing can be lost: the name is taken only if it is free.
        if self.move_back(&intent.parked_at, &intent.path)? {
            return Ok(Outcome::PutBack(None));
        }
        match parking {
            Parking::Trash if intent.expected.is(parked) => {
                Ok(Outcome::Finished(Some(trashed(intent, intent.parked_at.clone(), parked))))
            }
            Parking::Tree => Ok(Outcome::Finished(None)),
            Parking::Trash | Parking::Partial => Ok(stray(intent, parked)),
        }
    }

    /// Renames to a free name; returns `false` if it is taken or its directory is gone.
    fn move_back(&self, from: &DiskPath, to: &DiskPath) -> DiskResult<bool> {
        match self.disk().rename(from, to) {
            Ok(()) => {
                self.moved(from, to);
                Ok(true)
            }
            Err(error) => match error.kind {
                DiskErrorKind::Occupied
                | DiskErrorKind::Missing
                | DiskErrorKind::NotADirectory
                | DiskErrorKind::ThroughLink => Ok(false),
                _ => Err(error),
            },
        }
    }

    /// One inode stands in the tree and where it was parked: the second name is of no use.
    fn drop_second_name(&self, intent: &Intent, parked: &Stat) -> Result<Outcome, SwapError> {
        let is_unwanted = match intent.kind.staged() {
            Some(staged) => staged.at == intent.parked_at && !is_staged(staged, parked),
            None => intent.parked_at.name().starts_with(PARKED),
        };
        if is_unwanted {
            // Out of the way of the cleaning, which would unlink it: a name in trash costs nothing.
            let place = self.trash_place(&intent.path)?;
            self.disk().rename(&intent.parked_at, &place)?;
            self.moved(&intent.parked_at, &place);
        }
        Ok(Outcome::Settled)
    }
}

/// Where an entry is parked.
#[derive(Clone, Copy)]
enum Parking {
    /// In trash, where a planned entry may stay.
    Trash,
    /// In `.s4/partial`, where nothing of the user may stay.
    Partial,
    /// At another path of the tree, where it is seen.
    Tree,
}

/// Returns whether `stat` is the staged entry, apart from what our own rename changes.
fn is_staged(staged: &Staging, stat: &Stat) -> bool {
    staged.fingerprint.same_but_renamed(&stat.fingerprint)
}

fn is_one_inode(left: &Stat, right: &Stat) -> bool {
    left.fingerprint.file_id == right.fingerprint.file_id && left.mount == right.mount
}

/// Returns the record of an entry in trash; one that was written to meanwhile is known by its planned stamps.
fn trashed(intent: &Intent, place: DiskPath, stat: &Stat) -> TrashedEntry {
    let fingerprint = match &intent.expected {
        Expected::Entry(planned) if !planned.same_but_renamed(&stat.fingerprint) => Some(*planned),
        Expected::Entry(_) => Some(stat.fingerprint),
        Expected::Dir(_) => None,
    };
    TrashedEntry { place, original: intent.path.clone(), fingerprint }
}

fn stray(intent: &Intent, parked: &Stat) -> Outcome {
    Outcome::Stray(TrashedEntry {
        place: intent.parked_at.clone(),
        original: intent.path.clone(),
        fingerprint: Some(parked.fingerprint),
    })
}
