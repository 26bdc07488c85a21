//! What `sync` understands.

use clap::Args;
use s4_config::{Bandwidth, MaxDelete, RateLimit};
use s4_core::context::DeleteLimits;

use super::values::ConflictChoice;

/// What one run is asked for.
#[derive(Debug, Args)]
pub(crate) struct SyncArguments {
    /// The targets; all, if none is named
    pub(crate) names: Vec<String>,
    /// Show what would be done, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// What to do with two different versions: ask, keep-both, newest, local (1), remote (2), ignore
    #[arg(long, value_name = "POLICY")]
    pub(crate) conflicts: Option<ConflictChoice>,
    /// Print one JSON document, and never ask
    #[arg(long)]
    pub(crate) json: bool,
    /// How many deletions are carried out without a question, as a number of files or a share such as 25%
    #[arg(long, value_name = "N|P%")]
    pub(crate) max_delete: Option<MaxDelete>,
    /// Carry out every deletion, however many there are
    #[arg(long, conflicts_with = "max_delete")]
    pub(crate) force: bool,
    /// Delete from the bucket what the rules ignore
    #[arg(long)]
    pub(crate) prune_ignored: bool,
    /// How fast to upload at most, in bytes per second: 500K, 2M, or off; instead of limit_up in sync.conf
    #[arg(long, value_name = "RATE")]
    pub(crate) limit_up: Option<RateLimit>,
    /// How fast to download at most, in bytes per second: 500K, 2M, or off; instead of limit_down in sync.conf
    #[arg(long, value_name = "RATE")]
    pub(crate) limit_down: Option<RateLimit>,
}

impl SyncArguments {
    /// Returns the limits of this run, `None` for the target's own.
    pub(crate) fn limits(&self) -> Option<DeleteLimits> {
        if self.force {
            return Some(DeleteLimits::Unlimited);
        }
        self.max_delete.map(|limit| match limit {
            MaxDelete::Count(count) => DeleteLimits::Count(count),
            MaxDelete::Percent(percent) => DeleteLimits::Percent(percent),
        })
    }

    /// Returns the bandwidth of this run; what is not given is as in `configured`.
    pub(crate) fn bandwidth(&self, configured: Bandwidth) -> Bandwidth {
        Bandwidth {
            up: self.limit_up.unwrap_or(configured.up),
            down: self.limit_down.unwrap_or(configured.down),
        }
    }
}
