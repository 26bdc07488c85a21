//! Work that takes long and waits for no network: hashing a large file, flushing it.
//!
//! A lane reads and writes files itself, because handing over costs more than a small file does. A piece of a large one
//! would hold up everything else that moves on the lane meanwhile, so it goes to a thread beside it.

use std::sync::Arc;

use crate::blocking::Blocking;
use crate::session::{Session, StepResult, Stop};

/// Runs `work` where it holds up no lane. Where there are no lanes to be held up, it is run as everything else.
///
/// If the future is dropped, the work goes on to its end.
pub(crate) async fn aside<T, E, F>(session: &Arc<Session>, work: F) -> StepResult<T>
where
    T: Send + 'static,
    E: Send + 'static,
    Stop: From<E>,
    F: FnOnce(&Session) -> Result<T, E> + Send + 'static,
{
    let blocking = if session.lanes.are_threads() { Blocking::Pool } else { session.blocking };
    let session = session.clone();
    blocking.run(move || work(&session)).await.map_err(Stop::Whole)?.map_err(Stop::from)
}
