//! `state.db`: the memory of a target in one SQLite file.
//!
//! It decides nothing about files; it keeps exactly what it was given, or says that it could not.
//!
//! - Write-ahead log, one transaction for each call. What must not be lost is synced before the call returns; only
//!   facts, the ends of transfers and the standing lists may be lost by a power cut.
//! - One process writes (the folder's lock sees to that); others may read meanwhile with [`open_read_only`].
//! - A file of a newer schema is refused and not written to. A damaged one, or one that is not ours, is renamed
//!   and a new one begun ([`Opened::set_aside`]): nothing is repaired by guessing, and nothing is removed.
//! - Nothing but our own encoding is believed: a row that does not decode is damage, never a default.
//! - The file is readable by its owner only.

mod chunks;
mod codec;
mod downloads;
mod facts;
mod fault;
mod files;
mod migrate;
mod open;
mod progress;
mod schema;
mod standing;
#[cfg(test)]
mod tests;
mod uploads;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use s4_core::chunk::Chunks;
use s4_core::context::GuardHistory;
use s4_core::facts::Decision;
use s4_core::focus::Visit;
use s4_core::path::{DiskPath, RelPath};
use s4_core::plan::{Conflict, Problem};
use s4_core::remote::UnixMillis;
use s4_local::intent::{Intent, IntentId};
use s4_local::trash::TrashedEntry;

use self::fault::Found;
pub use self::open::{Opened, open, open_read_only, set_aside};
use crate::db::{
    Activity, Binding, Commit, DbResult, Identity, Learned, Loaded, OpenDownload, OpenUpload, Outline,
    Standing, StateDb, oldest_fact,
};

/// The memory of a target in one SQLite file. Any thread may use it; calls wait for each other.
pub struct SqliteDb {
    path: PathBuf,
    inner: Mutex<Inner>,
}

struct Inner {
    connection: Connection,
    access: Access,
    /// What the connection is set to; every transaction sets what it needs.
    durability: Option<Durability>,
    /// The prefix of the binding, of which rows keep no copy; `None` before the first.
    prefix: Option<String>,
    /// The latest time that a caller told, by which the age of facts is known.
    clock: UnixMillis,
    /// How many batches were committed.
    commits: u64,
}

/// What a connection may do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    ReadWrite,
    ReadOnly,
}

/// What a power cut may take.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Durability {
    /// Nothing of a transaction that returned.
    Synced,
    /// The last transactions, as wholes.
    Relaxed,
}

impl SqliteDb {
    /// Returns where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A thread that panicked had its transaction rolled back when it unwound.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads within one snapshot.
    fn read<T>(&self, work: impl FnOnce(&Transaction<'_>, &Inner) -> Found<T>) -> DbResult<T> {
        let inner = self.lock();
        let read = || {
            // Reading alone takes no lock that a writer would wait for.
            let transaction = inner.connection.unchecked_transaction()?;
            work(&transaction, &inner)
        };
        read().map_err(|fault| fault.at(&self.path))
    }

    /// Writes within one transaction, which leaves everything as it was if anything fails.
    fn write<T>(
        &self,
        durability: Durability,
        work: impl FnOnce(&Transaction<'_>, Option<&str>) -> Found<T>,
    ) -> DbResult<T> {
        self.lock().write(durability, work).map_err(|fault| fault.at(&self.path))
    }

    /// Forgets facts that are too old at `now`, if what was read saw such.
    fn forget_outdated<T>(&self, now: UnixMillis, read: DbResult<(T, bool)>) -> DbResult<T> {
        let (value, outdated) = read?;
        let access = {
            let mut inner = self.lock();
            inner.clock = now;
            inner.access
        };
        if outdated && access == Access::ReadWrite {
            self.write(Durability::Relaxed, |transaction, _| {
                facts::forget_before(transaction, oldest_fact(now))
            })?;
        }
        Ok(value)
    }
}

impl Inner {
    fn write<T>(
        &mut self,
        durability: Durability,
        work: impl FnOnce(&Transaction<'_>, Option<&str>) -> Found<T>,
    ) -> Found<T> {
        if self.durability != Some(durability) {
            let level = match durability {
                Durability::Synced => "FULL",
                Durability::Relaxed => "NORMAL",
            };
            self.connection.pragma_update(None, "synchronous", level)?;
            self.durability = Some(durability);
        }
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let value = work(&transaction, self.prefix.as_deref())?;
        transaction.commit()?;
        Ok(value)
    }
}

impl StateDb for SqliteDb {
    fn binding(&self) -> DbResult<Option<Binding>> {
        self.read(|transaction, _| schema::binding(transaction))
    }

    fn bind(&self, binding: &Binding) -> DbResult<()> {
        let mut inner = self.lock();
        let bound = inner.write(Durability::Synced, |transaction, _| {
            if schema::binding(transaction)?.as_ref() == Some(binding) {
                return Ok(());
            }
            void(transaction)?;
            uploads::void(transaction)?;
            downloads::void(transaction)?;
            schema::set_binding(transaction, binding)
        });
        bound.map_err(|fault| fault.at(&self.path))?;
        inner.prefix = Some(binding.prefix.clone());
        Ok(())
    }

    fn identity(&self) -> DbResult<Option<Identity>> {
        self.read(|transaction, _| schema::identity(transaction))
    }

    fn set_identity(&self, identity: &Identity) -> DbResult<()> {
        self.write(Durability::Synced, |transaction, _| schema::set_identity(transaction, identity))
    }

    fn void(&self) -> DbResult<()> {
        self.write(Durability::Synced, |transaction, _| void(transaction))
    }

    fn load(&self, now: UnixMillis) -> DbResult<Loaded> {
        let loaded = self.read(|transaction, inner| {
            let baseline = files::load(transaction, inner.prefix.as_deref())?;
            let (facts, outdated) = facts::load(transaction, oldest_fact(now))?;
            let guard: GuardHistory = progress::guard_history(transaction, now)?;
            Ok((Loaded { baseline, facts, guard }, outdated))
        });
        self.forget_outdated(now, loaded)
    }

    fn outline(&self, now: UnixMillis) -> DbResult<Outline> {
        let outline = self.read(|transaction, inner| {
            let (facts, outdated) = facts::load(transaction, oldest_fact(now))?;
            let outline = Outline {
                dirs: files::dirs(transaction)?,
                files: files::about(transaction)?,
                facts,
                guard: progress::guard_history(transaction, now)?,
                commits: inner.commits,
            };
            Ok((outline, outdated))
        });
        self.forget_outdated(now, outline)
    }

    fn each_file(&self, visit: &mut Visit<'_>) -> DbResult<()> {
        self.read(|transaction, inner| files::each(transaction, inner.prefix.as_deref(), visit))
    }

    fn commits(&self) -> u64 {
        self.lock().commits
    }

    fn note_times(&self, noted: &[(RelPath, UnixMillis)]) -> DbResult<()> {
        if noted.is_empty() {
            return Ok(());
        }
        self.write(Durability::Relaxed, |transaction, _| files::note_times(transaction, noted))
    }

    fn commit(&self, commit: &Commit) -> DbResult<()> {
        let mut inner = self.lock();
        inner.clock = commit.at;
        let written = inner.write(Durability::Synced, |transaction, prefix| {
            // Counted before the rows change: what a deletion is measured by is the tree before it.
            progress::count_deletions(transaction, commit)?;
            for change in &commit.rows {
                files::apply(transaction, prefix, change)?;
                facts::forget_for(transaction, prefix, change)?;
            }
            progress::settle(transaction, &commit.settled)?;
            progress::add_trashed(transaction, commit)?;
            chunks::keep(transaction, &commit.chunks)?;
            progress::add_activity(transaction, &commit.activity)
        });
        written.map_err(|fault| fault.at(&self.path))?;
        inner.commits += 1;
        Ok(())
    }

    fn learn(&self, learned: &[Learned]) -> DbResult<()> {
        if learned.is_empty() {
            return Ok(());
        }
        let clock = self.lock().clock;
        self.write(Durability::Relaxed, |transaction, _| facts::learn(transaction, learned, clock))
    }

    fn record_intent(&self, intent: &Intent) -> DbResult<IntentId> {
        self.write(Durability::Synced, |transaction, _| progress::record_intent(transaction, intent))
    }

    fn record_intents(&self, intents: &[&Intent]) -> DbResult<Vec<IntentId>> {
        self.write(Durability::Synced, |transaction, _| {
            intents.iter().map(|intent| progress::record_intent(transaction, intent)).collect()
        })
    }

    fn intents(&self) -> DbResult<Vec<(IntentId, Intent)>> {
        self.read(|transaction, _| progress::intents(transaction))
    }

    fn chunks(&self, blake3: &[u8; 32]) -> DbResult<Option<Chunks>> {
        self.read(|transaction, _| chunks::of(transaction, blake3))
    }

    fn learn_chunks(&self, chunks: &[([u8; 32], Chunks)]) -> DbResult<()> {
        if chunks.is_empty() {
            return Ok(());
        }
        self.write(Durability::Relaxed, |transaction, _| chunks::keep(transaction, chunks))
    }

    fn forget_unused_chunks(&self) -> DbResult<()> {
        self.write(Durability::Relaxed, |transaction, _| chunks::forget_unused(transaction))
    }

    fn record_download(&self, download: &OpenDownload) -> DbResult<()> {
        self.write(Durability::Synced, |transaction, _| downloads::record(transaction, download))
    }

    fn end_download(&self, partial: &str) -> DbResult<()> {
        // If a power cut takes this, the next run looks for a partial that is gone, which harms nothing.
        self.write(Durability::Relaxed, |transaction, _| downloads::end(transaction, partial))
    }

    fn open_downloads(&self) -> DbResult<Vec<OpenDownload>> {
        self.read(|transaction, _| downloads::all(transaction))
    }

    fn begin_upload(&self, upload: &OpenUpload) -> DbResult<()> {
        self.write(Durability::Synced, |transaction, _| uploads::begin(transaction, upload))
    }

    fn end_upload(&self, upload: &OpenUpload) -> DbResult<()> {
        // If a power cut takes this, the next run asks for something that is over, which harms nothing.
        self.write(Durability::Relaxed, |transaction, _| uploads::end(transaction, upload))
    }

    fn open_uploads(&self) -> DbResult<Vec<OpenUpload>> {
        self.read(|transaction, _| uploads::all(transaction))
    }

    fn decide(&self, path: &RelPath, decision: &Decision) -> DbResult<()> {
        self.write(Durability::Synced, |transaction, _| facts::decide(transaction, path, decision))
    }

    fn set_standing(&self, conflicts: &[Conflict], problems: &[Problem]) -> DbResult<()> {
        let problems: Vec<(String, String)> =
            problems.iter().map(|problem| (problem.subject.clone(), problem.reason.to_string())).collect();
        // Most cycles find what the last one found, and then nothing is written.
        let before = self.standing()?;
        if before.conflicts == conflicts && before.problems == problems {
            return Ok(());
        }
        self.write(Durability::Relaxed, |transaction, _| standing::replace(transaction, conflicts, &problems))
    }

    fn standing(&self) -> DbResult<Standing> {
        self.read(|transaction, _| standing::load(transaction))
    }

    fn trashed_since(&self, since: UnixMillis) -> DbResult<Vec<(UnixMillis, TrashedEntry)>> {
        self.read(|transaction, _| progress::trashed_since(transaction, since))
    }

    fn forget_trashed(&self, place: &DiskPath) -> DbResult<()> {
        self.write(Durability::Synced, |transaction, _| progress::forget_trashed(transaction, place))
    }

    fn activity(&self, limit: usize) -> DbResult<Vec<Activity>> {
        self.read(|transaction, _| progress::activity(transaction, limit))
    }
}

/// Drops everything that speaks of an agreement of both sides.
fn void(transaction: &Transaction<'_>) -> Found<()> {
    files::void(transaction)?;
    facts::void(transaction)?;
    chunks::void(transaction)?;
    standing::void(transaction)
}
