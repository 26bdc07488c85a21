//! Whether a request still moves.
//!
//! - Only silence ends a request: a body may take as long as it takes.
//! - What the system has taken over may still be on its way: a silence is allowed that it may take to leave through
//!   the slowest link that is let live.
//! - Requests share that link. While others move, one may have to wait for what all of them sent; when nothing moves
//!   any more, none waits for the others.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::aws::connection::Timeouts;

/// How much the system holds of a connection whose link is slow, at most. (Its buffers grow with what the link takes.)
const BUFFERED: u64 = 512 << 10;

/// How much it holds of all of them, as far as one of them waits for it.
const BUFFERED_OF_ALL: u64 = 4 << 20;

/// What all requests tell each other of the link.
#[derive(Debug)]
pub(super) struct Link(Mutex<Shared>);

#[derive(Debug)]
struct Shared {
    /// When any of them was last seen to move.
    moved: Instant,
    /// How much the system may hold of all of them.
    held: u64,
}

impl Link {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(Shared { moved: Instant::now(), held: 0 })))
    }

    /// Notes that something moved.
    pub(super) fn moves(&self, now: Instant) {
        let mut shared = self.shared();
        shared.moved = shared.moved.max(now);
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

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

    /// Returns how long these bytes may take to leave the system.
    fn draining(&self, held: u64) -> Duration {
        Duration::from_millis(held * 1000 / self.slowest)
    }
}

/// How far a request is. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Progress(Arc<Request>);

/// One request; what the system held of it is gone when this is dropped.
#[derive(Debug)]
struct Request {
    link: Arc<Link>,
    state: Mutex<State>,
}

#[derive(Clone, Copy, Debug)]
struct State {
    phase: Phase,
    /// When it was last seen to move.
    since: Instant,
    /// How much of the body the system may hold.
    held: u64,
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
    pub(super) fn sending(link: &Arc<Link>, now: Instant) -> Self {
        Self::new(link, State { phase: Phase::Sending, since: now, held: 0 })
    }

    /// Returns that of a request that counts as sent, its body of `length` as well.
    pub(super) fn sent(link: &Arc<Link>, now: Instant, length: u64) -> Self {
        let progress = Self::sending(link, now);
        progress.hands(length, true);
        progress
    }

    fn new(link: &Arc<Link>, state: State) -> Self {
        Self(Arc::new(Request { link: Arc::clone(link), state: Mutex::new(state) }))
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
        let now = Instant::now();
        let more = {
            let mut state = self.state();
            state.phase = if is_last { Phase::Sent } else { Phase::Sending };
            state.since = now;
            let more = bytes.min(BUFFERED - state.held);
            state.held += more;
            more
        };
        let mut shared = self.0.link.shared();
        shared.moved = shared.moved.max(now);
        shared.held += more;
    }

    /// Ends when nothing has moved for longer than `patience` bears.
    pub(super) async fn stalls(&self, patience: &Patience) {
        loop {
            let now = Instant::now();
            let State { phase, since, held } = *self.state();
            let borne = match phase {
                // Its own turn is no silence of the network: looked at again later.
                Phase::Waiting => {
                    sleep_until(now + patience.stall).await;
                    continue;
                }
                Phase::Sending => patience.stall,
                Phase::Sent => patience.reply,
            };
            let (moved, of_all) = {
                let shared = self.0.link.shared();
                (shared.moved.max(since), shared.held.min(BUFFERED_OF_ALL).max(held))
            };
            let dead = moved + borne + patience.draining(held);
            let stuck = since + borne + patience.draining(of_all);
            let end = dead.min(stuck);
            if end <= now {
                return;
            }
            sleep_until(end).await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        let held = self.state.get_mut().unwrap_or_else(PoisonError::into_inner).held;
        self.link.shared().held -= held;
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
        let progress = Progress::sending(&Link::new(), start);
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

    /// Returns after how many whole seconds a request is given up that was sent, while others send or do not.
    async fn given_up_beside(sent_by_others: u64, they_move_for: u64) -> u64 {
        let link = Link::new();
        let start = Instant::now();
        let progress = Progress::sent(&link, start, 16 << 10);
        let others: Vec<Progress> =
            (0..16).map(|_| Progress::sent(&link, start, sent_by_others / 16)).collect();
        let moving = Arc::clone(&link);
        tokio::spawn(async move {
            for _ in 0..they_move_for {
                tokio::time::sleep(Duration::from_secs(1)).await;
                moving.moves(Instant::now());
            }
        });
        progress.stalls(&PATIENCE).await;
        drop((progress, others));
        assert_eq!(link.shared().held, 0, "what is over holds nothing");
        start.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_waits_for_what_others_sent_through_the_same_link() {
        // A second for its own, and 64 for theirs.
        assert_eq!(given_up_beside(1 << 20, 3600).await, 60 + 1 + 64);
        assert_eq!(given_up_beside(64 << 20, 3600).await, 60 + 256);
    }

    #[tokio::test(start_paused = true)]
    async fn where_nothing_moves_nobody_waits_for_others() {
        assert_eq!(given_up_beside(1 << 20, 0).await, 60 + 1);
        assert_eq!(given_up_beside(64 << 20, 30).await, 30 + 60 + 1);
    }
}
