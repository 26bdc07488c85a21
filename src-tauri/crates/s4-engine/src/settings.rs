//! What one target is: its folder, its place in a bucket, and how the two are kept the same.
//!
//! Values only: whoever calls has read `sync.conf`, the keyring and the command line.

use std::path::PathBuf;

use s4_core::context::{ConflictPolicy, DeleteLimits};
use s4_core::key::Prefix;

/// One target, everything resolved.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The target's name.
    pub name: String,
    /// The folder, absolute.
    pub folder: PathBuf,
    /// How the store is known: part of what the baseline belongs to.
    pub endpoint: String,
    /// The bucket.
    pub bucket: String,
    /// The part of the bucket that is synced.
    pub prefix: Prefix,
    /// What to do with two different versions.
    pub policy: ConflictPolicy,
    /// Rules for this computer only, in gitignore's language.
    pub exclude: Vec<String>,
    /// How many deletions are carried out without asking.
    pub limits: DeleteLimits,
    /// Whether other file systems mounted below the folder belong to it.
    pub cross_mounts: bool,
    /// How long the local trash, and S4's own in the bucket, keep what they hold; 0 keeps nothing beyond the run.
    pub trash_days: u32,
    /// Whether objects are copied to the bucket's trash before they are deleted, where no versions are kept.
    pub bucket_trash: bool,
    /// Whether S4 may keep objects of its own below the prefix even while the Python S4 uses it (`journal = "on"`).
    pub own_objects: bool,
    /// Where the database lies; `None` for `<folder>/.s4`.
    pub database_dir: Option<PathBuf>,
    /// The platform's state directory, in which the record of generations lies.
    pub state_dir: PathBuf,
    /// The name of this computer, for conflict copies.
    pub host: String,
}

/// What one run is asked for, beyond the settings.
#[derive(Clone, Debug, Default)]
pub struct SyncOptions {
    /// Another policy for this run.
    pub policy: Option<ConflictPolicy>,
    /// Other limits for this run.
    pub limits: Option<DeleteLimits>,
    /// Whether ignored objects are deleted from the bucket.
    pub prune_ignored: bool,
}
