//! How many requests are on their way at once: as many as the store takes gladly.
//!
//! - What the store says decides: a refusal halves the number, slowness lowers it a little, success raises it.
//! - Requests go in the order in which they came, whatever runtime they run on.
//! - It never stops a request for good: a few may always be on their way, and where none of those moves for long,
//!   one more goes. It is there for the store's comfort; nothing that must be right rests on it.

mod latency;
mod window;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

use self::window::Window;

/// Where nothing happens for so long, those on their way may wait for the one that waits here.
const STUCK: Duration = Duration::from_secs(60);

/// The door that every request goes through. Shared by all runtimes that speak to one store.
#[derive(Debug)]
pub struct Gate {
    /// As many permits as requests may go, less those that are on their way.
    free: Arc<Semaphore>,
    /// How many permits there are too many: the next that come back are not given out again.
    surplus: AtomicUsize,
    /// Counts what happens: replies, and requests that come and go.
    events: AtomicUsize,
    window: Mutex<Window>,
}

/// How long a request took whose reply says how busy the store is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Took {
    /// A small one that changed nothing.
    Read(Duration),
    /// A small one that changed something.
    Write(Duration),
    /// One of which it says nothing: it was long, or had to wait, or gave the store much to do.
    Other,
}

/// A request on its way; its place is free again when this is dropped.
#[derive(Debug)]
pub struct Permit {
    gate: Arc<Gate>,
    place: Option<OwnedSemaphorePermit>,
}

impl Gate {
    /// Returns a gate for a store that nothing is known of.
    pub fn new() -> Arc<Self> {
        let window = Window::default();
        let free = Arc::new(Semaphore::new(window.size()));
        let (surplus, events) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Arc::new(Self { free, surplus, events, window: Mutex::new(window) })
    }

    /// Waits until one more request may go.
    ///
    /// Whoever holds a permit should not wait for another one: the last ones could then wait for each other.
    pub async fn enter(self: &Arc<Self>) -> Permit {
        let place = match Arc::clone(&self.free).try_acquire_owned() {
            Ok(place) => Some(place),
            Err(_) => self.wait().await,
        };
        self.happened();
        Permit { gate: Arc::clone(self), place }
    }

    /// Waits for a place; returns none if nothing happens any more.
    async fn wait(&self) -> Option<OwnedSemaphorePermit> {
        let place = Arc::clone(&self.free).acquire_owned();
        tokio::pin!(place);
        loop {
            let before = self.events.load(Ordering::Relaxed);
            match timeout(STUCK, &mut place).await {
                // It is never closed; if it were, requests would go without a limit, and nothing else would differ.
                Ok(place) => return place.ok(),
                Err(_) if self.events.load(Ordering::Relaxed) == before => {
                    tracing::info!("no request has moved for a minute; one more is sent");
                    return None;
                }
                Err(_) => {}
            }
        }
    }

    fn happened(&self) {
        self.events.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns how many requests may be on their way.
    pub fn size(&self) -> usize {
        self.window().size()
    }

    /// Learns that the store answered a request sent at `sent`.
    pub fn answered(&self, sent: Instant, took: Took) {
        self.happened();
        let mut window = self.window();
        let before = window.size();
        let is_full = self.free.available_permits() * 2 <= before;
        window.answered(sent, Instant::now(), took, is_full);
        self.resize(before, window.size());
    }

    /// Learns that the store refused a request sent at `sent`: slower, please.
    pub fn refused(&self, sent: Instant) {
        self.happened();
        let mut window = self.window();
        let before = window.size();
        window.refused(sent, Instant::now());
        self.resize(before, window.size());
        if window.size() < before {
            tracing::debug!(before, now = window.size(), "the store asks to slow down");
        }
    }

    /// Returns for how long the store has refused everything; zero if the last word was an answer.
    pub fn refused_for(&self) -> Duration {
        self.window().refused_for(Instant::now())
    }

    fn window(&self) -> MutexGuard<'_, Window> {
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the number of permits follow the window. Called under its lock.
    fn resize(&self, before: usize, now: usize) {
        if now < before {
            let gone = self.free.forget_permits(before - now);
            self.surplus.fetch_add(before - now - gone, Ordering::Relaxed);
        }
        for _ in before..now {
            if !self.forgives() {
                self.free.add_permits(1);
            }
        }
    }

    /// Takes one off the surplus, if there is any.
    fn forgives(&self) -> bool {
        self.surplus
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |surplus| surplus.checked_sub(1))
            .is_ok()
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.gate.happened();
        if let Some(place) = self.place.take()
            && self.gate.forgives()
        {
            place.forget();
        }
    }
}

#[cfg(test)]
mod tests;
