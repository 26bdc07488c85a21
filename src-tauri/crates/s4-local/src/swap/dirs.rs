//! Directories, and the executable bit: changes that move no content.

use s4_core::local::Fingerprint;
use s4_core::path::DiskPath;

use crate::batch::{Batch, SwapError};
use crate::disk::Kind;
use crate::error::DiskErrorKind;
use crate::staging::with_executable;

impl Batch {
    /// Creates a directory; one that stands there already is as good.
    ///
    /// Fails with [`SwapError::Occupied`] if anything else stands there. The parent must exist.
    pub fn create_dir(&self, path: &DiskPath) -> Result<(), SwapError> {
        self.disk().step("create-dir:before")?;
        match self.disk().make_dir(path) {
            Ok(()) => {}
            Err(error) if error.kind == DiskErrorKind::Occupied => match self.disk().lstat(path)? {
                Some(stat) if stat.kind == Kind::Dir => return Ok(()),
                Some(_) | None => return Err(SwapError::Occupied { path: path.clone() }),
            },
            Err(error) => return Err(error.into()),
        }
        self.touched(|touched| touched.touch(path));
        self.disk().step("create-dir:done")?;
        Ok(())
    }

    /// Removes an empty directory.
    ///
    /// Fails with a [`DiskErrorKind::NotEmpty`] if it holds anything, ignored or not, and with
    /// [`SwapError::Changed`] if no directory stands there.
    pub fn remove_dir(&self, path: &DiskPath) -> Result<(), SwapError> {
        let changed = || SwapError::Changed { path: path.clone() };
        // On a disk that folds case the system would take another spelling for this one.
        match self.disk().lstat(path)? {
            Some(stat) if stat.kind == Kind::Dir => {}
            Some(_) | None => return Err(changed()),
        }
        self.disk().step("remove-dir:before")?;
        // Nothing can be lost: the system refuses to remove a directory that holds anything.
        self.disk().remove_dir(path).map_err(|error| match error.kind {
            DiskErrorKind::Missing | DiskErrorKind::NotADirectory => changed(),
            _ => SwapError::from(error),
        })?;
        self.touched(|touched| touched.removed_dir(path));
        self.disk().step("remove-dir:done")?;
        Ok(())
    }

    /// Makes a file executable for whoever may read it, or for nobody, and returns its new fingerprint.
    ///
    /// Fails with [`SwapError::Changed`] if it is not exactly `expected`. Does nothing where the disk has no such
    /// bit.
    pub fn set_executable(
        &self,
        at: &DiskPath,
        expected: &Fingerprint,
        executable: bool,
    ) -> Result<Fingerprint, SwapError> {
        let changed = || SwapError::Changed { path: at.clone() };
        let handle = self.disk().open(at).map_err(|error| match error.kind {
            DiskErrorKind::Missing | DiskErrorKind::WrongKind => changed(),
            _ => SwapError::from(error),
        })?;
        let before = handle.stat()?;
        if before.fingerprint != *expected {
            return Err(changed());
        }
        self.disk().step("set-executable:before")?;
        handle.set_permissions(with_executable(before.permissions, executable))?;
        handle.sync()?;
        let after = handle.stat()?.fingerprint;
        // Whoever wrote in this moment is seen by the next scan: the row keeps the stamps of before.
        Ok(if expected.same_but_renamed(&after) { after } else { *expected })
    }
}
