//! What every disk must do, as tests that each implementation runs.
//!
//! - A check gets an empty disk of its own and uses nothing but [`Disk`]: what passes on one disk means the same on
//!   all.
//! - What a disk cannot do by its traits must fail with [`DiskErrorKind::Unsupported`], not differently.

#![expect(clippy::unwrap_used, reason = "a check ends where its disk breaks the contract")]

mod entries;
mod files;
mod moves;
mod paths;

use s4_core::path::DiskPath;
use s4_core::traits::DiskTraits;

use crate::disk::{Disk, DiskResult, EntryName, Stat};
use crate::error::DiskErrorKind;

/// One clause of the contract.
pub struct Check {
    /// What it says.
    pub name: &'static str,
    /// Panics if the disk breaks it. The disk must be empty.
    pub run: fn(&Subject<'_>),
}

/// A disk under test.
pub struct Subject<'a> {
    /// The disk.
    pub disk: &'a dyn Disk,
    /// What it says of itself.
    pub traits: DiskTraits,
}

/// Returns the whole contract.
pub fn checks() -> Vec<Check> {
    [entries::CHECKS, files::CHECKS, moves::CHECKS, paths::CHECKS]
        .into_iter()
        .flatten()
        .map(|(name, run)| Check { name, run: *run })
        .collect()
}

/// Runs the whole contract, each check on an empty disk that `with_disk` makes.
///
/// # Panics
/// Panics at the first clause that is broken.
pub fn run(with_disk: impl Fn(&dyn Fn(&dyn Disk))) {
    for check in checks() {
        with_disk(&|disk| {
            disk.make_private_dir(&path("scratch")).unwrap();
            let traits = disk.probe(&path("scratch")).unwrap();
            disk.remove_dir(&path("scratch")).unwrap_or_else(|error| panic!("{}: {error}", check.name));
            (check.run)(&Subject { disk, traits });
        });
    }
}

/// A clause: what it says, and its check.
type Clause = (&'static str, fn(&Subject<'_>));

fn path(text: &str) -> DiskPath {
    DiskPath::new(text)
}

impl Subject<'_> {
    /// Creates a file.
    fn write(&self, name: &str, content: &[u8]) -> Stat {
        let handle = self.disk.create(&path(name)).unwrap();
        handle.write_at(content, 0).unwrap();
        handle.stat().unwrap()
    }

    /// Returns the content of a file.
    fn read(&self, name: &str) -> Vec<u8> {
        let handle = self.disk.open(&path(name)).unwrap();
        let mut content = vec![0; usize::try_from(handle.stat().unwrap().fingerprint.size).unwrap()];
        let mut done = 0;
        while done < content.len() {
            let count = handle.read_at(&mut content[done..], done as u64).unwrap();
            assert_ne!(count, 0, "the end comes where stat says");
            done += count;
        }
        content
    }

    fn lstat(&self, name: &str) -> Option<Stat> {
        self.disk.lstat(&path(name)).unwrap()
    }

    fn make_dir(&self, name: &str) {
        self.disk.make_dir(&path(name)).unwrap();
    }

    /// Returns the names in a directory, sorted.
    fn names(&self, directory: &str) -> Vec<String> {
        let mut names = Vec::new();
        let visited = self.disk.read_dir(&path(directory), &mut |item| match item.name {
            EntryName::Text(name) => names.push(name.into_string()),
            EntryName::Unprintable(name) => panic!("{name} is no name of ours"),
        });
        visited.unwrap();
        names.sort();
        names
    }
}

/// Fails unless `result` failed with this kind.
#[track_caller]
fn expect<T>(result: DiskResult<T>, kind: DiskErrorKind) {
    match result {
        Ok(_) => panic!("expected {kind:?}, but it worked"),
        Err(error) => assert_eq!(error.kind, kind, "{error}"),
    }
}
