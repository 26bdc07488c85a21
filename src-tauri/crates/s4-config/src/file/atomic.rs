//! Replacing a file as a whole: stage beside it, make it durable, rename.

use std::{
    ffi::OsStr,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

const PREFIX: &str = ".sync.conf.";
const SUFFIX: &str = ".new";

/// As many links in a row as the systems themselves follow.
const MOST_LINKS: usize = 40;

/// Replaces the content of `path`, following links. The caller holds the lock on it.
pub(super) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let destination = follow_links(path)?;
    sweep(directory_of(&destination));
    Staged::new(destination, content)?.commit()
}

/// New content on the disk, not yet in its place.
struct Staged {
    file: NamedTempFile,
    destination: PathBuf,
}

impl Staged {
    /// Writes the content beside its destination, for the owner's eyes only, and waits until it is durable.
    fn new(destination: PathBuf, content: &[u8]) -> io::Result<Self> {
        // A temporary file is made with mode 0600, so there is no moment in which others can open it.
        let mut file =
            tempfile::Builder::new().prefix(PREFIX).suffix(SUFFIX).tempfile_in(directory_of(&destination))?;
        file.write_all(content)?;
        file.as_file().sync_all()?;
        Ok(Self { file, destination })
    }

    /// Puts the content in its place. Until the rename the old file is untouched, after it the new one is whole.
    fn commit(self) -> io::Result<()> {
        let directory = directory_of(&self.destination).to_owned();
        self.file.persist(&self.destination).map_err(|error| error.error)?;
        sync_directory(&directory)
    }
}

/// Returns the path at the end of the links, which need not exist.
fn follow_links(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        match fs::read_link(&path) {
            Ok(target) => path = directory_of(&path).join(target),
            // Not a link, or nothing at all: this is the place.
            Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::NotFound) => {
                return Ok(path);
            }
            // Windows says so of what is no reparse point (ERROR_NOT_A_REPARSE_POINT).
            Err(error) if cfg!(windows) && error.raw_os_error() == Some(4390) => return Ok(path),
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("too many links"))
}

fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Removes what a crash between writing and renaming left behind: it may hold keys. No writer is at work, the caller
/// holds the lock; what cannot be removed is no reason not to go on.
fn sweep(directory: &Path) {
    let is_ours =
        |name: &OsStr| name.to_str().is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX));
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if is_ours(&entry.file_name())
            && let Err(error) = fs::remove_file(entry.path())
        {
            tracing::warn!(path = %entry.path().display(), %error, "an unfinished sync.conf stays behind");
        }
    }
}

#[cfg(unix)]
fn sync_directory(directory: &Path) -> io::Result<()> {
    fs::File::open(directory)?.sync_all()
}

/// Windows has no such call: its rename is written through with the file system's own journal.
#[cfg(not(unix))]
fn sync_directory(_directory: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crash_before_the_rename_keeps_the_old_file_and_the_next_write_cleans_up() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("sync.conf");
        replace(&path, b"old").unwrap();

        // A process that dies here runs no destructor.
        std::mem::forget(Staged::new(path.clone(), b"half-written keys").unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2, "the staged file is beside it");

        replace(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "nothing is left behind");
    }

    #[test]
    fn a_failed_write_leaves_nothing_behind() {
        let directory = tempfile::tempdir().unwrap();
        let occupied = directory.path().join("sync.conf");
        fs::create_dir(&occupied).unwrap();
        fs::write(occupied.join("in the way"), b"").unwrap();

        assert!(replace(&occupied, b"new").is_err());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}
