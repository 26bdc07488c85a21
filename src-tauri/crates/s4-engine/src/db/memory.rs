//! The memory of a target in memory: the twin of [`sqlite`](crate::db::sqlite) for tests and simulations.
//!
//! - It keeps only what was committed; there is no half of a call.
//! - Handles share one state. A simulated crash drops all handles but one, calls [`MemoryDb::cut_power`], and goes
//!   on with that one: what may be lost by a power cut then is.
//! - A refused write changes nothing.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use s4_core::baseline::{Baseline, DirRow, FileRow, RowContent, RowLastModified};
use s4_core::chunk::Chunks;
use s4_core::context::GuardHistory;
use s4_core::deletion_window::DeletionWindow;
use s4_core::digest::Digest;
use s4_core::facts::{Decision, Facts, LocalFact};
use s4_core::focus::Visit;
use s4_core::key::ObjectKey;
use s4_core::path::{DiskPath, RelPath};
use s4_core::plan::{Conflict, Problem, RowChange, Side};
use s4_core::remote::{ETag, ObjectHead, UnixMillis};
use s4_local::intent::{Intent, IntentId};
use s4_local::trash::TrashedEntry;
use s4_store::store::UploadId;

use crate::db::{
    ACTIVITY_LINES, Activity, Binding, Commit, DbError, DbResult, Identity, Learned, Loaded, OpenDownload,
    OpenUpload, Outline, Standing, StateDb, oldest_fact,
};

/// A handle to one memory. Cloning shares it.
#[derive(Clone, Default)]
pub struct MemoryDb {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    binding: Option<Binding>,
    identity: Option<Identity>,
    files: BTreeMap<RelPath, FileRow>,
    dirs: BTreeMap<RelPath, DirRow>,
    decisions: BTreeMap<RelPath, Decision>,
    intents: BTreeMap<i64, Intent>,
    last_intent: i64,
    trashed: BTreeMap<DiskPath, (UnixMillis, TrashedEntry)>,
    local_window: DeletionWindow,
    remote_window: DeletionWindow,
    activity: Vec<Activity>,
    relaxed: Relaxed,
    /// What a power cut would leave of `relaxed`; `None` when nothing was added since it was last durable.
    durable: Option<Relaxed>,
    /// The latest time that a caller told, by which the age of facts is known.
    clock: Option<UnixMillis>,
    /// How many batches were committed.
    commits: u64,
    /// How many durable writes pass before any is refused.
    passing: u64,
    /// How many are refused then.
    refusals: u64,
}

/// What a power cut may take.
#[derive(Clone, Default)]
struct Relaxed {
    local: BTreeMap<DiskPath, (UnixMillis, LocalFact)>,
    heads: BTreeMap<ObjectKey, (UnixMillis, UnixMillis, ObjectHead)>,
    contents: BTreeMap<ObjectKey, (UnixMillis, ETag, Digest)>,
    chunks: BTreeMap<[u8; 32], Chunks>,
    /// Begun durably; it is the end of one that may be lost.
    uploads: BTreeMap<(ObjectKey, UploadId), OpenUpload>,
    /// As `uploads`, by partial.
    downloads: BTreeMap<String, OpenDownload>,
    standing: Standing,
}

impl MemoryDb {
    /// Returns a new, empty memory.
    pub fn new() -> Self {
        Self::default()
    }

    /// Loses what no later durable write has carried along: facts, ends of transfers and standing lists.
    pub fn cut_power(&self) {
        let mut state = self.lock();
        if let Some(durable) = state.durable.take() {
            state.relaxed = durable;
        }
    }

    /// Lets `passing` durable writes pass and refuses the next `count`: the disk is full.
    pub fn refuse_writes(&self, passing: u64, count: u64) {
        let mut state = self.lock();
        (state.passing, state.refusals) = (passing, count);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every call changes the state only after it has checked everything.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the state for a durable write, which carries along what was written before it.
    fn write(&self) -> DbResult<MutexGuard<'_, State>> {
        let mut state = self.lock();
        if state.passing > 0 {
            state.passing -= 1;
        } else if state.refusals > 0 {
            state.refusals -= 1;
            return Err(DbError::Full { path: PathBuf::from("memory") });
        }
        state.durable = None;
        Ok(state)
    }

    /// Returns the state for a write that a power cut may take.
    fn write_relaxed(&self) -> MutexGuard<'_, State> {
        let mut state = self.lock();
        if state.durable.is_none() {
            state.durable = Some(state.relaxed.clone());
        }
        state
    }
}

impl State {
    fn void(&mut self) {
        self.files.clear();
        self.dirs.clear();
        self.decisions.clear();
        // What is under way does not depend on what was agreed.
        let Relaxed { uploads, downloads, .. } = mem::take(&mut self.relaxed);
        self.relaxed = Relaxed { uploads, downloads, ..Relaxed::default() };
    }

    fn window(&mut self, side: Side) -> &mut DeletionWindow {
        match side {
            Side::Local => &mut self.local_window,
            Side::Remote => &mut self.remote_window,
        }
    }

    fn apply(&mut self, change: &RowChange) {
        let path = match change {
            RowChange::File(path, row) => {
                self.relaxed.forget(&row.disk, &row.key);
                self.files.insert(path.clone(), (**row).clone());
                path
            }
            RowChange::ForgetFile(path) => {
                let prefix = self.binding.as_ref().map_or("", |binding| &binding.prefix);
                self.relaxed.forget(&DiskPath::from(path), &ObjectKey::new(format!("{prefix}{path}")));
                self.files.remove(path);
                path
            }
            RowChange::Dir(path, row) => {
                self.dirs.insert(path.clone(), row.clone());
                path
            }
            RowChange::ForgetDir(path) => {
                self.dirs.remove(path);
                path
            }
        };
        self.decisions.remove(path);
    }

    /// Returns the digest of every content that a row or a fact has.
    fn contents(&self) -> impl Iterator<Item = &Digest> {
        let of_rows = self.files.values().filter_map(|row| match &row.content {
            RowContent::File { digest, .. } => Some(digest),
            RowContent::Symlink { .. } => None,
        });
        let local = self.relaxed.local.values().map(|(_, fact)| &fact.digest);
        of_rows.chain(local).chain(self.relaxed.contents.values().map(|(_, _, digest)| digest))
    }

    fn facts(&self) -> Facts {
        let mut facts = Facts::default();
        for (disk, (_, fact)) in &self.relaxed.local {
            facts.learn_local(disk.clone(), fact.clone());
        }
        for (key, (_, listed, head)) in &self.relaxed.heads {
            facts.learn_head(key.clone(), *listed, head.clone());
        }
        for (key, (_, etag, digest)) in &self.relaxed.contents {
            facts.learn_content(key.clone(), etag.clone(), *digest);
        }
        for (path, decision) in &self.decisions {
            facts.decide(path.clone(), decision.clone());
        }
        facts
    }
}

impl Relaxed {
    fn forget(&mut self, disk: &DiskPath, key: &ObjectKey) {
        self.local.remove(disk);
        self.heads.remove(key);
        self.contents.remove(key);
    }

    fn forget_before(&mut self, oldest: UnixMillis) {
        self.local.retain(|_, (learned, _)| *learned >= oldest);
        self.heads.retain(|_, (learned, _, _)| *learned >= oldest);
        self.contents.retain(|_, (learned, _, _)| *learned >= oldest);
    }
}

impl StateDb for MemoryDb {
    fn binding(&self) -> DbResult<Option<Binding>> {
        Ok(self.lock().binding.clone())
    }

    fn bind(&self, binding: &Binding) -> DbResult<()> {
        let mut state = self.write()?;
        if state.binding.as_ref() != Some(binding) {
            state.void();
            state.relaxed.uploads.clear();
            state.relaxed.downloads.clear();
            state.binding = Some(binding.clone());
        }
        Ok(())
    }

    fn identity(&self) -> DbResult<Option<Identity>> {
        Ok(self.lock().identity.clone())
    }

    fn set_identity(&self, identity: &Identity) -> DbResult<()> {
        self.write()?.identity = Some(identity.clone());
        Ok(())
    }

    fn void(&self) -> DbResult<()> {
        self.write()?.void();
        Ok(())
    }

    fn load(&self, now: UnixMillis) -> DbResult<Loaded> {
        let Outline { dirs, facts, guard, .. } = self.outline(now)?;
        let mut files = Vec::new();
        self.each_file(&mut |path, row| files.push((path, row)))?;
        Ok(Loaded {
            baseline: Baseline { files: files.into_iter().collect(), dirs, elided: 0 },
            facts,
            guard,
        })
    }

    fn outline(&self, now: UnixMillis) -> DbResult<Outline> {
        let mut state = self.lock();
        state.clock = Some(now);
        state.relaxed.forget_before(oldest_fact(now));
        Ok(Outline {
            dirs: state.dirs.iter().map(|(path, row)| (path.clone(), row.clone())).collect(),
            files: state.files.len() as u64,
            facts: state.facts(),
            guard: GuardHistory {
                local: state.local_window.as_of(now),
                remote: state.remote_window.as_of(now),
            },
            commits: state.commits,
        })
    }

    fn each_file(&self, visit: &mut Visit<'_>) -> DbResult<()> {
        self.lock().files.iter().for_each(|(path, row)| visit(path.clone(), row.clone()));
        Ok(())
    }

    fn commits(&self) -> u64 {
        self.lock().commits
    }

    fn note_times(&self, noted: &[(RelPath, UnixMillis)]) -> DbResult<()> {
        let mut state = self.lock();
        for (path, time) in noted {
            if let Some(row) = state.files.get_mut(path)
                && let RowLastModified::NotAfter(_) = row.last_modified
            {
                row.last_modified = RowLastModified::Known(*time);
            }
        }
        Ok(())
    }

    fn commit(&self, commit: &Commit) -> DbResult<()> {
        let mut state = self.write()?;
        (state.clock, state.commits) = (Some(commit.at), state.commits + 1);
        let tree_then = state.files.len() as u64;
        for (side, count) in &commit.deletions {
            state.window(*side).add(commit.at, *count, tree_then);
        }
        for change in &commit.rows {
            state.apply(change);
        }
        for id in &commit.settled {
            state.intents.remove(&id.0);
        }
        for entry in &commit.trashed {
            state.trashed.insert(entry.place.clone(), (commit.at, entry.clone()));
        }
        state.relaxed.chunks.extend(commit.chunks.iter().cloned());
        state.activity.extend_from_slice(&commit.activity);
        let excess = state.activity.len().saturating_sub(ACTIVITY_LINES);
        state.activity.drain(..excess);
        Ok(())
    }

    fn learn(&self, learned: &[Learned]) -> DbResult<()> {
        let mut state = self.write_relaxed();
        let clock = state.clock.unwrap_or(UnixMillis(0));
        for fact in learned.iter().cloned() {
            match fact {
                Learned::Local(disk, fact) => drop(state.relaxed.local.insert(disk, (clock, fact))),
                Learned::Head(key, listed, head) => {
                    state.relaxed.heads.insert(key, (clock, listed, head));
                }
                Learned::Content(key, etag, digest) => {
                    state.relaxed.contents.insert(key, (clock, etag, digest));
                }
            }
        }
        Ok(())
    }

    fn record_intent(&self, intent: &Intent) -> DbResult<IntentId> {
        let mut state = self.write()?;
        state.last_intent += 1;
        let id = state.last_intent;
        state.intents.insert(id, intent.clone());
        Ok(IntentId(id))
    }

    fn intents(&self) -> DbResult<Vec<(IntentId, Intent)>> {
        Ok(self.lock().intents.iter().map(|(id, intent)| (IntentId(*id), intent.clone())).collect())
    }

    fn chunks(&self, blake3: &[u8; 32]) -> DbResult<Option<Chunks>> {
        Ok(self.lock().relaxed.chunks.get(blake3).cloned())
    }

    fn learn_chunks(&self, chunks: &[([u8; 32], Chunks)]) -> DbResult<()> {
        self.write_relaxed().relaxed.chunks.extend(chunks.iter().cloned());
        Ok(())
    }

    fn forget_unused_chunks(&self) -> DbResult<()> {
        let mut state = self.write_relaxed();
        let used: BTreeSet<[u8; 32]> = state.contents().map(|digest| digest.blake3).collect();
        state.relaxed.chunks.retain(|blake3, _| used.contains(blake3));
        Ok(())
    }

    fn record_download(&self, download: &OpenDownload) -> DbResult<()> {
        self.write()?.relaxed.downloads.insert(download.partial.clone(), download.clone());
        Ok(())
    }

    fn end_download(&self, partial: &str) -> DbResult<()> {
        self.write_relaxed().relaxed.downloads.remove(partial);
        Ok(())
    }

    fn open_downloads(&self) -> DbResult<Vec<OpenDownload>> {
        Ok(self.lock().relaxed.downloads.values().cloned().collect())
    }

    fn begin_upload(&self, upload: &OpenUpload) -> DbResult<()> {
        self.write()?.relaxed.uploads.insert((upload.key.clone(), upload.id.clone()), upload.clone());
        Ok(())
    }

    fn end_upload(&self, upload: &OpenUpload) -> DbResult<()> {
        self.write_relaxed().relaxed.uploads.remove(&(upload.key.clone(), upload.id.clone()));
        Ok(())
    }

    fn open_uploads(&self) -> DbResult<Vec<OpenUpload>> {
        Ok(self.lock().relaxed.uploads.values().cloned().collect())
    }

    fn decide(&self, path: &RelPath, decision: &Decision) -> DbResult<()> {
        self.write()?.decisions.insert(path.clone(), decision.clone());
        Ok(())
    }

    fn set_standing(&self, conflicts: &[Conflict], problems: &[Problem]) -> DbResult<()> {
        let problems =
            problems.iter().map(|problem| (problem.subject.clone(), problem.reason.to_string())).collect();
        self.write_relaxed().relaxed.standing = Standing { conflicts: conflicts.to_vec(), problems };
        Ok(())
    }

    fn standing(&self) -> DbResult<Standing> {
        Ok(self.lock().relaxed.standing.clone())
    }

    fn trashed_since(&self, since: UnixMillis) -> DbResult<Vec<(UnixMillis, TrashedEntry)>> {
        let state = self.lock();
        let mut trashed: Vec<(UnixMillis, TrashedEntry)> =
            state.trashed.values().filter(|(at, _)| *at >= since).cloned().collect();
        trashed.sort_by_key(|(at, _)| *at);
        Ok(trashed)
    }

    fn forget_trashed(&self, place: &DiskPath) -> DbResult<()> {
        self.write()?.trashed.remove(place);
        Ok(())
    }

    fn activity(&self, limit: usize) -> DbResult<Vec<Activity>> {
        Ok(self.lock().activity.iter().rev().take(limit).cloned().collect())
    }
}
