//! The computer, and the folders beside the one that is synced.

use std::fs;
use std::path::Path;

use super::mark::is_id;
use super::{RecordError, machine};

/// What is at the place where a root was when it was last recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occupant {
    /// This very folder.
    This,
    /// Not that root: nothing, another one, or what cannot be read.
    Gone,
    /// Another folder with the mark of the same root.
    Twin,
}

/// What a run must know that is neither in the folder nor recorded.
pub trait Surroundings: Send + Sync {
    /// Returns what tells this computer from others; the same at every call.
    fn machine_id(&self) -> String;

    /// Returns what is at `recorded`, where the root `root_id` was, seen from the folder `here` that has its mark.
    fn occupant(&self, recorded: &Path, root_id: &str, here: &Path) -> Occupant;

    /// Returns an identity that nothing else has: letters, digits and hyphens, at most 64.
    fn new_id(&self) -> String;
}

/// This computer and its disks.
#[derive(Clone, Debug)]
pub struct ThisMachine {
    machine_id: String,
}

impl ThisMachine {
    /// Learns what this computer is; where the system does not say, a random identity is kept in `state_dir`.
    pub fn look(state_dir: &Path) -> Result<Self, RecordError> {
        Ok(Self { machine_id: machine::id(state_dir)? })
    }
}

impl Surroundings for ThisMachine {
    fn machine_id(&self) -> String {
        self.machine_id.clone()
    }

    fn occupant(&self, recorded: &Path, root_id: &str, here: &Path) -> Occupant {
        if recorded == here || is_same_directory(recorded, here) {
            return Occupant::This;
        }
        let found = fs::read_to_string(recorded.join(".s4").join("root")).unwrap_or_default();
        let found = found.lines().next().unwrap_or_default();
        if is_id(found) && found == root_id { Occupant::Twin } else { Occupant::Gone }
    }

    fn new_id(&self) -> String {
        uuid::Uuid::new_v4().to_string()
    }
}

/// Returns whether both paths lead to one directory now. That compares two that are there at the same moment, so it
/// does not matter that their numbers are recycled.
#[cfg(unix)]
fn is_same_directory(left: &Path, right: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let identity = |path| fs::metadata(path).map(|metadata| (metadata.dev(), metadata.ino())).ok();
    identity(left).is_some_and(|left| Some(left) == identity(right))
}

/// Returns whether both paths lead to one directory now.
#[cfg(not(unix))]
fn is_same_directory(left: &Path, right: &Path) -> bool {
    fs::canonicalize(left).is_ok_and(|left| fs::canonicalize(right).is_ok_and(|right| left == right))
}
