//! The one thread that changes the index. Decides what shares a transaction, never what a change is.
//!
//! - All changes waiting when the thread gets free share one transaction and its flush; each still
//!   succeeds or fails by itself.
//! - A change is answered only after its transaction was flushed.
//! - A new blob is kept exactly if its change was committed. Where that can't be known (the commit itself
//!   failed), it stays for the next start to sort out.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior};
use tokio::sync::oneshot;

use crate::moment::Moment;
use crate::storage::blobs::{BlobId, NewBlob};
use crate::storage::{Blobs, Storage, StorageError};

/// Changes that may share a transaction: more would only delay the first one's answer.
const GROUP_LIMIT: usize = 512;

/// The thread, and the queue to it. Dropping it ends the thread after the changes queued so far.
pub(crate) struct Writer {
    queue: Mutex<Option<mpsc::Sender<Box<dyn Job>>>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(crate) fn start(connection: Connection, blobs: Arc<Blobs>) -> Result<Self, StorageError> {
        let last: i64 = connection.query_row(
            "SELECT max(coalesce((SELECT max(id) FROM version), 0), coalesce((SELECT max(owner) FROM part), 0))",
            [],
            |row| row.get(0),
        )?;
        let (sender, queue) = mpsc::channel();
        let mut state = Thread { connection, blobs, last, queue };
        let thread = std::thread::Builder::new().name("s4-index".to_owned()).spawn(move || state.run())?;
        Ok(Self { queue: Mutex::new(Some(sender)), thread: Some(thread) })
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        if let Some(thread) = self.thread.take() {
            // The thread only ends early by a panic, which has been reported by then.
            let _ = thread.join();
        }
    }
}

impl Storage {
    /// Queues a change and waits until it is durable or refused. `contents` are the new blobs it refers to.
    ///
    /// Dropping the future does not take the change back: it may still happen, but only as a whole.
    pub(super) async fn change<T: Send + 'static>(
        &self,
        contents: Vec<NewBlob>,
        work: impl FnOnce(&mut Change<'_>) -> Result<T, StorageError> + Send + 'static,
    ) -> Result<T, StorageError> {
        let (reply, answer) = oneshot::channel();
        let job = Request { contents, work: Some(work), outcome: None, reply };
        let queue = self.writer.queue.lock().unwrap_or_else(PoisonError::into_inner).clone();
        queue.ok_or(StorageError::Stopped)?.send(Box::new(job)).map_err(|_| StorageError::Stopped)?;
        answer.await.map_err(|_| StorageError::Stopped)?
    }
}

/// What a change works with: the transaction it is part of.
pub(crate) struct Change<'a> {
    pub(crate) connection: &'a Connection,
    /// The time of the transaction.
    pub(crate) now: Moment,
    last: &'a mut i64,
    freed: Vec<BlobId>,
}

impl Change<'_> {
    /// Returns an id for a version or part, larger than all before.
    pub(crate) fn next_id(&mut self) -> i64 {
        *self.last += 1;
        *self.last
    }

    /// Notes blobs that lost a reference. They are removed after the commit, if none is left.
    pub(crate) fn free(&mut self, blobs: impl IntoIterator<Item = BlobId>) {
        self.freed.extend(blobs);
    }
}

trait Job: Send {
    /// Makes the change; tells whether it is to stay.
    fn apply(&mut self, change: &mut Change<'_>) -> Applied;
    fn has_new_blobs(&self) -> bool;
    /// Answers the request, with the reason if the transaction could not be committed.
    fn answer(self: Box<Self>, committed: Result<(), &str>);
}

enum Applied {
    Stays,
    Refused,
}

struct Request<T, W> {
    contents: Vec<NewBlob>,
    work: Option<W>,
    outcome: Option<Result<T, StorageError>>,
    reply: oneshot::Sender<Result<T, StorageError>>,
}

impl<T, W> Job for Request<T, W>
where
    T: Send,
    W: FnOnce(&mut Change<'_>) -> Result<T, StorageError> + Send,
{
    fn apply(&mut self, change: &mut Change<'_>) -> Applied {
        let outcome = match self.work.take() {
            Some(work) => work(change),
            None => Err(StorageError::Stopped),
        };
        let applied = if outcome.is_ok() { Applied::Stays } else { Applied::Refused };
        self.outcome = Some(outcome);
        applied
    }

    fn has_new_blobs(&self) -> bool {
        !self.contents.is_empty()
    }

    fn answer(self: Box<Self>, committed: Result<(), &str>) {
        let outcome = match (self.outcome, committed) {
            (Some(Ok(value)), Ok(())) => {
                self.contents.into_iter().for_each(NewBlob::keep);
                Ok(value)
            }
            (Some(Ok(_)) | None, Err(reason)) => {
                self.contents.into_iter().for_each(NewBlob::keep);
                Err(StorageError::NotCommitted(reason.to_owned()))
            }
            (Some(Err(error)), _) => {
                // Gone before the answer: who is refused leaves nothing behind.
                drop(self.contents);
                Err(error)
            }
            (None, Ok(())) => Err(StorageError::Stopped),
        };
        // Nobody may be waiting any more; the change stands all the same.
        let _ = self.reply.send(outcome);
    }
}

struct Thread {
    connection: Connection,
    blobs: Arc<Blobs>,
    last: i64,
    queue: mpsc::Receiver<Box<dyn Job>>,
}

impl Thread {
    fn run(&mut self) {
        while let Ok(first) = self.queue.recv() {
            let mut group = vec![first];
            while group.len() < GROUP_LIMIT {
                match self.queue.try_recv() {
                    Ok(next) => group.push(next),
                    Err(_) => break,
                }
            }
            let outcome = self.commit(&mut group);
            match outcome {
                Ok(freed) => {
                    for job in group {
                        job.answer(Ok(()));
                    }
                    self.blobs.release(&freed);
                }
                Err(error) => {
                    tracing::error!(%error, "a transaction failed");
                    let reason = error.to_string();
                    for job in group {
                        job.answer(Err(&reason));
                    }
                }
            }
        }
    }

    /// Makes the changes in one transaction; returns the blobs that nothing refers to any more.
    fn commit(&mut self, group: &mut [Box<dyn Job>]) -> Result<Vec<BlobId>, StorageError> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let now = Moment::now();
        let mut freed = HashSet::new();
        let mut has_new_blobs = false;
        for job in group {
            transaction.prepare_cached("SAVEPOINT request")?.execute([])?;
            let mut change =
                Change { connection: &transaction, now, last: &mut self.last, freed: Vec::new() };
            match job.apply(&mut change) {
                Applied::Stays => {
                    freed.extend(change.freed);
                    has_new_blobs |= job.has_new_blobs();
                }
                Applied::Refused => {
                    transaction.prepare_cached("ROLLBACK TO request")?.execute([])?;
                }
            }
            transaction.prepare_cached("RELEASE request")?.execute([])?;
        }
        let mut unused = Vec::new();
        {
            let mut referred = transaction.prepare_cached("SELECT 1 FROM segment WHERE blob = ? LIMIT 1")?;
            for blob in freed {
                if referred.query_row([blob], |_| Ok(())).optional()?.is_none() {
                    unused.push(blob);
                }
            }
        }
        if has_new_blobs {
            // The index must never name a file that a power cut could take away.
            self.blobs.sync_names()?;
        }
        transaction.commit()?;
        Ok(unused)
    }
}
