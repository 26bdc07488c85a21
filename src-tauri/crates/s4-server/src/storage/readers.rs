//! Connections that only read, lent to one lookup at a time. Never changes anything.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use crate::data_folder::DataFolder;
use crate::storage::{Blobs, Storage, StorageError, schema};

/// The most lookups at a time, and so the most connections: each keeps a cache of its own.
const LIMIT: usize = 16;

/// The connections not in use at the moment.
pub(crate) struct Readers {
    pool: Arc<Pool>,
    turns: Semaphore,
}

struct Pool {
    folder: PathBuf,
    idle: Mutex<Vec<Connection>>,
    blobs: Arc<Blobs>,
}

impl Readers {
    pub(crate) fn new(folder: &DataFolder, blobs: Arc<Blobs>) -> Self {
        let pool = Pool { folder: folder.path().to_owned(), idle: Mutex::default(), blobs };
        Self { pool: Arc::new(pool), turns: Semaphore::new(LIMIT) }
    }
}

impl Pool {
    fn run<T>(&self, look: impl FnOnce(&Connection) -> Result<T, StorageError>) -> Result<T, StorageError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => schema::open_reader(&self.folder)?,
        };
        let found = {
            // One transaction, so that several statements see one state.
            let transaction = connection.unchecked_transaction()?;
            look(&transaction)
        };
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        found
    }
}

impl Storage {
    /// Runs a lookup on one committed state of the index, off the async threads.
    pub(super) async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Connection) -> Result<T, StorageError> + Send + 'static,
    ) -> Result<T, StorageError> {
        let _turn = self.readers.turns.acquire().await.map_err(|_| StorageError::Stopped)?;
        let pool = Arc::clone(&self.readers.pool);
        tokio::task::spawn_blocking(move || pool.run(look)).await.map_err(|_| StorageError::Stopped)?
    }

    /// As [`look`](Self::look), while no blob that the lookup finds can be removed.
    pub(super) async fn look_and_pin<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Connection, &Arc<Blobs>) -> Result<T, StorageError> + Send + 'static,
    ) -> Result<T, StorageError> {
        let _turn = self.readers.turns.acquire().await.map_err(|_| StorageError::Stopped)?;
        let pool = Arc::clone(&self.readers.pool);
        let run = move || {
            let _held = pool.blobs.hold();
            pool.run(|connection| look(connection, &pool.blobs))
        };
        tokio::task::spawn_blocking(run).await.map_err(|_| StorageError::Stopped)?
    }
}
