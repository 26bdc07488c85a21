//! Finding out what a disk can do, by trying it on files of our own.

use s4_core::path::DiskPath;
use s4_core::traits::{DiskTraits, NameRules};

use crate::disk::{Disk, DiskResult, child};
use crate::error::DiskErrorKind;

/// Tries everything in the directory `scratch` and returns the traits; removes what it made.
///
/// `granularity_ns` is what the system knows of the stamps.
pub(super) fn probe(disk: &dyn Disk, scratch: &DiskPath, granularity_ns: i64) -> DiskResult<DiskTraits> {
    let probe = Probe::start(disk, scratch)?;
    Ok(DiskTraits {
        case_sensitive: probe.are_two_names("a", "A")?,
        normalizes_unicode: !probe.are_two_names("\u{e9}", "e\u{301}")?,
        names: if probe.accepts("a:b")? { NameRules::Posix } else { NameRules::Windows },
        has_executable_bit: probe.has_executable_bit()?,
        has_symlinks: probe.has_symlinks()?,
        has_exchange: probe.has_exchange()?,
        granularity_ns,
    })
}

/// A probe under way; all its names begin alike.
struct Probe<'a> {
    disk: &'a dyn Disk,
    start: DiskPath,
}

impl<'a> Probe<'a> {
    /// Finds a beginning that no other probe has left names with.
    fn start(disk: &'a dyn Disk, scratch: &DiskPath) -> DiskResult<Self> {
        for number in 0.. {
            let start = child(scratch, &format!("probe-{}-{number}-", std::process::id()));
            match disk.create(&start) {
                Ok(_) => return Ok(Self { disk, start }),
                Err(error) if error.kind == DiskErrorKind::Occupied => {}
                Err(error) => return Err(error),
            }
        }
        unreachable!("a probe finds a free number before the numbers end")
    }

    fn name(&self, end: &str) -> DiskPath {
        DiskPath::new(format!("{}{end}", self.start))
    }

    /// Returns whether two spellings name two entries.
    fn are_two_names(&self, one: &str, other: &str) -> DiskResult<bool> {
        let (one, other) = (self.name(one), self.name(other));
        drop(self.disk.create(&one)?);
        let outcome = match self.disk.create(&other) {
            Ok(_) => self.disk.unlink(&other).map(|()| true),
            Err(error) if error.kind == DiskErrorKind::Occupied => Ok(false),
            Err(error) => Err(error),
        };
        self.disk.unlink(&one)?;
        outcome
    }

    /// Returns whether the disk takes a name.
    fn accepts(&self, end: &str) -> DiskResult<bool> {
        let name = self.name(end);
        match self.disk.create(&name) {
            // A disk that stores another name for it (or a stream of a file) does not take it.
            Ok(_) => {
                let stands = self.disk.lstat(&name)?.is_some();
                self.disk.unlink(&name)?;
                Ok(stands)
            }
            Err(_) => Ok(false),
        }
    }

    fn has_executable_bit(&self) -> DiskResult<bool> {
        let name = self.name("x");
        let handle = self.disk.create(&name)?;
        let mut holds = true;
        for executable in [true, false] {
            let permissions = if executable { 0o700 } else { 0o600 };
            holds &= handle.set_permissions(permissions).is_ok();
            holds &= handle.stat()?.executable() == executable;
        }
        drop(handle);
        self.disk.unlink(&name)?;
        Ok(holds)
    }

    fn has_symlinks(&self) -> DiskResult<bool> {
        let name = self.name("l");
        match self.disk.symlink("target", &name) {
            Ok(()) => self.disk.unlink(&name).map(|()| true),
            Err(_) => Ok(false),
        }
    }

    fn has_exchange(&self) -> DiskResult<bool> {
        let (one, other) = (self.name("1"), self.name("2"));
        let created = self.disk.create(&one)?.stat()?.fingerprint.file_id;
        drop(self.disk.create(&other)?);
        let exchanged = self.disk.exchange(&one, &other).is_ok()
            && self.disk.lstat(&other)?.is_some_and(|stat| stat.fingerprint.file_id == created);
        self.disk.unlink(&one)?;
        self.disk.unlink(&other)?;
        Ok(exchanged)
    }
}

impl Drop for Probe<'_> {
    fn drop(&mut self) {
        let ends = ["", "a", "A", "\u{e9}", "e\u{301}", "a:b", "x", "l", "1", "2"];
        for name in ends.map(|end| self.name(end)) {
            // Only the first still stands after a probe that worked; names of our own, unused elsewhere.
            let _ = self.disk.unlink(&name);
        }
    }
}
