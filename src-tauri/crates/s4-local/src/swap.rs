//! The swaps: every change of the tree, each as steps that a crash or a race cannot turn into a loss.
//!
//! In each: what stands there is compared with what was planned; it is moved aside as a whole, by one rename or
//! one exchange; what came out is compared again, and put back if it is another.

mod create;
mod dirs;
mod exchange;
mod keep_both;
mod remove;
mod rename;
mod replace;

pub use remove::Removal;
pub use rename::Renaming;
pub use replace::Replacement;

use s4_core::local::LocalEntry;
use s4_core::path::DiskPath;

use crate::batch::{Batch, SwapError};
use crate::disk::{DiskResult, Stat};
use crate::error::{DiskError, DiskErrorKind};
use crate::intent::{Expected, IntentId};
use crate::trash::TrashedEntry;

/// Whether an entry went back to where it came from.
enum PutBack {
    /// It stands there again.
    Done,
    /// Something else took its place meanwhile; it stayed where it was parked.
    PlaceTaken,
}

impl Batch {
    /// Returns what stands at `path` if it is exactly `expected`, stamps, kind and link target.
    fn planned(&self, path: &DiskPath, expected: &LocalEntry) -> Result<(Stat, Expected), SwapError> {
        let changed = || SwapError::Changed { path: path.clone() };
        let stat = self.disk().lstat(path)?.ok_or_else(changed)?;
        let found = match self.folder().entry_of(path, &stat) {
            Ok(found) => found,
            Err(error) if error.kind == DiskErrorKind::Missing => return Err(changed()),
            Err(error) => return Err(error.into()),
        };
        let same = match (&found, expected) {
            (LocalEntry::Dir { .. }, LocalEntry::Dir { .. }) => true,
            (found, expected) => found == expected,
        };
        let expected = Expected::of(expected, &stat).filter(|_| same);
        expected.map(|expected| (stat, expected)).ok_or_else(changed)
    }

    /// As [`Batch::planned`], for files and links only.
    fn planned_file(&self, path: &DiskPath, expected: &LocalEntry) -> Result<(Stat, Expected), SwapError> {
        let (stat, planned) = self.planned(path, expected)?;
        match planned {
            Expected::Entry(_) => Ok((stat, planned)),
            Expected::Dir(_) => Err(SwapError::Changed { path: path.clone() }),
        }
    }

    /// Compares again, in the last moment before a swap: recording an intent takes its time.
    ///
    /// A write within one tick that puts mtime back can only be told by ctime, which our own rename changes.
    fn check_again(&self, path: &DiskPath, planned: Expected, intent: IntentId) -> Result<(), SwapError> {
        if self.disk().lstat(path)?.is_some_and(|stat| planned.is_still(&stat)) {
            return Ok(());
        }
        self.complete(intent);
        Err(SwapError::Changed { path: path.clone() })
    }

    /// Moves what was parked back to `path`, if nothing stands there.
    fn put_back(&self, parked: &DiskPath, path: &DiskPath) -> DiskResult<PutBack> {
        // A rename to a free name: whoever took the place meanwhile keeps it, the parked entry stays parked.
        match self.disk().rename(parked, path) {
            Ok(()) => {
                self.moved(parked, path);
                Ok(PutBack::Done)
            }
            Err(error) if error.kind == DiskErrorKind::Occupied => Ok(PutBack::PlaceTaken),
            Err(error) => Err(error),
        }
    }

    /// Returns the error for an entry that could not be moved away from `path`.
    ///
    /// Only if it surely was not moved is its intent settled: some network file systems rename and report failure.
    fn not_parked(
        &self,
        error: DiskError,
        parked_at: &DiskPath,
        path: &DiskPath,
        intent: IntentId,
    ) -> SwapError {
        if let Ok(None) = self.disk().lstat(parked_at) {
            self.complete(intent);
        }
        self.gone_or(error, path)
    }

    /// Returns [`SwapError::Changed`] if nothing stands at `path` any more, and otherwise what the disk said: it may
    /// be the directory of the other name that is missing.
    pub(crate) fn gone_or(&self, error: DiskError, path: &DiskPath) -> SwapError {
        match (error.kind, self.disk().lstat(path)) {
            (DiskErrorKind::Missing, Ok(None)) => SwapError::Changed { path: path.clone() },
            _ => error.into(),
        }
    }

    /// Undoes a step that moved an entry nobody planned for, and says how that ended.
    fn undo(&self, parked: &DiskPath, path: &DiskPath, intent: IntentId) -> Result<SwapError, SwapError> {
        match self.put_back(parked, path)? {
            PutBack::Done => {
                self.complete(intent);
                Ok(SwapError::Changed { path: path.clone() })
            }
            PutBack::PlaceTaken => self.parked(parked, path, intent),
        }
    }

    /// Returns the error that hands a parked entry, protected by its intent, to the caller.
    fn parked(&self, at: &DiskPath, path: &DiskPath, intent: IntentId) -> Result<SwapError, SwapError> {
        let fingerprint = self.disk().lstat(at)?.map(|stat| stat.fingerprint);
        let kept = TrashedEntry { place: at.clone(), original: path.clone(), fingerprint };
        Ok(SwapError::Parked { kept, intent })
    }

    /// Returns the record of an entry in trash.
    ///
    /// Its fingerprint is what was planned if somebody wrote to it since, so that the late-writer check sees it.
    fn trashed(
        &self,
        place: DiskPath,
        original: &DiskPath,
        expected: &LocalEntry,
    ) -> DiskResult<TrashedEntry> {
        let planned = expected.fingerprint().copied();
        let now = self.disk().lstat(&place)?.map(|stat| stat.fingerprint);
        let fingerprint = match (planned, now) {
            (Some(planned), Some(now)) if planned.same_but_renamed(&now) => Some(now),
            (planned, _) => planned,
        };
        Ok(TrashedEntry { place, original: original.clone(), fingerprint })
    }
}
