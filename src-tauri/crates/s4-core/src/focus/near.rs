//! What stands near something that is not settled.

use std::collections::BTreeSet;

use crate::baseline::{FileRow, RowContent};
use crate::path::{DiskPath, RelPath};
use crate::traits::DiskTraits;

/// The places where something is not settled. Paths are folded as the disk folds them.
#[derive(Debug, Default)]
pub(super) struct Near {
    /// The directories in which it is; the root is empty.
    directories: BTreeSet<String>,
    /// Every path above it.
    above: BTreeSet<String>,
    /// Contents that may be deleted somewhere.
    contents: BTreeSet<[u8; 32]>,
}

impl Near {
    /// Returns whether there is nothing that is not settled.
    pub(super) fn is_empty(&self) -> bool {
        self.directories.is_empty()
    }

    /// Notes a row that is not settled.
    pub(super) fn note_row(&mut self, disk: &DiskTraits, path: &RelPath, row: &FileRow) {
        self.note(disk, path.as_str());
        if row.disk.as_str() != path.as_str() {
            self.note_disk(disk, &row.disk);
        }
        self.contents.insert(content(row));
    }

    /// Notes an entry of the disk that no row stands for, by the path that it would have.
    pub(super) fn note_disk(&mut self, disk: &DiskTraits, place: &DiskPath) {
        if let Ok(path) = RelPath::parse(place.as_str()) {
            self.note(disk, path.as_str());
        }
    }

    /// Notes a path at which something is not settled.
    pub(super) fn note(&mut self, disk: &DiskTraits, path: &str) {
        let folded = disk.fold(path);
        let mut rest: &str = &folded;
        let mut is_nearest = true;
        while let Some((above, _)) = rest.rsplit_once('/') {
            if is_nearest && !self.directories.contains(above) {
                self.directories.insert(above.to_owned());
            }
            is_nearest = false;
            if self.above.contains(above) {
                return;
            }
            self.above.insert(above.to_owned());
            rest = above;
        }
        if is_nearest {
            self.directories.insert(String::new());
        }
    }

    /// Returns whether a settled file is near. Of each content only the first is.
    pub(super) fn takes(&mut self, disk: &DiskTraits, path: &RelPath, row: &FileRow) -> bool {
        let folded = disk.fold(path.as_str());
        let directory = folded.rsplit_once('/').map_or("", |(directory, _)| directory);
        let has_content = !self.contents.is_empty() && self.contents.remove(&content(row));
        has_content || self.directories.contains(directory) || self.above.contains(&*folded)
    }
}

/// Returns what the content of a row is known by.
fn content(row: &FileRow) -> [u8; 32] {
    match &row.content {
        RowContent::File { digest, .. } => digest.blake3,
        RowContent::Symlink { target } => *blake3::hash(target.as_bytes()).as_bytes(),
    }
}
