//! A disk that fails where a test wants it to, around any other.
//!
//! - A [`Fault`] fails chosen operations on chosen paths, a number of times; a seed fails any operation by chance,
//!   the same ones for the same seed and the same calls.
//! - A fault comes before the operation, or after it: the change was made and the caller is told otherwise, as some
//!   network file systems do.
//! - [`FaultyDisk::on_step`] runs a test's code at every named step, for races on a real disk.

mod handle;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use s4_core::path::DiskPath;
use s4_core::traits::DiskTraits;

use crate::disk::{DirItem, Disk, DiskResult, EntryName, Handle, RootState, Stat, child, root};
use crate::error::{DiskError, DiskErrorKind};
use handle::FaultyHandle;

/// An operation that can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// [`Disk::lstat`], and what [`Disk::read_dir`] says of one entry.
    Lstat,
    /// [`Disk::read_dir`]; after: midway, when some entries were visited.
    ReadDir,
    /// [`Disk::read_link`].
    ReadLink,
    /// [`Disk::open`] and [`Disk::open_for_writing`].
    Open,
    /// [`Handle::read_at`].
    Read,
    /// [`Handle::write_at`] and [`Handle::set_size`].
    Write,
    /// [`Handle::set_mtime`] and [`Handle::set_permissions`].
    SetStamps,
    /// [`Handle::sync`].
    Sync,
    /// [`Disk::create`] and [`Disk::symlink`].
    Create,
    /// [`Disk::rename`] of this path, or to it.
    Rename,
    /// [`Disk::exchange`] of this path.
    Exchange,
    /// [`Disk::link`] of this path, or to it.
    Link,
    /// [`Disk::unlink`].
    Unlink,
    /// [`Disk::make_dir`] and [`Disk::make_private_dir`].
    MakeDir,
    /// [`Disk::remove_dir`].
    RemoveDir,
    /// [`Disk::sync_dir`].
    SyncDir,
    /// [`Disk::sync_fs`].
    SyncFs,
    /// [`Disk::now`].
    Now,
}

/// When a fault comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// The operation is not made.
    Before,
    /// The operation is made, and reported as failed.
    After,
}

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What fails.
    pub operation: Operation,
    /// Where: this path, or, if it ends with `/`, everything below it.
    pub path: String,
    /// How.
    pub kind: DiskErrorKind,
    /// Before or after.
    pub when: When,
    /// How often; `u32::MAX` for always.
    pub times: u32,
}

/// Faults by chance.
struct Chance {
    state: u64,
    one_in: u64,
}

/// A disk that fails where a test wants it to.
pub struct FaultyDisk {
    inner: Arc<dyn Disk>,
    faults: Arc<Faults>,
    hook: Mutex<Option<Hook>>,
}

type Hook = Arc<dyn Fn(&'static str) + Send + Sync>;

/// What fails; shared with the handles.
#[derive(Default)]
struct Faults {
    /// Each with the number of operations that it still lets pass.
    list: Mutex<Vec<(u32, Fault)>>,
    chance: Mutex<Option<Chance>>,
}

impl FaultyDisk {
    /// Wraps a disk; nothing fails yet.
    pub fn new(inner: Arc<dyn Disk>) -> Self {
        Self { inner, faults: Arc::default(), hook: Mutex::default() }
    }

    /// Adds a fault.
    pub fn fail(&self, fault: Fault) {
        self.fail_after(0, fault);
    }

    /// Adds a fault that lets the first `skipped` operations it is for pass.
    pub fn fail_after(&self, skipped: u32, fault: Fault) {
        lock(&self.faults.list).push((skipped, fault));
    }

    /// Adds a fault that comes before the operation, always.
    pub fn always(&self, operation: Operation, path: &str, kind: DiskErrorKind) {
        self.fail(Fault { operation, path: path.to_owned(), kind, when: When::Before, times: u32::MAX });
    }

    /// Adds a fault that comes before the operation, once.
    pub fn once(&self, operation: Operation, path: &str, kind: DiskErrorKind) {
        self.fail(Fault { operation, path: path.to_owned(), kind, when: When::Before, times: 1 });
    }

    /// Fails one in `one_in` operations, chosen by `seed`.
    pub fn by_chance(&self, seed: u64, one_in: u64) {
        *lock(&self.faults.chance) = Some(Chance { state: seed | 1, one_in: one_in.max(1) });
    }

    /// Ends all faults.
    pub fn heal(&self) {
        lock(&self.faults.list).clear();
        *lock(&self.faults.chance) = None;
    }

    /// Calls `hook` at every named step.
    pub fn on_step(&self, hook: impl Fn(&'static str) + Send + Sync + 'static) {
        *lock(&self.hook) = Some(Arc::new(hook));
    }

    fn around<T>(
        &self,
        operation: Operation,
        paths: &[&DiskPath],
        step: impl FnOnce() -> DiskResult<T>,
    ) -> DiskResult<T> {
        self.faults.around(operation, paths, step)
    }

    fn handle(&self, handle: Box<dyn Handle>, path: &DiskPath) -> Box<dyn Handle> {
        Box::new(FaultyHandle { inner: handle, path: path.clone(), faults: self.faults.clone() })
    }
}

impl Faults {
    /// Makes one operation, with the faults that come before and after it.
    fn around<T>(
        &self,
        operation: Operation,
        paths: &[&DiskPath],
        step: impl FnOnce() -> DiskResult<T>,
    ) -> DiskResult<T> {
        let Some((kind, when, path)) = self.next(operation, paths) else { return step() };
        let failed = DiskError::new(kind, "work on", path, "a test made this fail");
        match when {
            When::Before => Err(failed),
            When::After => step().and(Err(failed)),
        }
    }

    /// Returns the fault for an operation, if there is one, and counts it.
    fn next<'a>(
        &self,
        operation: Operation,
        paths: &[&'a DiskPath],
    ) -> Option<(DiskErrorKind, When, &'a DiskPath)> {
        let mut list = lock(&self.list);
        for path in paths {
            for (skipped, fault) in list.iter_mut() {
                if fault.times == 0 || fault.operation != operation || !covers(&fault.path, path.as_str()) {
                    continue;
                }
                if *skipped > 0 {
                    *skipped -= 1;
                    continue;
                }
                fault.times = if fault.times == u32::MAX { u32::MAX } else { fault.times - 1 };
                return Some((fault.kind, fault.when, path));
            }
        }
        let kind = lock(&self.chance).as_mut()?.next()?;
        paths.first().map(|path| (kind, When::Before, *path))
    }
}

/// Returns whether the path of a fault is this path, or is above it.
fn covers(fault: &str, path: &str) -> bool {
    if fault.ends_with('/') { path.starts_with(fault) } else { fault == path }
}

impl Chance {
    /// Returns the kind of the next fault, if chance wants one (xorshift: the same for the same seed).
    fn next(&mut self) -> Option<DiskErrorKind> {
        const KINDS: [DiskErrorKind; 4] =
            [DiskErrorKind::Other, DiskErrorKind::NoSpace, DiskErrorKind::Busy, DiskErrorKind::Denied];
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        let drawn = self.state >> 8;
        drawn.is_multiple_of(self.one_in).then(|| KINDS[(self.state & 3) as usize])
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Disk for FaultyDisk {
    fn probe(&self, scratch: &DiskPath) -> DiskResult<DiskTraits> {
        self.inner.probe(scratch)
    }

    fn root_state(&self) -> DiskResult<RootState> {
        self.around(Operation::Lstat, &[&root()], || self.inner.root_state())
    }

    fn lstat(&self, path: &DiskPath) -> DiskResult<Option<Stat>> {
        self.around(Operation::Lstat, &[path], || self.inner.lstat(path))
    }

    fn read_dir(&self, path: &DiskPath, visit: &mut dyn FnMut(DirItem)) -> DiskResult<()> {
        self.around(Operation::ReadDir, &[path], || {
            self.inner.read_dir(path, &mut |mut item| {
                if let EntryName::Text(name) = &item.name {
                    let stat = item.stat.clone();
                    item.stat = self.around(Operation::Lstat, &[&child(path, name)], || stat);
                }
                visit(item);
            })
        })
    }

    fn read_link(&self, path: &DiskPath) -> DiskResult<Box<str>> {
        self.around(Operation::ReadLink, &[path], || self.inner.read_link(path))
    }

    fn open(&self, path: &DiskPath) -> DiskResult<Box<dyn Handle>> {
        let handle = self.around(Operation::Open, &[path], || self.inner.open(path))?;
        Ok(self.handle(handle, path))
    }

    fn open_for_writing(&self, path: &DiskPath) -> DiskResult<Box<dyn Handle>> {
        let handle = self.around(Operation::Open, &[path], || self.inner.open_for_writing(path))?;
        Ok(self.handle(handle, path))
    }

    fn create(&self, path: &DiskPath) -> DiskResult<Box<dyn Handle>> {
        let handle = self.around(Operation::Create, &[path], || self.inner.create(path))?;
        Ok(self.handle(handle, path))
    }

    fn rename(&self, from: &DiskPath, to: &DiskPath) -> DiskResult<()> {
        self.around(Operation::Rename, &[from, to], || self.inner.rename(from, to))
    }

    fn exchange(&self, left: &DiskPath, right: &DiskPath) -> DiskResult<()> {
        self.around(Operation::Exchange, &[left, right], || self.inner.exchange(left, right))
    }

    fn link(&self, from: &DiskPath, to: &DiskPath) -> DiskResult<()> {
        self.around(Operation::Link, &[from, to], || self.inner.link(from, to))
    }

    fn unlink(&self, path: &DiskPath) -> DiskResult<()> {
        self.around(Operation::Unlink, &[path], || self.inner.unlink(path))
    }

    fn make_dir(&self, path: &DiskPath) -> DiskResult<()> {
        self.around(Operation::MakeDir, &[path], || self.inner.make_dir(path))
    }

    fn make_private_dir(&self, path: &DiskPath) -> DiskResult<()> {
        self.around(Operation::MakeDir, &[path], || self.inner.make_private_dir(path))
    }

    fn remove_dir(&self, path: &DiskPath) -> DiskResult<()> {
        self.around(Operation::RemoveDir, &[path], || self.inner.remove_dir(path))
    }

    fn symlink(&self, target: &str, path: &DiskPath) -> DiskResult<()> {
        self.around(Operation::Create, &[path], || self.inner.symlink(target, path))
    }

    fn sync_dir(&self, path: &DiskPath) -> DiskResult<()> {
        self.around(Operation::SyncDir, &[path], || self.inner.sync_dir(path))
    }

    fn sync_fs(&self, path: &DiskPath) -> DiskResult<()> {
        self.around(Operation::SyncFs, &[path], || self.inner.sync_fs(path))
    }

    fn now(&self, scratch: &DiskPath) -> DiskResult<i64> {
        self.around(Operation::Now, &[scratch], || self.inner.now(scratch))
    }

    fn free_space(&self) -> DiskResult<u64> {
        self.inner.free_space()
    }

    fn step(&self, name: &'static str) -> DiskResult<()> {
        let hook = lock(&self.hook).clone();
        if let Some(hook) = hook {
            hook(name);
        }
        self.inner.step(name)
    }
}
