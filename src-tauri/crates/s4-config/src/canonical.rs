//! The one true spelling of a path, also of one that is not there yet.

use std::{
    io,
    path::{Component, Path, PathBuf},
};

/// Returns `path` with every link resolved as far as it exists, and the rest as written.
///
/// A drive that is not mounted, or a folder that is about to be made, keeps its missing part; so the answer does
/// not change when that part is created as plain directories.
pub(crate) fn canonical(path: &Path) -> io::Result<PathBuf> {
    let path = std::path::absolute(path)?;
    for existing in path.ancestors() {
        match std::fs::canonicalize(existing) {
            Ok(resolved) => {
                let missing = path.strip_prefix(existing).map_err(io::Error::other)?;
                return Ok(below(resolved, missing));
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(path)
}

/// Adds a part that does not exist, so that no link in it can change what `..` means.
fn below(mut directory: PathBuf, missing: &Path) -> PathBuf {
    for component in missing.components() {
        match component {
            Component::ParentDir => drop(directory.pop()),
            Component::Normal(name) => directory.push(name),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    directory
}
