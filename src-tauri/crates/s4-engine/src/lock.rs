//! One run at a time: the lock on a folder.
//!
//! It decides whether this process may change the folder. It never waits, and never takes the lock from another.
//!
//! - The system holds the lock, not the file: it ends with the process, however that ends, so no lock is ever stale
//!   and none needs to be broken.
//! - The file is never removed: another run may have it open, and would then hold a lock that nobody sees.
//! - The number in the file tells a person which process it is. Nothing is decided by it.

#[cfg(test)]
mod tests;

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

/// The name of the file in `.s4`, or in the directory that holds the database instead.
pub const LOCK: &str = "lock";

/// No process number is longer.
const MOST_DIGITS: u64 = 20;

/// Why the folder is not ours.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another run holds it.
    #[error("another run of S4 is syncing `{}`{}", folder.display(), holder.map_or(String::new(), |pid| format!(" (process {pid})")))]
    Held {
        /// The folder.
        folder: PathBuf,
        /// The other process, if it said so.
        holder: Option<u32>,
    },
    /// The lock cannot be used.
    #[error("can't lock `{}`: {source}", path.display())]
    Failed {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The right to change a folder, held until it is dropped.
#[derive(Debug)]
pub struct FolderLock {
    /// Closing it ends the lock. No child process inherits it.
    _file: File,
}

impl FolderLock {
    /// Takes the lock of `folder` that is kept in the directory `directory`, which exists.
    ///
    /// Fails with [`LockError::Held`] at once if another run has it, also one of this process.
    pub fn take(folder: &Path, directory: &Path) -> Result<Self, LockError> {
        let path = directory.join(LOCK);
        let failed = |source| LockError::Failed { path: path.clone(), source };
        let mut file = open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(LockError::Held { folder: folder.to_owned(), holder: holder(&mut file) });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        // The lock holds whether or not its holder can be told: a full disk does not make it less ours.
        if let Err(error) = sign(&mut file) {
            tracing::debug!(path = %path.display(), %error, "the lock does not say who holds it");
        }
        Ok(Self { _file: file })
    }
}

/// Opens the file as it is, and creates it where there is none.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        // A link that somebody unpacked here must not lead our writing to another file.
        options.mode(0o600).custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed());
    }
    options.open(path)
}

/// Writes the number of this process.
fn sign(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

/// Returns the process that holds the lock, if it can be read: on Windows a locked file cannot.
fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(MOST_DIGITS).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
