//! Before and after a round: what an interrupted run left, and what late writers wrote.
//!
//! - Every intent is resolved before anything is scanned, so that no scan sees a path halfway.
//! - A partial whose download is on record stays for the run that goes on with it, as long as trash is kept.
//! - An entry that waits aside with its place taken, or that a program wrote to after it was replaced, becomes a
//!   conflict copy beside where it stood. Nothing here is ever overwritten.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use s4_core::context::ConflictStamp;
use s4_core::names;
use s4_core::path::{DiskPath, RelPath};
use s4_core::remote::UnixMillis;
use s4_local::batch::{Batch, SwapError};
use s4_local::cleaning::Leftovers;
use s4_local::error::DiskErrorKind;
use s4_local::intent::{IntentId, IntentKind};
use s4_local::resolve::Outcome;
use s4_local::trash::{LateWriter, TrashedEntry};

use crate::db::{Activity, ActivityKind, Commit, StateDb};
use crate::error::SyncError;

/// For how long after it was replaced a file is looked at again, in milliseconds.
const LATE_WRITER_MS: i64 = 3_600_000;
/// How many conflict names are tried.
const MAX_NAMES: u32 = 10_000;

/// Mends what was left, on one folder.
pub(crate) struct Recovery {
    pub(crate) batch: Batch,
    pub(crate) db: Arc<dyn StateDb>,
    pub(crate) stamp: ConflictStamp,
    pub(crate) now: UnixMillis,
    /// What to do with partials that no intent names.
    pub(crate) leftovers: Leftovers,
}

impl Recovery {
    /// Resolves intents and rescues what late writers wrote; returns the paths of the conflict copies.
    pub(crate) fn before_scan(&self) -> Result<Vec<DiskPath>, SyncError> {
        let mut rescued = self.resolve_intents()?;
        let since = UnixMillis(self.now.0.saturating_sub(LATE_WRITER_MS));
        rescued.extend(self.rescue_late_writes(since..UnixMillis(i64::MAX))?);
        Ok(rescued)
    }

    fn resolve_intents(&self) -> Result<Vec<DiskPath>, SyncError> {
        let intents = self.db.intents()?;
        let mut rescued = Vec::new();
        if !intents.is_empty() {
            let outcomes = self.batch.resolve_intents(&intents).map_err(from_swap)?;
            let mut settled: Vec<IntentId> = Vec::new();
            let mut trashed: Vec<TrashedEntry> = Vec::new();
            for (id, outcome) in outcomes {
                match outcome {
                    Outcome::Settled => {}
                    Outcome::PutBack(entry) | Outcome::Finished(entry) => trashed.extend(entry),
                    Outcome::Stray(entry) => rescued.extend(self.rescue(&entry)?),
                }
                settled.push(id);
            }
            settled.extend(self.batch.sync()?);
            // Only now, with everything in place and durable, are they forgotten.
            self.db.commit(&Commit { settled, trashed, at: self.now, ..Commit::default() })?;
        }
        let named: Vec<_> = self.db.intents()?.into_iter().map(|(_, intent)| intent).collect();
        let downloads: BTreeSet<String> =
            self.db.open_downloads()?.into_iter().map(|download| download.partial).collect();
        let wanted = |name: &str| downloads.contains(name);
        self.batch.clean_partials(&named, &wanted, self.leftovers).map_err(from_swap)?;
        Ok(rescued)
    }

    /// Looks again at what went to trash in `times`: bytes that a program wrote there later exist nowhere else.
    fn rescue_late_writes(&self, times: Range<UnixMillis>) -> Result<Vec<DiskPath>, SyncError> {
        let mut rescued = Vec::new();
        for (at, entry) in self.db.trashed_since(times.start)? {
            if at >= times.end {
                continue;
            }
            match self.batch.folder().late_writer(&entry)? {
                LateWriter::Unchanged => continue,
                LateWriter::Gone => {}
                LateWriter::Changed => {
                    rescued.extend(self.rescue(&entry)?);
                    let intents = self.batch.sync()?;
                    let activity = rescued.last().and_then(|disk| RelPath::parse(disk.as_str()).ok());
                    let activity = activity.map(|path| Activity {
                        at: self.now,
                        path,
                        kind: ActivityKind::Rescued,
                        bytes: 0,
                    });
                    let activity = activity.into_iter().collect();
                    self.db.commit(&Commit {
                        settled: intents,
                        activity,
                        at: self.now,
                        ..Commit::default()
                    })?;
                }
            }
            self.db.forget_trashed(&entry.place)?;
        }
        Ok(rescued)
    }

    /// Gives an entry that waits aside a free conflict name beside where it stood.
    fn rescue(&self, entry: &TrashedEntry) -> Result<Option<DiskPath>, SyncError> {
        let mut directory = entry.original.parent();
        let mut is_made = false;
        let mut n = 1;
        while n < MAX_NAMES {
            let name = names::conflict_name(entry.original.name(), &self.stamp, n);
            let to = directory.as_ref().map_or_else(|| DiskPath::new(&*name), |above| above.join(&name));
            match self.batch.rescue(&entry.place, &to) {
                Ok(_) => return Ok(Some(to)),
                Err(SwapError::Occupied { .. }) => n += 1,
                // Already gone from where it waited: an earlier try got it out.
                Err(SwapError::Changed { .. }) => return Ok(None),
                Err(SwapError::Disk(error)) if !is_made && has_no_directory(error.kind) => {
                    directory = self.directory_for(&entry.original)?;
                    is_made = true;
                }
                Err(error) => return Err(from_swap(error)),
            }
        }
        Err(SyncError::Internal(format!("no free name for what was saved of `{}`", entry.original)))
    }

    /// Returns the directory of `path`, made anew where it is gone. Where something else has its place, it is the
    /// nearest one above; `None` is the folder itself.
    fn directory_for(&self, path: &DiskPath) -> Result<Option<DiskPath>, SyncError> {
        let Some(parent) = path.parent() else { return Ok(None) };
        let above = self.directory_for(&parent)?;
        if above != parent.parent() {
            return Ok(above);
        }
        match self.batch.create_dir(&parent) {
            Ok(()) => Ok(Some(parent)),
            Err(SwapError::Occupied { .. }) => Ok(above),
            Err(error) => Err(from_swap(error)),
        }
    }

    /// Forgets downloads that were begun before `before`: the next cleaning removes their partials.
    fn expire_downloads(&self, before: UnixMillis) -> Result<(), SyncError> {
        for download in self.db.open_downloads()? {
            // Nothing is lost: the object can be read again.
            if begun(&download.partial).is_none_or(|begun| begun < before) {
                self.db.end_download(&download.partial)?;
            }
        }
        Ok(())
    }

    /// Removes trash from before `before` for good, but for what a late writer has changed.
    pub(crate) fn expire_trash(&self, before: UnixMillis) -> Result<(), SyncError> {
        self.expire_downloads(before)?;
        self.rescue_late_writes(UnixMillis(i64::MIN)..before)?;
        // What lies there bears the time when its round began, its record that of the commit: until that is over as
        // well a late writer would not have been looked for. And what an intent names may be all that is left.
        let mut needed: BTreeSet<DiskPath> =
            self.db.trashed_since(before)?.into_iter().map(|(_, entry)| entry.place).collect();
        for (_, intent) in self.db.intents()? {
            if let IntentKind::Replace { trash, .. } = intent.kind {
                needed.insert(trash);
            }
            needed.insert(intent.parked_at);
        }
        let expired = self.batch.folder().expire_trash(before, &|place| needed.contains(place));
        for problem in expired.problems {
            tracing::debug!(%problem, "trash stays until the next run");
        }
        Ok(())
    }
}

/// Returns when the round began that a partial was made in, which its name tells.
fn begun(partial: &str) -> Option<UnixMillis> {
    let (time, _) = partial.split_once('-')?;
    time.parse().ok().map(UnixMillis)
}

/// Returns whether an entry could not get its name because there is no directory for it.
fn has_no_directory(kind: DiskErrorKind) -> bool {
    matches!(kind, DiskErrorKind::Missing | DiskErrorKind::NotADirectory | DiskErrorKind::ThroughLink)
}

fn from_swap(error: SwapError) -> SyncError {
    match error {
        SwapError::Disk(error) => SyncError::Disk(error),
        SwapError::Occupied { .. }
        | SwapError::Changed { .. }
        | SwapError::Parked { .. }
        | SwapError::Intent(_) => SyncError::Internal(error.to_string()),
    }
}
