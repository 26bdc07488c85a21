//! The thread that talks to the keyring, and the patience of those who wait for it.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, RecvTimeoutError, Sender},
    },
    thread,
    time::Duration,
};

use super::vault::Vault;

type Work = Box<dyn FnOnce(&dyn Vault) + Send>;

/// One thread, started with the first request and ended with the last owner.
pub(super) struct Worker {
    vault: Arc<Mutex<Box<dyn Vault>>>,
    queue: Mutex<Option<Sender<Work>>>,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gone {
    TimedOut,
    Panicked,
}

impl Worker {
    pub(super) fn new(vault: impl Vault) -> Self {
        Self { vault: Arc::new(Mutex::new(Box::new(vault))), queue: Mutex::new(None) }
    }

    /// Lets `work` run on the worker's thread and returns its answer, or gives up after `patience`.
    ///
    /// Work that was given up before its turn is never begun. Work that had begun goes on by itself.
    pub(super) fn ask<T: Send + 'static>(
        &self,
        patience: Duration,
        work: impl FnOnce(&dyn Vault) -> T + Send + 'static,
    ) -> Result<T, Gone> {
        let (reply, answer) = mpsc::sync_channel(1);
        let is_given_up = Arc::new(AtomicBool::new(false));
        let is_unwanted = Arc::clone(&is_given_up);
        self.send(Box::new(move |vault| {
            if !is_unwanted.load(Ordering::Acquire) {
                // Nobody waits any more if this fails.
                drop(reply.send(work(vault)));
            }
        }));
        answer.recv_timeout(patience).map_err(|error| match error {
            RecvTimeoutError::Timeout => {
                is_given_up.store(true, Ordering::Release);
                Gone::TimedOut
            }
            RecvTimeoutError::Disconnected => Gone::Panicked,
        })
    }

    fn send(&self, work: Work) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let unsent = match queue.as_ref() {
            Some(sender) => sender.send(work).err().map(|unsent| unsent.0),
            None => Some(work),
        };
        // There is no thread yet, or the last one died of a panic in a library.
        if let Some(work) = unsent {
            let sender = self.start();
            // Should this fail the work is dropped, and its owner sees the answer's channel closed.
            drop(sender.send(work));
            *queue = Some(sender);
        }
    }

    fn start(&self) -> Sender<Work> {
        let (sender, queue) = mpsc::channel::<Work>();
        let vault = Arc::clone(&self.vault);
        let run = move || {
            for work in queue {
                work(vault.lock().unwrap_or_else(PoisonError::into_inner).as_ref());
            }
        };
        if let Err(error) = thread::Builder::new().name("s4-keyring".to_owned()).spawn(run) {
            tracing::warn!(%error, "no thread for the keyring");
        }
        sender
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").finish_non_exhaustive()
    }
}
