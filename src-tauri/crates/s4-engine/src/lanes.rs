//! Transfer lanes: a few threads that move content and do nothing else.
//!
//! - Each lane is a thread with a runtime of its own on it, connections of its own, and file I/O right there: one
//!   thread that does everything costs half of what a runtime of many does, because nothing is handed over.
//! - Lanes start with the first step, and end with [`LanesGuard`]: when it is dropped no lane works any more.
//! - Where a test gives the parts there is one lane, and it is the runtime of the caller: the same work in the same
//!   order, every time.
//! - It knows no step, no file and no database.

use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll};
use std::thread::{self, JoinHandle};

use s4_store::error::StoreError;
use s4_store::store::Store;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task;

use crate::blocking::Blocking;
use crate::error::SyncError;

/// How many lanes there are: as many as cores, within bounds. More would only share the same network.
const LANES: std::ops::RangeInclusive<usize> = 2..=4;

/// Makes the bucket of one lane: the same as the target's, with connections of its own.
pub type LaneStores = Box<dyn Fn() -> Result<Arc<dyn Store>, StoreError> + Send + Sync>;

/// The lanes of a target.
pub(crate) struct Lanes {
    makes: Option<LaneStores>,
    /// The lanes, once they were started; empty where work runs on the caller's runtime, or when they have ended.
    started: OnceLock<Vec<Arc<Lane>>>,
}

/// One lane.
pub(crate) struct Lane {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) blocking: Blocking,
    /// Where its work runs; `None` is the caller's own runtime.
    handle: Option<Handle>,
    /// How much is under way on it.
    load: AtomicUsize,
    thread: Mutex<Option<Thread>>,
}

struct Thread {
    /// Dropped to end it.
    going_on: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

/// Ends the lanes when it is dropped.
pub(crate) struct LanesGuard(pub(crate) Arc<Lanes>);

/// Something under way on a lane, which counts for as long as this exists.
pub(crate) struct UnderWay(Arc<Lane>);

/// Work that was begun on a lane. Dropping it abandons the work.
pub(crate) struct Begun<T>(task::JoinHandle<T>);

impl Lanes {
    /// Returns lanes with a thread each, to be started when they are needed.
    pub(crate) fn on_threads(makes: LaneStores) -> Self {
        Self { makes: Some(makes), started: OnceLock::new() }
    }

    /// Returns one lane that is the runtime of whoever uses it.
    pub(crate) fn here(store: Arc<dyn Store>, blocking: Blocking) -> Self {
        let lane =
            Lane { store, blocking, handle: None, load: AtomicUsize::new(0), thread: Mutex::default() };
        Self { makes: None, started: OnceLock::from(vec![Arc::new(lane)]) }
    }

    /// Returns the lanes, started.
    pub(crate) fn start(&self) -> Result<&[Arc<Lane>], SyncError> {
        if let Some(started) = self.started.get() {
            return Ok(started);
        }
        let cores = thread::available_parallelism().map_or(*LANES.start(), usize::from);
        let mut lanes = Vec::new();
        if let Some(makes) = &self.makes {
            for number in 0..cores.clamp(*LANES.start(), *LANES.end()) {
                lanes.push(Arc::new(Lane::on_thread(number, makes()?)?));
            }
        }
        Ok(self.started.get_or_init(|| lanes))
    }

    /// Returns whether the work runs on threads of its own.
    pub(crate) fn are_threads(&self) -> bool {
        self.makes.is_some()
    }

    /// Returns the lane with the least under way.
    pub(crate) fn idlest(&self) -> Result<&Arc<Lane>, SyncError> {
        let ended = || SyncError::Internal("there is no transfer lane".to_owned());
        self.start()?.iter().min_by_key(|lane| lane.load.load(Ordering::Relaxed)).ok_or_else(ended)
    }

    fn end(&self) {
        let lanes = self.started.get().into_iter().flatten();
        let threads: Vec<Thread> = lanes.filter_map(|lane| lane.take_thread()).collect();
        // All are told before any is waited for.
        let threads: Vec<JoinHandle<()>> = threads.into_iter().map(Thread::tell).collect();
        for thread in threads {
            // A panic of its work was told to whoever waited for that work.
            let _ = thread.join();
        }
    }
}

impl Lane {
    fn on_thread(number: usize, store: Arc<dyn Store>) -> Result<Self, SyncError> {
        let failed =
            |error: std::io::Error| SyncError::Internal(format!("can't start a transfer lane: {error}"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let handle = runtime.handle().clone();
        let (going_on, ended) = oneshot::channel::<()>();
        let thread = thread::Builder::new()
            .name(format!("lane-{number}"))
            .spawn(move || {
                // Ends when the other half is dropped. The runtime goes next, and with it whatever is under way.
                let _ = runtime.block_on(ended);
            })
            .map_err(failed)?;
        Ok(Self {
            store,
            blocking: Blocking::Inline,
            handle: Some(handle),
            load: AtomicUsize::new(0),
            thread: Mutex::new(Some(Thread { going_on, thread })),
        })
    }

    /// Begins `work` at once, beside the caller.
    pub(crate) fn begin<T, F>(&self, work: F) -> Begun<T>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        Begun(match &self.handle {
            Some(handle) => handle.spawn(work),
            None => tokio::spawn(work),
        })
    }

    /// Counts something as under way here.
    pub(crate) fn count(self: &Arc<Self>) -> UnderWay {
        self.load.fetch_add(1, Ordering::Relaxed);
        UnderWay(self.clone())
    }

    fn take_thread(&self) -> Option<Thread> {
        self.thread.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Thread {
    fn tell(self) -> JoinHandle<()> {
        drop(self.going_on);
        self.thread
    }
}

impl Drop for LanesGuard {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.load.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<T> Future for Begun<T> {
    type Output = Result<T, SyncError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map(|ended| match ended {
            Ok(value) => Ok(value),
            Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
            Err(error) => Err(SyncError::Internal(error.to_string())),
        })
    }
}

impl<T> Drop for Begun<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
