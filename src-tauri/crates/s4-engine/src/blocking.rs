//! Where calls that block are made: on threads of their own, or, under simulation, right here.

use std::panic::resume_unwind;

use crate::error::SyncError;

/// Where blocking calls are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blocking {
    /// On the runtime's pool of blocking threads.
    Pool,
    /// On the calling thread, so that a simulation on one thread is deterministic.
    Inline,
}

impl Blocking {
    /// Runs `work` and returns what it returns.
    ///
    /// If the future is dropped, work on the pool goes on to its end.
    pub(crate) async fn run<T, F>(self, work: F) -> Result<T, SyncError>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        match self {
            Blocking::Inline => Ok(work()),
            Blocking::Pool => match tokio::task::spawn_blocking(work).await {
                Ok(value) => Ok(value),
                Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
                Err(error) => Err(SyncError::Internal(error.to_string())),
            },
        }
    }
}
