//! Connections that only read, lent to one lookup at a time. Decides where a lookup runs; never changes
//! anything.
//!
//! - A lookup of a few rows runs where it is asked for: handing it to another thread and back costs more
//!   than the lookup, and its pages are in memory but for the first time.
//! - One that may read many rows runs off the async threads.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use crate::data_folder::DataFolder;
use crate::storage::{Blobs, Storage, StorageError, schema};

/// The most long lookups at a time: each needs a connection, and each connection keeps a cache of its own.
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
        // One transaction, so that several statements see one state.
        connection.prepare_cached("BEGIN")?.execute([])?;
        let found = look(&connection);
        // A connection that can't leave its old state must not be lent again; dropping it closes it.
        connection.prepare_cached("COMMIT")?.execute([])?;
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        found
    }
}

impl Storage {
    /// Runs a lookup of a few rows on one committed state of the index.
    pub(super) fn look<T>(
        &self,
        look: impl FnOnce(&Connection) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        self.readers.pool.run(look)
    }

    /// As [`look`](Self::look), while no blob that the lookup finds can be removed.
    pub(super) fn look_and_pin<T>(
        &self,
        look: impl FnOnce(&Connection, &Arc<Blobs>) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        let pool = &self.readers.pool;
        let _held = pool.blobs.hold();
        pool.run(|connection| look(connection, &pool.blobs))
    }

    /// Runs a lookup that may read many rows, off the async threads.
    pub(super) async fn look_through<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Connection) -> Result<T, StorageError> + Send + 'static,
    ) -> Result<T, StorageError> {
        let _turn = self.readers.turns.acquire().await.map_err(|_| StorageError::Stopped)?;
        let pool = Arc::clone(&self.readers.pool);
        tokio::task::spawn_blocking(move || pool.run(look)).await.map_err(|_| StorageError::Stopped)?
    }
}
