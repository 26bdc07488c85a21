//! Folders, databases and records as a test needs them: they can be copied, put back, and cut off at any step.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use s4_core::path::DiskPath;
use s4_core::plan::RowChange;
use s4_core::remote::UnixMillis;
use s4_core::traits::DiskTraits;
use s4_local::disk::{DirItem, DiskResult, Handle, RootState, Stat};
use s4_local::error::DiskErrorKind;

use super::super::*;
use crate::db::memory::MemoryDb;
use crate::db::{Binding, Commit};

type Files = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

/// The files of `.s4`, and how many more steps work.
#[derive(Clone)]
pub(super) struct MarkDisk {
    files: Files,
    steps_left: Arc<Mutex<usize>>,
}

struct MarkFile {
    disk: MarkDisk,
    path: DiskPath,
}

impl MarkDisk {
    fn new() -> Self {
        Self { files: Arc::default(), steps_left: Arc::new(Mutex::new(usize::MAX)) }
    }

    /// Lets `steps` changes pass and fails the next.
    pub(super) fn fail_after(&self, steps: usize) {
        *self.steps_left.lock().unwrap() = steps;
    }

    fn change<T>(
        &self,
        path: &DiskPath,
        work: impl FnOnce(&mut BTreeMap<String, Vec<u8>>) -> Result<T, DiskErrorKind>,
    ) -> DiskResult<T> {
        let mut left = self.steps_left.lock().unwrap();
        let fails = |kind| DiskError::new(kind, "test", path, "");
        if *left == 0 {
            return Err(fails(DiskErrorKind::Crashed));
        }
        *left -= 1;
        work(&mut self.files.lock().unwrap()).map_err(fails)
    }

    fn opened(&self, path: &DiskPath) -> DiskResult<Box<dyn Handle>> {
        if self.files.lock().unwrap().contains_key(path.as_str()) {
            Ok(Box::new(MarkFile { disk: self.clone(), path: path.clone() }))
        } else {
            Err(DiskError::new(DiskErrorKind::Missing, "test", path, ""))
        }
    }
}

impl Handle for MarkFile {
    fn stat(&self) -> DiskResult<Stat> {
        unreachable!()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> DiskResult<usize> {
        let files = self.disk.files.lock().unwrap();
        let rest = &files[self.path.as_str()][usize::try_from(offset).unwrap()..];
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    }

    fn write_at(&self, piece: &[u8], offset: u64) -> DiskResult<()> {
        let offset = usize::try_from(offset).unwrap();
        self.disk.change(&self.path, |files| {
            let content = files.get_mut(self.path.as_str()).unwrap();
            content.resize(content.len().max(offset + piece.len()), 0);
            content[offset..offset + piece.len()].copy_from_slice(piece);
            Ok(())
        })
    }

    fn set_size(&self, _: u64) -> DiskResult<()> {
        unreachable!()
    }

    fn set_mtime(&self, _: i64) -> DiskResult<()> {
        unreachable!()
    }

    fn set_permissions(&self, _: u32) -> DiskResult<()> {
        unreachable!()
    }

    fn sync(&self) -> DiskResult<()> {
        self.disk.change(&self.path, |_| Ok(()))
    }
}

impl Disk for MarkDisk {
    fn open(&self, path: &DiskPath) -> DiskResult<Box<dyn Handle>> {
        self.opened(path)
    }

    fn open_for_writing(&self, path: &DiskPath) -> DiskResult<Box<dyn Handle>> {
        self.opened(path)
    }

    fn create(&self, path: &DiskPath) -> DiskResult<Box<dyn Handle>> {
        self.change(path, |files| match files.insert(path.as_str().to_owned(), Vec::new()) {
            Some(_) => Err(DiskErrorKind::Occupied),
            None => Ok(()),
        })?;
        self.opened(path)
    }

    fn rename(&self, from: &DiskPath, to: &DiskPath) -> DiskResult<()> {
        self.change(from, |files| {
            if files.contains_key(to.as_str()) {
                return Err(DiskErrorKind::Occupied);
            }
            let content = files.remove(from.as_str()).ok_or(DiskErrorKind::Missing)?;
            files.insert(to.as_str().to_owned(), content);
            Ok(())
        })
    }

    fn unlink(&self, path: &DiskPath) -> DiskResult<()> {
        self.change(path, |files| files.remove(path.as_str()).map(drop).ok_or(DiskErrorKind::Missing))
    }

    fn sync_dir(&self, path: &DiskPath) -> DiskResult<()> {
        self.change(path, |_| Ok(()))
    }

    fn probe(&self, _: &DiskPath) -> DiskResult<DiskTraits> {
        unreachable!()
    }

    fn root_state(&self) -> DiskResult<RootState> {
        unreachable!()
    }

    fn lstat(&self, _: &DiskPath) -> DiskResult<Option<Stat>> {
        unreachable!()
    }

    fn read_dir(&self, _: &DiskPath, _: &mut dyn FnMut(DirItem)) -> DiskResult<()> {
        unreachable!()
    }

    fn read_link(&self, _: &DiskPath) -> DiskResult<Box<str>> {
        unreachable!()
    }

    fn exchange(&self, _: &DiskPath, _: &DiskPath) -> DiskResult<()> {
        unreachable!()
    }

    fn link(&self, _: &DiskPath, _: &DiskPath) -> DiskResult<()> {
        unreachable!()
    }

    fn make_dir(&self, _: &DiskPath) -> DiskResult<()> {
        unreachable!()
    }

    fn make_private_dir(&self, path: &DiskPath) -> DiskResult<()> {
        self.change(path, |files| match files.insert(path.as_str().to_owned(), Vec::new()) {
            Some(_) => Err(DiskErrorKind::Occupied),
            None => Ok(()),
        })
    }

    fn remove_dir(&self, _: &DiskPath) -> DiskResult<()> {
        unreachable!()
    }

    fn symlink(&self, _: &str, _: &DiskPath) -> DiskResult<()> {
        unreachable!()
    }

    fn sync_fs(&self, _: &DiskPath) -> DiskResult<()> {
        unreachable!()
    }

    fn now(&self, _: &DiskPath) -> DiskResult<i64> {
        unreachable!()
    }

    fn free_space(&self) -> DiskResult<u64> {
        unreachable!()
    }

    fn step(&self, _: &'static str) -> DiskResult<()> {
        unreachable!()
    }
}

/// A folder with its database.
pub(super) struct TestFolder {
    pub(super) path: PathBuf,
    pub(super) disk: MarkDisk,
    pub(super) db: MemoryDb,
}

impl TestFolder {
    pub(super) fn new(path: &str) -> Self {
        Self { path: PathBuf::from(path), disk: MarkDisk::new(), db: MemoryDb::new() }
    }

    /// Returns what `cp -a` makes of it, or a backup.
    pub(super) fn copy(&self, path: &str) -> Self {
        let copy = Self::new(path);
        *copy.disk.files.lock().unwrap() = self.disk.files.lock().unwrap().clone();
        if let Some(binding) = self.db.binding().unwrap() {
            copy.db.bind(&binding).unwrap();
        }
        if let Some(identity) = self.db.identity().unwrap() {
            copy.db.set_identity(&identity).unwrap();
        }
        let baseline = self.db.load(UnixMillis(0)).unwrap().baseline;
        let row = |(path, row)| RowChange::Dir(path, row);
        let rows = baseline.dirs.into_iter().map(row).collect();
        copy.db.commit(&Commit { rows, ..Commit::default() }).unwrap();
        copy
    }

    pub(super) fn has_rows(&self) -> bool {
        !self.db.load(UnixMillis(0)).unwrap().baseline.is_empty()
    }

    pub(super) fn has_mark(&self) -> bool {
        mark::read(&self.disk).unwrap().is_some()
    }
}

/// One computer: its records, and what is where beside the folder that is synced.
pub(super) struct Computer {
    pub(super) name: &'static str,
    pub(super) records: MemoryRecords,
    /// What [`Surroundings::occupant`] sees.
    pub(super) occupant: Occupant,
    ids: Arc<Mutex<u32>>,
}

impl Computer {
    pub(super) fn new(name: &'static str) -> Self {
        let occupant = Occupant::This;
        Self { name, records: MemoryRecords::new(), occupant, ids: Arc::default() }
    }

    /// Returns another computer to which the whole home directory was copied.
    pub(super) fn copy(&self, name: &'static str) -> Self {
        let copy = Self::new(name);
        for folder in ["/docs", "/copy"] {
            for record in self.records.of_folder(folder).unwrap() {
                copy.records.put(&record).unwrap();
            }
        }
        copy
    }

    pub(super) fn here<'a>(&'a self, folder: &'a TestFolder) -> Here<'a> {
        Here { disk: &folder.disk, folder: &folder.path, records: &self.records, surroundings: self }
    }

    /// Runs once in `folder`, which has a row afterwards.
    pub(super) fn run(&self, folder: &TestFolder) -> Run {
        let run = begin_run(self.here(folder), &folder.db).unwrap();
        self.finish(folder, &run);
        run
    }

    /// Does what a run does after it has begun.
    pub(super) fn finish(&self, folder: &TestFolder, run: &Run) {
        let binding = Binding {
            endpoint: "e".to_owned(),
            bucket: "b".to_owned(),
            prefix: String::new(),
            root_id: run.root_id.clone(),
        };
        folder.db.bind(&binding).unwrap();
        let path = s4_core::path::RelPath::parse("dir").unwrap();
        let row = s4_core::baseline::DirRow { disk: DiskPath::from(&path), marker: None, kept: false };
        let rows = vec![RowChange::Dir(path, row)];
        folder.db.commit(&Commit { rows, ..Commit::default() }).unwrap();
    }
}

impl Surroundings for Computer {
    fn machine_id(&self) -> String {
        self.name.to_owned()
    }

    fn occupant(&self, recorded: &Path, _: &str, here: &Path) -> Occupant {
        if recorded == here { Occupant::This } else { self.occupant }
    }

    fn new_id(&self) -> String {
        let mut ids = self.ids.lock().unwrap();
        *ids += 1;
        format!("{}-{ids}", self.name)
    }
}
