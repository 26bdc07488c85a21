//! Carries out a plan: each step after those it depends on, many at a time.
//!
//! - A step whose predecessor did not end well is dropped; the next plan has it again.
//! - Rows are committed after what they tell is durable: steps, then one sync of every directory they touched, then
//!   one transaction. A crash anywhere leaves a baseline that is older than the disk, which the next run mends.

mod copy;
mod directories;
mod keep_both;
mod modes;
mod precondition;
mod receive;
mod remove;
mod rename;
mod rotate_local;
mod rotate_remote;
mod send;

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use s4_core::path::DiskPath;
use s4_core::path::RelPath;
use s4_core::plan::{Action, RowChange, Side, Step};
use s4_core::remote::{ObjectHead, UnixMillis};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::clock::Clock;
use crate::db::{Activity, Commit, StateDb};
use crate::error::SyncError;
use crate::report::{Event, Status, Work};
use crate::session::{Done, Session, StepResult, Stop};

/// How many steps are under way at a time.
const IN_FLIGHT: usize = 24;
/// How many finished steps share a sync and a transaction at most.
const BATCH: usize = 256;

/// What became of a plan.
#[derive(Debug, Default)]
pub(crate) struct Executed {
    pub(crate) done: Vec<Work>,
    pub(crate) failed: Vec<Failure>,
    /// Steps that are to be planned anew, with why.
    pub(crate) again: Vec<(Work, String)>,
    /// Whether a finished step calls for another plan.
    pub(crate) follow_up: bool,
}

/// A step that failed for its path.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) work: Work,
    pub(crate) action: Action,
    pub(crate) cause: Cause,
}

/// Why it failed.
#[derive(Debug)]
pub(crate) enum Cause {
    /// One side refused.
    Refused(Side, String),
    /// The object is not what it was taken for.
    Learned(Box<ObjectHead>),
}

/// Carries out the steps of one plan.
pub(crate) struct Execution<'a> {
    pub(crate) session: Arc<Session>,
    pub(crate) db: Arc<dyn StateDb>,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) status: &'a watch::Sender<Status>,
    /// Whether deletions of this run were confirmed by a person, and so do not count for the guards.
    pub(crate) is_confirmed: bool,
    /// Deletions that do not count either: their content stands at another path.
    pub(crate) uncounted: BTreeSet<RelPath>,
}

/// A finished step on its way to the database.
type Finished = (Work, Done);

impl Execution<'_> {
    /// Carries out `steps`. On an error of the whole target, what was finished is committed first.
    pub(crate) async fn run(&self, steps: Vec<Step>) -> Result<Executed, SyncError> {
        let mut graph = Graph::of(&steps);
        let mut running: JoinSet<(usize, StepResult)> = JoinSet::new();
        let mut executed = Executed::default();
        let mut finished: Vec<Finished> = Vec::new();
        let mut stopped: Option<SyncError> = None;
        loop {
            while stopped.is_none() && running.len() < IN_FLIGHT {
                let Some(index) = graph.next_ready() else { break };
                let (session, step) = (self.session.clone(), steps[index].clone());
                (session.observer)(&Event::Started(Work::of(&step.path, &step.action)));
                running.spawn(async move { (index, carry_out(&session, &step).await) });
            }
            let Some(ended) = running.join_next().await else { break };
            let (index, result) = ended.map_err(|error| SyncError::Internal(error.to_string()))?;
            let step = &steps[index];
            let work = Work::of(&step.path, &step.action);
            match result {
                Ok(done) => {
                    self.session.note(&done);
                    graph.done(index);
                    executed.follow_up |= done.again;
                    self.status.send_modify(|status| {
                        status.steps.0 += 1;
                        status.bytes.0 += work.bytes;
                    });
                    (self.session.observer)(&Event::Finished(work.clone()));
                    finished.push((work, done));
                }
                Err(stop) => self.stopped(step, work, stop, &mut executed, &mut stopped),
            }
            // A commit that fails stops the run, but only after every step under way has ended: none of them may
            // still work on the folder when its lock is given back.
            if finished.len() >= BATCH
                && let Err(error) = self.commit(&mut finished, &mut executed).await
            {
                stopped.get_or_insert(error);
            }
        }
        self.commit(&mut finished, &mut executed).await?;
        stopped.map_or(Ok(executed), Err)
    }

    fn stopped(
        &self,
        step: &Step,
        work: Work,
        stop: Stop,
        executed: &mut Executed,
        stopped: &mut Option<SyncError>,
    ) {
        let observer = &self.session.observer;
        match stop {
            Stop::Again(why) => {
                observer(&Event::Postponed { work: work.clone(), why: why.clone() });
                executed.again.push((work, why));
            }
            Stop::Learned(head) => {
                let cause = Cause::Learned(head);
                executed.failed.push(Failure { work, action: step.action.clone(), cause });
            }
            Stop::Path(side, why) => {
                observer(&Event::Failed { work: work.clone(), why: why.clone() });
                let cause = Cause::Refused(side, why);
                executed.failed.push(Failure { work, action: step.action.clone(), cause });
            }
            Stop::Whole(error) => {
                observer(&Event::Failed { work, why: error.to_string() });
                stopped.get_or_insert(error);
            }
        }
    }

    /// Makes finished steps durable, then commits what they tell.
    async fn commit(&self, finished: &mut Vec<Finished>, executed: &mut Executed) -> Result<(), SyncError> {
        let at = self.clock.now();
        let mut commit = Commit { at, ..Commit::default() };
        for (work, done) in finished.drain(..) {
            self.enter(&work, done, at, &mut commit);
            executed.done.push(work);
        }
        let found: Vec<DiskPath> =
            commit.rows.iter().filter(is_found).filter_map(RowChange::disk).cloned().collect();
        let (session, db) = (self.session.clone(), self.db.clone());
        self.session
            .blocking
            .run(move || -> Result<(), SyncError> {
                // The order is the promise: the disk first, then rows. Intents are settled with the rows.
                commit.settled = session.batch.sync()?;
                if !found.is_empty() {
                    // A program's file that was uploaded may not be on the disk itself yet. If the power went now,
                    // a row without its file would look like a deletion.
                    session.folder().make_durable(&found)?;
                }
                s4_local::failpoint::hit("commit:before");
                if !commit.is_empty() {
                    db.commit(&commit)?;
                }
                s4_local::failpoint::hit("commit:done");
                Ok(())
            })
            .await?
    }

    fn enter(&self, work: &Work, done: Done, at: UnixMillis, commit: &mut Commit) {
        commit.rows.extend(done.rows);
        commit.trashed.extend(done.trashed);
        commit.chunks.extend(done.chunks);
        let counts = !self.is_confirmed && !self.uncounted.contains(&work.path);
        if let (Some(side), true) = (done.deletion, counts) {
            commit.deletions.push((side, 1));
        }
        if let Some((kind, bytes)) = done.activity {
            commit.activity.push(Activity { at, path: work.path.clone(), kind, bytes });
        }
    }
}

/// Returns whether a row tells of what was found on disk, rather than of what this run put there durably.
fn is_found(row: &&RowChange) -> bool {
    match row {
        RowChange::File(_, row) => row.own_write,
        RowChange::Dir(_, _) => true,
        RowChange::ForgetFile(_) | RowChange::ForgetDir(_) => false,
    }
}

/// Carries out one step.
async fn carry_out(session: &Arc<Session>, step: &Step) -> StepResult {
    let path = &step.path;
    match &step.action {
        Action::Upload { disk, local, key, replaces, trash_replaced } => {
            send::upload(session, path, disk, local, key, replaces, *trash_replaced).await
        }
        Action::Download { object, disk, replaces, must_descend_from } => {
            receive::download(session, path, object, disk, replaces.as_ref(), must_descend_from.as_ref())
                .await
        }
        Action::KeepBoth { object, disk, local, conflict } => {
            keep_both::keep_both(session, path, object, disk, local, conflict).await
        }
        Action::DeleteRemote { object, disk, reason } => {
            remove::delete_remote(session, path, object, disk, *reason).await
        }
        Action::DeleteLocal { disk, local, key } => {
            remove::delete_local(session, path, disk, local, key).await
        }
        Action::CopyRemote { from, source, key, replaces, disk, local } => {
            copy::copy_remote(session, path, from, source, key, replaces, disk, local).await
        }
        Action::RotateRemote { turns } => rotate_remote::rotate(session, turns).await,
        Action::MoveLocal { from, from_disk, local, disk, object } => {
            rename::move_local(session, path, from, from_disk, local, disk, object).await
        }
        Action::RotateLocal { turns } => rotate_local::rotate(session, turns).await,
        Action::RenameOnDisk { from, local, to } => {
            rename::rename_on_disk(session, path, from, local, to).await
        }
        Action::SetRemoteMode { object, disk, local, executable } => {
            modes::set_remote(session, path, object, disk, local, *executable).await
        }
        Action::SetLocalMode { disk, fingerprint, object, executable } => {
            modes::set_local(session, path, disk, fingerprint, object, *executable).await
        }
        Action::PutMarker { disk, key } => directories::put_marker(session, path, disk, key).await,
        Action::DeleteMarker { marker, disk } => {
            directories::delete_marker(session, path, marker, disk).await
        }
        Action::RecordDir { disk } => Ok(directories::record(path, disk)),
        Action::CreateDir { disk, marker } => directories::create(session, path, disk, marker.as_ref()).await,
        Action::RemoveDir { disk } => directories::remove(session, path, disk).await,
    }
}

/// Which steps may begin.
struct Graph {
    waiting_for: Vec<usize>,
    followers: Vec<Vec<usize>>,
    ready: VecDeque<usize>,
}

impl Graph {
    fn of(steps: &[Step]) -> Self {
        let mut followers = vec![Vec::new(); steps.len()];
        for (index, step) in steps.iter().enumerate() {
            for before in &step.after {
                followers[before.0].push(index);
            }
        }
        let waiting_for: Vec<usize> = steps.iter().map(|step| step.after.len()).collect();
        let ready = (0..steps.len()).filter(|index| waiting_for[*index] == 0).collect();
        Self { waiting_for, followers, ready }
    }

    fn next_ready(&mut self) -> Option<usize> {
        self.ready.pop_front()
    }

    fn done(&mut self, index: usize) {
        for follower in std::mem::take(&mut self.followers[index]) {
            self.waiting_for[follower] -= 1;
            if self.waiting_for[follower] == 0 {
                self.ready.push_back(follower);
            }
        }
    }
}
