//! Reading a file as one content: what is read is what was looked at, from the first byte to the last.
//!
//! - [`Folder::open_file`] compares `fstat` with what was planned; [`OpenFile::unchanged`] compares again after
//!   the last byte. A reader that skips the second check may hold a mix of two contents.
//! - The read time is taken before the first byte, by the file system's own clock.

use s4_core::digest::{Digest, Hasher};
use s4_core::local::Fingerprint;
use s4_core::path::DiskPath;

use crate::disk::{DiskResult, Handle, Kind};
use crate::error::{DiskError, DiskErrorKind};
use crate::folder::Folder;

/// Bytes read at a time.
const PIECE: usize = 256 * 1024;

/// A file open for reading. Closed when dropped.
pub struct OpenFile {
    handle: Box<dyn Handle>,
    path: DiskPath,
    fingerprint: Fingerprint,
    read_time_ns: i64,
}

/// The hashes of a file, and when they were taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Examined {
    /// The hashes.
    pub digest: Digest,
    /// When reading began, by the file system's own clock, in nanoseconds since the epoch.
    pub read_time_ns: i64,
}

impl Folder {
    /// Opens a file for reading if it is still what `expected` says.
    ///
    /// Fails with [`DiskErrorKind::Changed`] if it is another, and with [`DiskErrorKind::Missing`] if nothing
    /// stands there.
    pub fn open_file(&self, path: &DiskPath, expected: &Fingerprint) -> DiskResult<OpenFile> {
        let read_time_ns = self.now()?;
        let handle = self.disk().open(path)?;
        let stat = handle.stat()?;
        if stat.kind != Kind::File || stat.fingerprint != *expected {
            return Err(changed(path));
        }
        Ok(OpenFile { handle, path: path.clone(), fingerprint: stat.fingerprint, read_time_ns })
    }

    /// Reads a whole file and returns its hashes, if it is what `expected` says from the first byte to the last.
    pub fn digest(&self, path: &DiskPath, expected: &Fingerprint) -> DiskResult<Examined> {
        let file = self.open_file(path, expected)?;
        let mut hasher = Hasher::new();
        let piece = usize::try_from(expected.size).unwrap_or(PIECE).clamp(1, PIECE);
        let mut buffer = vec![0; piece];
        let mut offset = 0;
        loop {
            let count = file.read_at(&mut buffer, offset)?;
            if count == 0 {
                break;
            }
            hasher.update(&buffer[..count]);
            offset += count as u64;
        }
        file.unchanged()?;
        Ok(Examined { digest: hasher.finish(), read_time_ns: file.read_time_ns })
    }
}

impl OpenFile {
    /// Returns what the file was when it was opened.
    pub fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    /// Returns when reading began, by the file system's own clock, in nanoseconds since the epoch.
    pub fn read_time_ns(&self) -> i64 {
        self.read_time_ns
    }

    /// Reads from `offset` and returns how many bytes were read; 0 only at the end or for an empty buffer.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> DiskResult<usize> {
        self.handle.read_at(buffer, offset)
    }

    pub(crate) fn handle(&self) -> &dyn Handle {
        &*self.handle
    }

    /// Fails with [`DiskErrorKind::Changed`] if the file was written to since it was opened.
    ///
    /// To be called after the last byte was read and before anything is done with the bytes for good.
    pub fn unchanged(&self) -> DiskResult<()> {
        if self.handle.stat()?.fingerprint == self.fingerprint { Ok(()) } else { Err(changed(&self.path)) }
    }
}

fn changed(path: &DiskPath) -> DiskError {
    DiskError::new(DiskErrorKind::Changed, "read", path, "it has changed since it was looked at")
}
