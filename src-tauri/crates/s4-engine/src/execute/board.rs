//! Where steps that may begin wait for a lane, and results for the execution.
//!
//! - Lanes take from one queue, so that none idles while another has a backlog, and handing over a step costs a lock
//!   that is hardly ever contended.
//! - Results are told in bunches: waking a thread for each costs as much as a small step.
//! - A lane holds a bounded number of steps and bytes; staged files that wait for their names, each an open file, are
//!   bounded for all lanes together.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use s4_core::plan::{Action, Step};
use tokio::sync::{Notify, watch};

use super::{Carried, carry_out};
use crate::lanes::Lane;
use crate::report::{Event, Work};
use crate::session::{Session, StepResult};
use crate::transfer::upload::WHOLE_UP_TO;

/// How many steps a lane has under way at most.
const MOST_STEPS: usize = 16;
/// How many bytes the steps of a lane hold in memory at most, but for one that needs more alone.
const MOST_BYTES: u64 = 32 << 20;
/// How many staged files may wait for their names; each is an open file, and some systems allow 1,024 of them.
const MOST_STAGED: usize = 512;
/// So many results are told at once, while there is more to do.
const BUNCH: usize = 32;

/// The result of a step, by its place in the plan.
pub(super) type Result = (usize, StepResult<Carried>);

/// Where steps and results lie between the lanes and the execution.
pub(super) struct Board {
    state: Mutex<State>,
    /// Told when a lane that found nothing to begin may look again.
    for_lanes: watch::Sender<()>,
    for_execution: Notify,
    /// Whether each result is told at once: under simulation, where waking costs nothing and order matters.
    is_prompt: bool,
}

#[derive(Default)]
struct State {
    ready: VecDeque<usize>,
    results: Vec<Result>,
    /// Steps that a lane has, and results that were not collected.
    taken: usize,
    /// Staged files without a name, those in uncollected results too.
    staged: usize,
    is_closed: bool,
}

impl Board {
    /// Returns a board with the steps that may begin at once.
    pub(super) fn new(ready: VecDeque<usize>, is_prompt: bool) -> Self {
        let state = Mutex::new(State { ready, ..State::default() });
        Self { state, for_lanes: watch::Sender::new(()), for_execution: Notify::new(), is_prompt }
    }

    /// Adds steps that may begin now.
    pub(super) fn add(&self, ready: &[usize]) {
        if !ready.is_empty() {
            self.lock().ready.extend(ready);
            self.for_lanes.send_replace(());
        }
    }

    /// Notes that staged files have their names, or were given up.
    pub(super) fn landed(&self, count: usize) {
        let was_full = {
            let mut state = self.lock();
            let was_full = state.staged >= MOST_STAGED;
            state.staged -= count;
            was_full
        };
        if was_full {
            self.for_lanes.send_replace(());
        }
    }

    /// Takes every step back that has not begun.
    pub(super) fn call_off(&self) {
        self.lock().ready.clear();
    }

    /// Lets the lanes end when they are through.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.for_lanes.send_replace(());
    }

    /// Returns the results so far.
    pub(super) fn collect(&self) -> Vec<Result> {
        let mut state = self.lock();
        let results = std::mem::take(&mut state.results);
        state.taken -= results.len();
        results
    }

    /// Returns when there may be results.
    pub(super) async fn changed(&self) {
        self.for_execution.notified().await;
    }

    /// Takes the next step, if there is one and it fits.
    fn take(&self, fits: impl Fn(usize) -> bool) -> Option<usize> {
        let mut state = self.lock();
        if state.staged >= MOST_STAGED {
            return None;
        }
        let next = state.ready.pop_front_if(|next| fits(*next))?;
        state.taken += 1;
        Some(next)
    }

    fn put(&self, index: usize, result: StepResult<Carried>) {
        let is_due = {
            let mut state = self.lock();
            state.staged += usize::from(matches!(result, Ok(Carried::Fetched(_) | Carried::Ashore)));
            state.results.push((index, result));
            // With nothing left to begin the execution may be waiting for just this one.
            self.is_prompt || state.results.len() >= BUNCH || state.ready.is_empty()
        };
        if is_due {
            self.for_execution.notify_one();
        }
    }

    /// Returns whether nothing is under way and nothing may begin.
    pub(super) fn is_quiet(&self) -> bool {
        let state = self.lock();
        state.taken == 0 && state.ready.is_empty()
    }

    fn is_closed(&self) -> bool {
        self.lock().is_closed
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Carries out steps on one lane until the board is closed.
pub(super) async fn work(lane: Arc<Lane>, session: Arc<Session>, steps: Arc<Vec<Step>>, board: Arc<Board>) {
    let mut changes = board.for_lanes.subscribe();
    let mut running = FuturesUnordered::new();
    let mut held = 0;
    loop {
        // Seen before looking: what changes from here on is told again.
        changes.mark_unchanged();
        while running.len() < MOST_STEPS {
            let fits = |next: usize| running.is_empty() || held + weight(&steps[next]) <= MOST_BYTES;
            let Some(index) = board.take(fits) else { break };
            held += weight(&steps[index]);
            let under_way = lane.count();
            let (session, step) = (&session, &steps[index]);
            running.push(async move {
                (session.observer)(&Event::Started(Work::of(&step.path, &step.action)));
                let result = carry_out(session, step).await;
                drop(under_way);
                (index, result)
            });
        }
        if running.is_empty() && board.is_closed() {
            return;
        }
        tokio::select! {
            biased;
            Some((index, result)) = running.next(), if !running.is_empty() => {
                held -= weight(&steps[index]);
                board.put(index, result);
            }
            changed = changes.changed(), if running.len() < MOST_STEPS => {
                if changed.is_err() {
                    return;
                }
            }
        }
    }
}

/// Returns how many bytes a step holds in memory at a time.
fn weight(step: &Step) -> u64 {
    let size = match &step.action {
        Action::Upload { local, .. } => local.fingerprint().map_or(0, |fingerprint| fingerprint.size),
        Action::Download { object, .. } | Action::KeepBoth { object, .. } => object.size,
        _ => 0,
    };
    // What is longer goes by parts, a few at a time.
    size.min(WHOLE_UP_TO)
}
