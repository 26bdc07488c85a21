//! What lanes bring ashore: staged files land, files get other names, finished steps are committed: one job at a time,
//! beside the lanes.
//!
//! - A landing takes what is there: a full batch, what waits for long, or the rest when nothing else is under way.
//! - A commit follows when enough steps are finished, or the first of them has waited long enough.
//! - After a commit that failed none follows: rows enter the baseline in the order in which they came about.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::{Fuse, FusedFuture};
use s4_core::path::DiskPath;
use s4_core::plan::{RowChange, Step};
use s4_core::remote::UnixMillis;
use tokio::time::Instant;

use super::{Execution, landing};
use crate::db::{Activity, Commit};
use crate::error::SyncError;
use crate::report::Work;
use crate::session::{Done, Round, StepResult};
use crate::transfer::download::Fetched;

/// So many files land at once.
const LANDING: usize = 256;
/// How long a staged file waits for others.
const LANDING_AFTER: Duration = Duration::from_millis(100);
/// So many finished steps share a sync and a transaction.
const COMMIT: usize = 1024;
/// How long a finished step waits for others.
const COMMIT_AFTER: Duration = Duration::from_secs(1);

/// How a job ended.
pub(super) enum Brought {
    /// Files have their names, or failed for themselves.
    Landed(Vec<(usize, StepResult)>),
    /// Rows are in the baseline.
    Committed(Vec<Work>),
    /// Nothing was committed.
    Failed(SyncError),
}

type Job = Pin<Box<dyn Future<Output = Brought> + Send>>;

/// What waits, and the job under way.
#[derive(Default)]
pub(super) struct Shore {
    staged: Waiting<(usize, Option<Fetched>)>,
    finished: Waiting<(Work, Done)>,
    job: Option<Fuse<Job>>,
    has_failed: bool,
}

/// What waits, and since when.
struct Waiting<T> {
    all: Vec<T>,
    since: Instant,
}

impl Shore {
    /// Takes a step whose last part is done here, with what was fetched for it.
    pub(super) fn arrived(&mut self, index: usize, fetched: Option<Fetched>) {
        self.staged.push((index, fetched));
    }

    /// Takes a finished step.
    pub(super) fn finished(&mut self, work: Work, done: Done) {
        if !self.has_failed {
            self.finished.push((work, done));
        }
    }

    /// Begins the next job if there is none and one is due; `is_last` is when no lane will bring more.
    pub(super) fn begin(&mut self, execution: &Execution<'_>, steps: &Arc<Vec<Step>>, is_last: bool) {
        if self.is_busy() {
            return;
        }
        let job = if self.finished.is_due(COMMIT, COMMIT_AFTER, is_last && self.staged.all.is_empty()) {
            Some(commit(execution, self.finished.take()))
        } else if self.staged.is_due(LANDING, LANDING_AFTER, is_last) {
            Some(land(execution, steps, self.staged.take()))
        } else {
            None
        };
        self.job = job.map(FutureExt::fuse);
    }

    /// Returns whether a job is under way.
    pub(super) fn is_busy(&self) -> bool {
        self.job.as_ref().is_some_and(|job| !job.is_terminated())
    }

    /// Returns whether nothing waits and nothing is under way.
    pub(super) fn is_empty(&self) -> bool {
        !self.is_busy() && self.staged.all.is_empty() && self.finished.all.is_empty()
    }

    /// Returns when to look again for a job that is due by then.
    pub(super) fn due(&self) -> Option<Instant> {
        if self.is_busy() {
            return None;
        }
        let landing = self.staged.due(LANDING_AFTER);
        let commit = self.finished.due(COMMIT_AFTER);
        landing.into_iter().chain(commit).min()
    }

    /// Waits for the job under way.
    pub(super) async fn brought(&mut self) -> Brought {
        let brought = match &mut self.job {
            Some(job) => job.await,
            None => std::future::pending().await,
        };
        self.has_failed |= matches!(brought, Brought::Failed(_));
        if self.has_failed {
            self.finished.take();
        }
        brought
    }
}

impl<T> Waiting<T> {
    fn push(&mut self, one: T) {
        if self.all.is_empty() {
            self.since = Instant::now();
        }
        self.all.push(one);
    }

    fn is_due(&self, count: usize, after: Duration, is_last: bool) -> bool {
        !self.all.is_empty() && (is_last || self.all.len() >= count || self.since.elapsed() >= after)
    }

    fn due(&self, after: Duration) -> Option<Instant> {
        (!self.all.is_empty()).then(|| self.since + after)
    }

    fn take(&mut self) -> Vec<T> {
        std::mem::take(&mut self.all)
    }
}

impl<T> Default for Waiting<T> {
    fn default() -> Self {
        Self { all: Vec::new(), since: Instant::now() }
    }
}

fn land(execution: &Execution<'_>, steps: &Arc<Vec<Step>>, staged: Vec<(usize, Option<Fetched>)>) -> Job {
    let (round, steps) = (execution.round.clone(), steps.clone());
    let blocking = execution.blocking;
    Box::pin(async move {
        match blocking.run(move || landing::land(&round, &steps, staged)).await {
            Ok(landed) => Brought::Landed(landed),
            Err(error) => Brought::Failed(error),
        }
    })
}

/// Makes finished steps durable, then commits what they tell.
fn commit(execution: &Execution<'_>, finished: Vec<(Work, Done)>) -> Job {
    let at = execution.clock.now();
    let mut commit = Commit { at, ..Commit::default() };
    let mut works = Vec::with_capacity(finished.len());
    for (work, done) in finished {
        enter(execution, &work, done, at, &mut commit);
        works.push(work);
    }
    let round = execution.round.clone();
    let blocking = execution.blocking;
    Box::pin(async move {
        match blocking.run(move || make_durable(&round, commit)).await {
            Ok(Ok(())) => Brought::Committed(works),
            Ok(Err(error)) | Err(error) => Brought::Failed(error),
        }
    })
}

fn enter(execution: &Execution<'_>, work: &Work, done: Done, at: UnixMillis, commit: &mut Commit) {
    commit.rows.extend(done.rows);
    commit.trashed.extend(done.trashed);
    commit.chunks.extend(done.chunks);
    let counts = !execution.is_confirmed && !execution.uncounted.contains(&work.path);
    if let (Some(side), true) = (done.deletion, counts) {
        commit.deletions.push((side, 1));
    }
    if let Some((kind, bytes)) = done.activity {
        commit.activity.push(Activity { at, path: work.path.clone(), kind, bytes });
    }
}

fn make_durable(round: &Round, mut commit: Commit) -> Result<(), SyncError> {
    // The order is the promise: the disk first, then rows. Intents are settled with the rows.
    commit.settled = round.batch.sync()?;
    let found: Vec<DiskPath> =
        commit.rows.iter().filter(is_found).filter_map(RowChange::disk).cloned().collect();
    if !found.is_empty() {
        // A program's file that was uploaded may not be on the disk itself yet. If the power went now, a row
        // without its file would look like a deletion.
        round.folder().make_durable(&found)?;
    }
    s4_local::failpoint::hit("commit:before");
    if !commit.is_empty() {
        round.db.commit(&commit)?;
    }
    s4_local::failpoint::hit("commit:done");
    Ok(())
}

/// Returns whether a row tells of what was found on disk, rather than of what this run put there durably.
fn is_found(row: &&RowChange) -> bool {
    match row {
        RowChange::File(_, row) => row.own_write,
        RowChange::Dir(_, _) => true,
        RowChange::ForgetFile(_) | RowChange::ForgetDir(_) => false,
    }
}
