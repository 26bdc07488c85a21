//! The data folder: who may use it, and the small files in it. Decides nothing about objects.
//!
//! - One server at a time: the folder is locked by the system until the last user of the index ends,
//!   so a kill releases it.
//! - Small files appear whole or not at all, and are readable by their owner only.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::error::ServerError;

/// A locked data folder. The lock ends when the value is dropped.
#[derive(Debug)]
pub(crate) struct DataFolder {
    path: PathBuf,
    _lock: File,
}

impl DataFolder {
    /// Creates the folder if it is missing, and locks it.
    pub(crate) fn open(path: &Path) -> Result<Self, ServerError> {
        let refuse = |path: &Path| {
            let path = path.to_owned();
            move |source| ServerError::Data { path, source }
        };
        create_private_folder(path).map_err(refuse(path))?;
        let lock_file = path.join("lock");
        let lock = private(OpenOptions::new().create(true).truncate(false).write(true))
            .open(&lock_file)
            .map_err(refuse(&lock_file))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(ServerError::InUse { path: path.to_owned() }),
            Err(TryLockError::Error(source)) => Err(ServerError::Data { path: lock_file, source }),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Returns the text of a small file, or `None` if there is no such file.
    pub(crate) fn read(&self, name: &str) -> Result<Option<String>, ServerError> {
        let path = self.file(name);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                Err(ServerError::Damaged { path, reason: "it is no text".to_owned() })
            }
            Err(source) => Err(ServerError::Data { path, source }),
        }
    }

    /// Puts a small file in place at once, safe from a power cut when this returns.
    pub(crate) fn write(&self, name: &str, text: &str) -> Result<(), ServerError> {
        let path = self.file(name);
        let staged = self.file(&format!("{name}.new"));
        let put = || -> io::Result<()> {
            let mut file =
                private(OpenOptions::new().create(true).truncate(true).write(true)).open(&staged)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&staged, &path)?;
            sync_folder(&self.path)
        };
        put().map_err(|source| ServerError::Data { path: path.clone(), source })
    }
}

/// Makes what was created, renamed or removed in a folder survive a power cut.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    // Windows has no handle of a folder to flush; NTFS journals names by itself.
    if cfg!(windows) { Ok(()) } else { File::open(path)?.sync_all() }
}

/// Lets only the owner read a file that is about to be created.
pub(crate) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// Creates a folder, and those above it, that only its owner may enter. An existing one stays as it is.
pub(crate) fn create_private_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)?;
    match path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => sync_folder(parent),
        None => Ok(()),
    }
}
