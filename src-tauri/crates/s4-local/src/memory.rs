//! A disk in memory, for tests and simulations: nothing about it is left to chance.
//!
//! - Ids, stamps and traits are under the test's control; the same calls give the same disk.
//! - It keeps two states: what programs see, and what would survive a power cut. Content becomes durable by a
//!   sync of the file or of the file system, the entries of a directory by a sync of that directory or of the
//!   file system, nothing else does: [`MemoryDisk::power_cut`] drops the rest.
//! - It can stop the world before any change or at any named step: from then on every call fails with
//!   [`DiskErrorKind::Crashed`](crate::error::DiskErrorKind::Crashed), until [`MemoryDisk::reboot`] or
//!   [`MemoryDisk::power_cut`].
//! - Other programs are played by [`programs`]: they save in place or by rename, hold files open, and lie about
//!   stamps.

mod disk;
mod handle;
mod power;
pub mod programs;
mod world;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use s4_core::local::FileId;
use s4_core::path::DiskPath;
use s4_core::traits::DiskTraits;

use world::World;

/// What a test does at a named step.
type Hook = Arc<dyn Fn(&'static str) + Send + Sync>;

/// A disk in memory. Cloning shares it.
#[derive(Clone)]
pub struct MemoryDisk {
    world: Arc<Mutex<World>>,
    hook: Arc<Mutex<Option<Hook>>>,
    race: Arc<Mutex<Option<Race>>>,
}

/// What another program does, and before which call.
struct Race {
    calls_left: u64,
    act: Box<dyn FnOnce() + Send>,
}

impl MemoryDisk {
    /// Returns an empty disk with these traits.
    pub fn new(traits: DiskTraits) -> Self {
        Self { world: Arc::new(Mutex::new(World::new(traits))), hook: Arc::default(), race: Arc::default() }
    }

    /// Sets the clock, in nanoseconds since the epoch.
    pub fn set_clock(&self, now_ns: i64) {
        self.world().clock_ns = now_ns;
    }

    /// Sets how far the clock moves with every change; 0 makes many changes share one stamp.
    pub fn set_tick(&self, tick_ns: i64) {
        self.world().tick_ns = tick_ns;
    }

    /// Sets to what stamps are rounded down: 1 ns at first, 2 s for the stamps of FAT.
    pub fn set_resolution(&self, resolution_ns: i64) {
        self.world().resolution_ns = resolution_ns.max(1);
    }

    /// Gives new files the ids of files that are gone, the last first, as ext4 does.
    pub fn reuse_ids(&self) {
        self.world().reuses_ids = true;
    }

    /// Gives what stands at `path` another file id, as a remount of FAT does.
    pub fn set_file_id(&self, path: &DiskPath, id: FileId) {
        let mut world = self.world();
        if let Ok(found) = world.find(path) {
            world.inode_mut(found).file_id = id;
        }
    }

    /// Sets the bytes that may still be written; without it there is no end.
    pub fn set_free_space(&self, bytes: u64) {
        self.world().free_space = bytes;
    }

    /// Mounts another file system over the directory at `path`, with what it holds.
    pub fn mount(&self, path: &DiskPath) {
        let mut world = self.world();
        if let Ok(found) = world.find(path) {
            world.mount(found);
        }
    }

    /// Takes the root away (`true`) or puts it back.
    pub fn set_root_missing(&self, is_missing: bool) {
        self.world().is_root_missing = is_missing;
    }

    /// Calls `hook` at every named step, outside of all locks: it may change the disk, or make it crash.
    pub fn on_step(&self, hook: impl Fn(&'static str) + Send + Sync + 'static) {
        *lock(&self.hook) = Some(Arc::new(hook));
    }

    /// Removes the hook of [`MemoryDisk::on_step`].
    pub fn no_hook(&self) {
        *lock(&self.hook) = None;
    }

    /// Lets `calls` more calls of [`Disk`](crate::disk::Disk) methods happen, and runs `act` before the next: what
    /// another program does in just that moment.
    pub fn race_after(&self, calls: u64, act: impl FnOnce() + Send + 'static) {
        *lock(&self.race) = Some(Race { calls_left: calls, act: Box::new(act) });
    }

    /// Returns whether the race of [`MemoryDisk::race_after`] is still to come, and calls it off.
    pub fn call_off_race(&self) -> bool {
        lock(&self.race).take().is_some()
    }

    /// Lets the other program act if its moment has come; never under a lock.
    pub(super) fn before_call(&self) {
        let mut race = lock(&self.race);
        match race.as_mut() {
            Some(next) if next.calls_left > 0 => next.calls_left -= 1,
            Some(_) | None => {
                let due = race.take();
                drop(race);
                if let Some(due) = due {
                    (due.act)();
                }
            }
        }
    }

    /// Lets `changes` more changes happen, and stops the world before the next.
    pub fn crash_after(&self, changes: u64) {
        let mut world = self.world();
        world.crash_at = Some(world.changes + changes);
    }

    /// Lets `changes` more changes happen, and then makes everything durable once, as a journal that commits in
    /// between.
    pub fn settle_after(&self, changes: u64) {
        let mut world = self.world();
        world.settle_at = Some(world.changes + changes);
    }

    /// Stops the world now.
    pub fn crash(&self) {
        self.world().is_crashed = true;
    }

    /// Returns whether the world stands still.
    pub fn is_crashed(&self) -> bool {
        self.world().is_crashed
    }

    /// Returns how many changes were made so far, syncs among them.
    pub fn changes(&self) -> u64 {
        self.world().changes
    }

    /// Starts again after a crash of the program: everything written is there. Held files are closed.
    pub fn reboot(&self) {
        let mut world = self.world();
        world.is_crashed = false;
        world.crash_at = None;
    }

    /// Starts again after a power cut: only what was synced is there.
    pub fn power_cut(&self) {
        self.reboot();
        self.world().power_cut();
    }

    /// Makes everything durable, as time would.
    pub fn settle(&self) {
        self.world().settle();
    }

    fn world(&self) -> MutexGuard<'_, World> {
        lock(&self.world)
    }

    fn hook(&self) -> Option<Hook> {
        lock(&self.hook).clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
