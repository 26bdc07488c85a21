//! How much memory large uploads may hold at a time, whatever their number and the length of their files.
//!
//! - A piece is counted from before it is read until it was sent.
//! - One that is longer than everything there is takes everything, and so goes alone.

use tokio::sync::{Semaphore, SemaphorePermit};

const MIB: u64 = 1 << 20;
/// What all transfers may hold, in MiB.
const ALL: u32 = 128;
/// What one file may hold, in MiB.
const ONE_FILE: u32 = 96;
/// How many pieces of one file are under way at most.
const PIECES: usize = 8;

/// One for the whole process: that is whose memory it is.
static MEMORY: Semaphore = Semaphore::const_new(ALL as usize);

/// The right to hold one piece; given back when dropped.
pub(crate) struct Held {
    _permit: SemaphorePermit<'static>,
}

/// Waits until `bytes` more may be held.
///
/// Only for whoever holds nothing yet: two that wait for what the other holds would wait for ever.
pub(crate) async fn hold(bytes: u64) -> Held {
    match MEMORY.acquire_many(units(bytes)).await {
        Ok(permit) => Held { _permit: permit },
        Err(_) => unreachable!("the budget is never closed"),
    }
}

/// Returns the right to hold `bytes` more if they may be held now.
pub(crate) fn try_hold(bytes: u64) -> Option<Held> {
    MEMORY.try_acquire_many(units(bytes)).ok().map(|permit| Held { _permit: permit })
}

fn units(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(MIB)).unwrap_or(ALL).min(ALL)
}

/// Returns how many pieces of `bytes` of one file may be under way at a time; a piece that the store copies has none.
pub(crate) fn pieces_of(bytes: u64) -> usize {
    let fitting = (u64::from(ONE_FILE) * MIB).checked_div(bytes).unwrap_or(u64::MAX);
    usize::try_from(fitting).unwrap_or(PIECES).clamp(1, PIECES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_holds_no_more_than_its_share() {
        assert_eq!([0, 1, 8, 16, 32, 96, 5000].map(|mib| pieces_of(mib * MIB)), [8, 8, 8, 6, 3, 1, 1]);
    }
}
