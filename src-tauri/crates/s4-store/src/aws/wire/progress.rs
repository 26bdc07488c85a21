//! Whether a request still moves.
//!
//! - Only silence ends a request: a body may take as long as it takes.
//! - What the system has taken over may still be on its way: a silence is allowed that it may take to leave through
//!   the slowest link that is let live.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::aws::connection::Timeouts;

/// How much the system holds of a connection whose link is slow, at most. (Its buffers grow with what the link takes.)
const BUFFERED: u64 = 512 << 10;

/// How long silence is borne.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// After the body.
    pub(super) reply: Duration,
    /// Within the body.
    pub(super) stall: Duration,
    /// The slowest link that is let live, in bytes per second.
    pub(super) slowest: u64,
}

impl Patience {
    pub(super) fn of(timeouts: &Timeouts) -> Self {
        Self { reply: timeouts.reply, stall: timeouts.stall, slowest: timeouts.slowest_upload.max(1) }
    }

    /// Returns how long what was handed to the system may take to leave it.
    fn draining(&self, handed: u64) -> Duration {
        Duration::from_millis(handed.min(BUFFERED) * 1000 / self.slowest)
    }
}

/// How far a request is. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Progress(Arc<Mutex<State>>);

#[derive(Clone, Copy, Debug)]
struct State {
    phase: Phase,
    /// When it was last seen to move.
    since: Instant,
    /// How much of the body the system has taken.
    handed: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The body waits for its turn under a limit.
    Waiting,
    /// The network is to take the next piece.
    Sending,
    /// The body has gone; the reply is to come.
    Sent,
}

impl Progress {
    /// Returns that of a request whose body is to be sent from `now` on.
    pub(super) fn sending(now: Instant) -> Self {
        Self::new(State { phase: Phase::Sending, since: now, handed: 0 })
    }

    /// Returns that of a request that counts as sent, its body of `length` as well.
    pub(super) fn sent(now: Instant, length: u64) -> Self {
        Self::new(State { phase: Phase::Sent, since: now, handed: length })
    }

    fn new(state: State) -> Self {
        Self(Arc::new(Mutex::new(state)))
    }

    pub(super) fn is_sent(&self) -> bool {
        self.state().phase == Phase::Sent
    }

    /// Notes that the body waits for its turn.
    pub(super) fn waits(&self) {
        self.state().phase = Phase::Waiting;
    }

    /// Notes that the turn has come, and that the network takes `bytes`.
    pub(super) fn hands(&self, bytes: u64, is_last: bool) {
        let mut state = self.state();
        state.phase = if is_last { Phase::Sent } else { Phase::Sending };
        state.since = Instant::now();
        state.handed = state.handed.saturating_add(bytes);
    }

    /// Ends when nothing has moved for longer than `patience` bears.
    pub(super) async fn stalls(&self, patience: &Patience) {
        loop {
            let now = Instant::now();
            let State { phase, since, handed } = *self.state();
            let end = match phase {
                // Its own turn is no silence of the network: looked at again later.
                Phase::Waiting => now + patience.stall,
                Phase::Sending => since + patience.stall + patience.draining(handed),
                Phase::Sent => since + patience.reply + patience.draining(handed),
            };
            if end <= now {
                return;
            }
            sleep_until(end).await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience =
        Patience { reply: Duration::from_secs(60), stall: Duration::from_secs(30), slowest: 16 << 10 };

    /// What a request does, after so many seconds.
    type Step = (u64, fn(&Progress));

    /// Returns after how many whole seconds a request is given up that takes these steps.
    async fn given_up(steps: &[Step]) -> u64 {
        let start = Instant::now();
        let progress = Progress::sending(start);
        let watched = progress.clone();
        let end = tokio::spawn(async move {
            watched.stalls(&PATIENCE).await;
            Instant::now()
        });
        for (seconds, step) in steps {
            tokio::time::sleep(Duration::from_secs(*seconds)).await;
            assert!(!end.is_finished(), "it moved");
            step(&progress);
        }
        (end.await.unwrap() - start).as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn what_never_moves_is_given_up() {
        assert_eq!(given_up(&[]).await, 30);
    }

    #[tokio::test(start_paused = true)]
    async fn each_move_gives_new_time() {
        let piece: fn(&Progress) = |progress| progress.hands(16 << 10, false);
        // A second each for what may still be in the buffers, 32 at most.
        assert_eq!(given_up(&[(29, piece), (29, piece), (29, piece)]).await, 87 + 30 + 3);
        assert_eq!(given_up(&[(20, piece); 300]).await, 6000 + 30 + 32);
    }

    #[tokio::test(start_paused = true)]
    async fn a_limit_is_no_stall() {
        let waits: fn(&Progress) = Progress::waits;
        let hands: fn(&Progress) = |progress| progress.hands(0, false);
        assert_eq!(given_up(&[(1, waits), (3600, hands)]).await, 3601 + 30);
    }

    #[tokio::test(start_paused = true)]
    async fn a_reply_has_its_own_time() {
        let last: fn(&Progress) = |progress| progress.hands(0, true);
        assert_eq!(given_up(&[(10, last)]).await, 70);
    }
}
