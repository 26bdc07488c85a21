//! Carries out a plan: each step after those it depends on, many at a time.
//!
//! - Steps run on the lanes; what they bring lands, and what they change is committed, beside them. What gives files
//!   of the folder other names happens ashore only, where it never meets a commit: so an intent is settled by the
//!   transaction that has the row of its step, and by no other.
//! - A step is done when its file has its name. A step whose predecessor did not end well is dropped; the next plan
//!   has it again.
//! - Rows are committed after what they tell is durable: steps, then one sync of every directory they touched, then
//!   one transaction. A crash anywhere leaves a baseline that is older than the disk, which the next run mends.

mod board;
mod copy;
mod directories;
mod graph;
mod keep_both;
mod landing;
mod modes;
mod precondition;
mod receive;
mod remove;
mod rename;
mod rotate_local;
mod rotate_remote;
mod send;
mod shore;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use s4_core::path::RelPath;
use s4_core::plan::{Action, Side, Step};
use s4_core::remote::ObjectHead;
use tokio::sync::watch;
use tokio::time;

use self::board::Board;
use self::graph::Graph;
use self::shore::{Brought, Shore};
use crate::blocking::Blocking;
use crate::clock::Clock;
use crate::error::SyncError;
use crate::lanes::Begun;
use crate::report::{Event, Status, Work};
use crate::session::{Done, Round, Session, StepResult, Stop};
use crate::transfer::download::Fetched;

/// How long results may lie before somebody looks at them.
const LOOK_EVERY: Duration = Duration::from_millis(20);

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

/// How a step on a lane ended, if it ended well.
pub(crate) enum Carried {
    /// It is done.
    Done(Done),
    /// Its content is here and waits for its name.
    Fetched(Fetched),
    /// What is left of it changes names on disk only.
    Ashore,
}

/// Carries out the steps of one plan.
pub(crate) struct Execution<'a> {
    pub(crate) round: Arc<Round>,
    /// Where files land and rows are committed.
    pub(crate) blocking: Blocking,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) status: &'a watch::Sender<Status>,
    /// Whether deletions of this run were confirmed by a person, and so do not count for the guards.
    pub(crate) is_confirmed: bool,
    /// Deletions that do not count either: their content stands at another path.
    pub(crate) uncounted: BTreeSet<RelPath>,
}

/// A plan that is being carried out.
struct Going<'a> {
    execution: &'a Execution<'a>,
    steps: Arc<Vec<Step>>,
    graph: Graph,
    board: Arc<Board>,
    shore: Shore,
    executed: Executed,
    /// Why nothing new begins.
    stopped: Option<SyncError>,
}

impl Execution<'_> {
    /// Carries out `steps`. On an error of the whole target, what was finished is committed first.
    pub(crate) async fn run(&self, steps: Vec<Step>) -> Result<Executed, SyncError> {
        let lanes = &self.round.lanes;
        let started = lanes.start()?;
        let (graph, ready) = Graph::of(&steps);
        let (steps, board) = (Arc::new(steps), Arc::new(Board::new(ready, !lanes.are_threads())));
        let mut workers: FuturesUnordered<Begun<()>> = started
            .iter()
            .map(|lane| {
                let session = Session::on_lane(&self.round, lane);
                lane.begin(board::work(lane.clone(), session, steps.clone(), board.clone()))
            })
            .collect();
        let going = Going {
            execution: self,
            steps,
            graph,
            board: board.clone(),
            shore: Shore::default(),
            executed: Executed::default(),
            stopped: None,
        };
        let ended = going.run_out(&mut workers).await;
        // None of them may still work on the folder when its lock is given back.
        board.call_off();
        board.close();
        while let Some(ended) = workers.next().await {
            ended?;
        }
        ended
    }
}

impl Going<'_> {
    async fn run_out(mut self, workers: &mut FuturesUnordered<Begun<()>>) -> Result<Executed, SyncError> {
        let looks_regularly = self.execution.round.lanes.are_threads();
        loop {
            for (index, result) in self.board.collect() {
                match result {
                    Ok(Carried::Done(done)) => self.done(index, done),
                    Ok(Carried::Fetched(fetched)) => self.shore.arrived(index, Some(fetched)),
                    Ok(Carried::Ashore) => self.shore.arrived(index, None),
                    Err(stop) => self.stop(index, stop),
                }
            }
            let is_quiet = self.board.is_quiet();
            self.shore.begin(self.execution, &self.steps, is_quiet || self.stopped.is_some());
            if is_quiet && self.shore.is_empty() {
                return self.stopped.map_or(Ok(self.executed), Err);
            }
            let due = self.shore.due();
            tokio::select! {
                biased;
                brought = self.shore.brought(), if self.shore.is_busy() => self.brought(brought),
                () = self.board.changed() => {}
                Some(ended) = workers.next() => {
                    ended?;
                    return Err(SyncError::Internal("a transfer lane ended early".to_owned()));
                }
                () = time::sleep(LOOK_EVERY), if looks_regularly && !is_quiet => {}
                () = time::sleep_until(due.unwrap_or_else(time::Instant::now)), if due.is_some() => {}
            }
        }
    }

    fn done(&mut self, index: usize, done: Done) {
        let execution = self.execution;
        let step = &self.steps[index];
        let work = Work::of(&step.path, &step.action);
        if self.graph.has_followers(index) {
            execution.round.note(&done);
        }
        if self.stopped.is_none() {
            self.board.add(&self.graph.done(index));
        }
        self.executed.follow_up |= done.again;
        execution.status.send_modify(|status| {
            status.steps.0 += 1;
            status.bytes.0 += work.bytes;
        });
        let finished = Event::Finished(work);
        (execution.round.observer)(&finished);
        if let Event::Finished(work) = finished {
            self.shore.finished(work, done);
        }
    }

    fn brought(&mut self, brought: Brought) {
        match brought {
            Brought::Landed(landed) => {
                self.board.landed(landed.len());
                for (index, result) in landed {
                    match result {
                        Ok(done) => self.done(index, done),
                        Err(stop) => self.stop(index, stop),
                    }
                }
            }
            Brought::Committed(done) => self.executed.done.extend(done),
            Brought::Failed(error) => self.stop_all(error),
        }
    }

    fn stop(&mut self, index: usize, stop: Stop) {
        let step = &self.steps[index];
        let work = Work::of(&step.path, &step.action);
        let observer = &self.execution.round.observer;
        match stop {
            Stop::Again(why) => {
                observer(&Event::Postponed { work: work.clone(), why: why.clone() });
                self.executed.again.push((work, why));
            }
            Stop::Learned(head) => {
                let cause = Cause::Learned(head);
                self.executed.failed.push(Failure { work, action: step.action.clone(), cause });
            }
            Stop::Path(side, why) => {
                observer(&Event::Failed { work: work.clone(), why: why.clone() });
                let cause = Cause::Refused(side, why);
                self.executed.failed.push(Failure { work, action: step.action.clone(), cause });
            }
            Stop::Whole(error) => {
                observer(&Event::Failed { work, why: error.to_string() });
                self.stop_all(error);
            }
        }
    }

    /// Lets nothing new begin; what is under way ends, and what is finished is committed.
    fn stop_all(&mut self, error: SyncError) {
        self.board.call_off();
        self.stopped.get_or_insert(error);
    }
}

/// Carries out one step.
async fn carry_out(session: &Arc<Session>, step: &Step) -> StepResult<Carried> {
    let path = &step.path;
    let done = match &step.action {
        Action::Upload { disk, local, key, replaces, trash_replaced } => {
            send::upload(session, path, disk, local, key, replaces, *trash_replaced).await
        }
        Action::Download { object, disk, replaces, must_descend_from } => {
            let (replaces, descends) = (replaces.as_ref(), must_descend_from.as_ref());
            let fetched = receive::fetch(session, path, object, disk, replaces, descends).await;
            return fetched.map(Carried::Fetched);
        }
        Action::KeepBoth { object, disk, .. } => {
            return receive::fetch(session, path, object, disk, None, None).await.map(Carried::Fetched);
        }
        Action::DeleteRemote { object, disk, reason } => {
            remove::delete_remote(session, path, object, disk, *reason).await
        }
        Action::DeleteLocal { key, .. } => {
            // Absence in a listing proves nothing: only this answer does.
            return precondition::must_be_absent(session, key).await.map(|()| Carried::Ashore);
        }
        Action::CopyRemote { from, source, key, replaces, disk, local } => {
            copy::copy_remote(session, path, from, source, key, replaces, disk, local).await
        }
        Action::RotateRemote { turns } => rotate_remote::rotate(session, turns).await,
        Action::MoveLocal { .. } | Action::RotateLocal { .. } | Action::RenameOnDisk { .. } => {
            return Ok(Carried::Ashore);
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
    };
    done.map(Carried::Done)
}
