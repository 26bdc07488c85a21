//! Creating: a staged entry takes a free name.

use s4_core::local::Fingerprint;
use s4_core::path::DiskPath;

use crate::batch::{Batch, SwapError};
use crate::error::DiskErrorKind;
use crate::staging::Staged;

impl Batch {
    /// Gives a staged entry the free name `to` and returns its fingerprint for the row.
    ///
    /// Fails with [`SwapError::Occupied`] if anything stands there, ignored or not; `staged` can be tried again
    /// elsewhere.
    pub fn create(&self, staged: &mut Staged, to: &DiskPath) -> Result<Fingerprint, SwapError> {
        staged.make_durable()?;
        self.disk().step("create:before")?;
        // Nothing can be lost: the rename takes a free name or fails.
        self.place(staged, to)?;
        self.disk().step("create:placed")?;
        Ok(staged.placed_fingerprint(to)?)
    }

    /// Renames a staged entry to a free name.
    pub(super) fn place(&self, staged: &mut Staged, to: &DiskPath) -> Result<(), SwapError> {
        match self.disk().rename(staged.path(), to) {
            Ok(()) => {
                staged.leave_name();
                self.moved(staged.path(), to);
                Ok(())
            }
            Err(error) if error.kind == DiskErrorKind::Occupied => {
                Err(SwapError::Occupied { path: to.clone() })
            }
            Err(error) => Err(error.into()),
        }
    }
}
