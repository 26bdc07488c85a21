//! A batch: changes of a folder that become durable together.
//!
//! - Each step checks what it was planned against at the last moment, and again what it moved.
//! - Steps of one batch share a trash directory and the list of directories that they touched.
//! - Order of durability: content synced → swap → [`Batch::sync`] → the caller commits its rows and clears, in
//!   the same transaction, the intents that `sync` returned.
//! - A batch may be used by many threads. Dropping it loses nothing; what was not synced may be undone by a
//!   power cut, as a whole step.

mod touched;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use s4_core::local::Fingerprint;
use s4_core::path::DiskPath;
use s4_core::remote::UnixMillis;

use crate::disk::{Disk, DiskResult, child, directory_of};
use crate::error::{DiskError, DiskErrorKind};
use crate::folder::{Folder, PARTIAL, TRASH, own};
use crate::intent::{Announcement, Intent, IntentError, IntentId, Intents};
pub use crate::swap::{Removal, Renaming, Replacement};
use crate::trash::TrashedEntry;
pub(crate) use touched::Touched;

/// Why a step was not made.
///
/// Unless it says otherwise everything stands as before. An intent that could not be settled (an I/O error
/// halfway) stays recorded and is not returned by [`Batch::sync`]: resolve it before the next scan.
#[derive(Debug, thiserror::Error)]
pub enum SwapError {
    /// Something stands at `path`, where nothing may.
    #[error("`{path}` is taken")]
    Occupied {
        /// The path that is taken.
        path: DiskPath,
    },
    /// What stands at `path` is not what was planned; it was left there or put back.
    #[error("`{path}` has changed")]
    Changed {
        /// The path that changed.
        path: DiskPath,
    },
    /// An entry that nobody planned for came out and its place was taken meanwhile: it waits at `kept.place`,
    /// protected by `intent`. Rescue it under a conflict name, then clear the intent.
    #[error("`{}` changed twice; the earlier version waits at `{}`", kept.original, kept.place)]
    Parked {
        /// The entry.
        kept: TrashedEntry,
        /// The intent that protects it.
        intent: IntentId,
    },
    /// The intent could not be recorded.
    #[error(transparent)]
    Intent(#[from] IntentError),
    /// The disk failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

/// A new version took the place of an old one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replaced {
    /// What the new version is known by.
    pub fingerprint: Fingerprint,
    /// The old version.
    pub trashed: TrashedEntry,
}

/// A new version took the name, the old one has another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptBoth {
    /// What the new version is known by.
    pub fingerprint: Fingerprint,
    /// What the old version is known by under its new name.
    pub kept: Fingerprint,
}

/// Two entries exchanged their names; the fingerprint of each under its new name, `None` for a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchanged {
    /// What stands at the left path now.
    pub left: Option<Fingerprint>,
    /// What stands at the right path now.
    pub right: Option<Fingerprint>,
}

/// Changes of a folder that become durable together.
pub struct Batch {
    folder: Folder,
    intents: Arc<dyn Intents>,
    at: UnixMillis,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Directories whose entries changed since the last sync.
    touched: Touched,
    /// Intents whose steps are complete, or undone, but not yet synced.
    complete: Vec<IntentId>,
    /// This batch's directories in trash that were made already.
    made: BTreeSet<DiskPath>,
    /// The number of this batch's trash directory.
    trash_number: Option<u64>,
}

impl Folder {
    /// Starts a batch; `at` is the time by which its trash will be known.
    pub fn batch(&self, intents: Arc<dyn Intents>, at: UnixMillis) -> Batch {
        Batch { folder: self.clone(), intents, at, state: Mutex::default() }
    }
}

impl Batch {
    /// Returns once every step completed so far survives a power cut, with the intents that are settled by it.
    ///
    /// The caller clears them in the transaction that commits the rows. After an error nothing is forgotten: the
    /// next call tries again.
    pub fn sync(&self) -> DiskResult<Vec<IntentId>> {
        let (touched, complete) = {
            let mut state = self.lock();
            (std::mem::take(&mut state.touched), std::mem::take(&mut state.complete))
        };
        match self.sync_touched(&touched) {
            Ok(()) => Ok(complete),
            Err(error) => {
                let mut state = self.lock();
                state.touched.extend(touched);
                state.complete.extend(complete);
                Err(error)
            }
        }
    }

    fn sync_touched(&self, touched: &Touched) -> DiskResult<()> {
        self.disk().step("batch:before-sync")?;
        if touched.crossed_both_ways() {
            self.sync_all()?;
        }
        let homes = self.folder.homes();
        let is_in = |directory: &DiskPath, name: &str| {
            let mut own = homes.iter().map(|home| own(home, name));
            own.any(|own| directory.is_below(&own) || *directory == own)
        };
        let ordered = touched.in_order(|directory| {
            if is_in(directory, TRASH) {
                0
            } else if is_in(directory, PARTIAL) {
                2
            } else {
                1
            }
        });
        for directory in ordered {
            match self.disk().sync_dir(directory) {
                Ok(()) => {}
                // Somebody moved it: what it holds must be durable nevertheless, wherever it is.
                Err(error) if error.kind == DiskErrorKind::Missing => self.sync_all()?,
                Err(error) => return Err(error),
            }
        }
        self.disk().step("batch:synced")
    }

    fn sync_all(&self) -> DiskResult<()> {
        match self.disk().sync_fs(&crate::disk::root()) {
            Err(error) if error.kind == DiskErrorKind::Unsupported => Ok(()),
            outcome => outcome,
        }
    }

    /// Returns the folder.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    pub(crate) fn disk(&self) -> &dyn Disk {
        self.folder.disk().as_ref()
    }

    /// Notes what a step did to the entries of directories.
    pub(crate) fn touched(&self, note: impl FnOnce(&mut Touched)) {
        note(&mut self.lock().touched);
    }

    /// Notes that an entry was renamed.
    pub(crate) fn moved(&self, from: &DiskPath, to: &DiskPath) {
        self.touched(|touched| touched.moved(from, to));
    }

    /// Notes that two entries were exchanged.
    pub(crate) fn exchanged(&self, left: &DiskPath, right: &DiskPath) {
        self.touched(|touched| touched.exchanged(left, right));
    }

    /// Records an intent, durably.
    pub(crate) fn record(&self, intent: &Intent) -> Result<IntentId, SwapError> {
        self.disk().step("intent:before-record")?;
        let id = self.intents.record(intent)?;
        self.disk().step("intent:recorded")?;
        Ok(id)
    }

    /// Records the intents of many prepared steps, durably, at the price of one.
    ///
    /// If it fails nothing has begun; each step may still record its own.
    pub fn announce(&self, announcements: &mut [&mut Announcement]) -> Result<(), SwapError> {
        if announcements.is_empty() {
            return Ok(());
        }
        let intents: Vec<&Intent> = announcements.iter().map(|one| &one.intent).collect();
        self.disk().step("intent:before-record")?;
        let ids = self.intents.record_all(&intents)?;
        for (announcement, id) in announcements.iter_mut().zip(ids) {
            announcement.id = Some(id);
        }
        self.disk().step("intent:recorded")?;
        Ok(())
    }

    /// Returns an intent that is recorded, now at the latest.
    pub(crate) fn recorded(&self, announcement: Announcement) -> Result<(Intent, IntentId), SwapError> {
        let Announcement { intent, id } = announcement;
        let id = id.map_or_else(|| self.record(&intent), Ok)?;
        Ok((intent, id))
    }

    /// Notes that the step of an intent is complete, or that everything stands as before it.
    pub(crate) fn complete(&self, intent: IntentId) {
        self.lock().complete.push(intent);
    }

    /// Returns a free place in this batch's trash for what stands at `path`, and makes its directories.
    pub(crate) fn trash_place(&self, path: &DiskPath) -> DiskResult<DiskPath> {
        let trash = self.folder.own_for(path, TRASH)?;
        let mut state = self.lock();
        loop {
            let number = *state.trash_number.get_or_insert_with(|| self.folder.next_number());
            let top = trash.join(&format!("{}-{number}", self.at.0));
            let place = child(&top, path.as_str());
            if self.make_dirs(&mut state, &top, &directory_of(&place))?
                && self.disk().lstat(&place)?.is_none()
            {
                return Ok(place);
            }
            // Another run used this number in the same millisecond, or this path went to trash before.
            state.trash_number = None;
        }
    }

    /// Makes the directories from `top` down to `directory`; returns whether `top` is this batch's own.
    fn make_dirs(&self, state: &mut State, top: &DiskPath, directory: &DiskPath) -> DiskResult<bool> {
        if !state.made.contains(top) {
            match self.disk().make_private_dir(top) {
                Ok(()) => {}
                Err(error) if error.kind == DiskErrorKind::Occupied => return Ok(false),
                Err(error) => return Err(error),
            }
            state.touched.touch(top);
            state.made.insert(top.clone());
        }
        let mut missing = Vec::new();
        let mut wanted = directory.clone();
        while !state.made.contains(&wanted) {
            missing.push(wanted.clone());
            wanted = directory_of(&wanted);
        }
        while let Some(wanted) = missing.pop() {
            match self.disk().make_private_dir(&wanted) {
                Ok(()) => {}
                // A file of that name is in this trash already: the path was a file before it was a directory.
                Err(error) if error.kind == DiskErrorKind::Occupied => return Ok(false),
                Err(error) => return Err(error),
            }
            state.touched.touch(&wanted);
            state.made.insert(wanted);
        }
        Ok(true)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
