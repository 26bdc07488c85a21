//! `sync.conf` on disk: read, changed under a lock, and replaced as a whole.
//!
//! Decides when and how the file is written. It never decides what is in it, and never asks anybody anything.
//!
//! Invariants:
//! - What cannot be read or parsed is never written.
//! - The file is replaced by a rename after its new content is on the disk: a crash leaves the old or the new one.
//! - Read, change and write happen under one lock, so two processes never lose one another's change.
//! - The new file is for its owner only (0600), a directory made for it too (0700).
//! - A link is followed: the file it points to is replaced, the link stays.

mod atomic;

use std::{
    fs::{DirBuilder, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use thiserror::Error;

use crate::{Config, Locations, ParseError};

/// How long a change waits for another process to finish its own, which takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(10);

/// The `sync.conf` of one engine.
#[derive(Clone, Debug)]
pub struct ConfigFile {
    path: PathBuf,
    original: Option<PathBuf>,
    patience: Duration,
}

/// Why `sync.conf` could not be read or changed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FileError {
    /// The file is there and cannot be read.
    #[error("can't read `{}`: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The content is no configuration.
    #[error("can't use `{}`: {source}; correct it by hand, S4 leaves it as it is", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is the matter, and where.
        source: ParseError,
    },
    /// The new content could not be written; the old one is as it was.
    #[error("can't write `{}`, nothing was changed: {source}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process holds the lock.
    #[error("another process is changing `{}`; try again when it has finished", path.display())]
    Busy {
        /// The file.
        path: PathBuf,
    },
}

impl ConfigFile {
    /// Returns the `sync.conf` of these locations; nothing is read yet.
    pub fn new(locations: &Locations) -> Self {
        Self {
            path: locations.config_dir().join("sync.conf"),
            original: locations.original_config().map(Path::to_owned),
            patience: PATIENCE,
        }
    }

    /// Changes how long [`ConfigFile::update`] waits for another process.
    #[must_use]
    pub fn waiting(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Returns where the file is, or would be.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the configuration; a file that is not there is an empty one.
    ///
    /// Where the original S4 keeps its file elsewhere and there is none of ours yet, its file is read; the first
    /// change then is written to ours. No lock is needed: the file is only ever replaced as a whole.
    pub fn read(&self) -> Result<Config, FileError> {
        for path in [Some(&self.path), self.original.as_ref()].into_iter().flatten() {
            match std::fs::read(path) {
                Ok(text) => {
                    return Config::parse(&text)
                        .map_err(|source| FileError::Invalid { path: path.clone(), source });
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(source) => return Err(FileError::Unreadable { path: path.clone(), source }),
            }
        }
        Ok(Config::default())
    }

    /// Reads the configuration, lets `change` work on it, and writes it if that succeeded and changed something.
    ///
    /// The lock is held all the while: `change` must not wait for a person or the network. When it fails, or the
    /// file cannot be read, parsed or written, the file stays as it is.
    pub fn update<T, E: From<FileError>>(
        &self,
        change: impl FnOnce(&mut Config) -> Result<T, E>,
    ) -> Result<T, E> {
        let _lock = self.lock()?;
        let before = self.read()?;
        let mut after = before.clone();
        let result = change(&mut after)?;
        if after != before {
            atomic::replace(&self.path, &after.to_text()).map_err(|source| self.unwritable(source))?;
        }
        Ok(result)
    }

    fn lock(&self) -> Result<File, FileError> {
        let directory = self.path.parent().unwrap_or(Path::new("."));
        make_private_directory(directory).map_err(|source| self.unwritable(source))?;
        let lock = open_lock(&directory.join("sync.conf.lock")).map_err(|source| self.unwritable(source))?;
        let deadline = Instant::now() + self.patience;
        loop {
            match lock.try_lock() {
                // The lock goes when the file is closed, at a crash too.
                Ok(()) => return Ok(lock),
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                    thread::sleep(Duration::from_millis(10));
                }
                Err(TryLockError::WouldBlock) => return Err(FileError::Busy { path: self.path.clone() }),
                Err(TryLockError::Error(source)) => return Err(self.unwritable(source)),
            }
        }
    }

    fn unwritable(&self, source: io::Error) -> FileError {
        FileError::Unwritable { path: self.path.clone(), source }
    }
}

fn make_private_directory(directory: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

fn open_lock(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
