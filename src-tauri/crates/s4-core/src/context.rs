//! What a plan depends on beyond the trees and facts: rules, abilities, and what a person asked for.

use crate::capabilities::Capabilities;
use crate::key::Prefix;
use crate::remote::UnixMillis;
use crate::rules::Rules;
use crate::traits::DiskTraits;

/// Everything a plan depends on beyond the trees and facts.
#[derive(Clone, Debug)]
pub struct Context {
    /// What the disk can do.
    pub disk: DiskTraits,
    /// What the store can do.
    pub store: Capabilities,
    /// The part of the bucket that is synced.
    pub prefix: Prefix,
    /// What to do with two different versions.
    pub policy: ConflictPolicy,
    /// What is never synced.
    pub rules: Rules,
    /// Whether ignored objects are deleted from the bucket (`--prune-ignored`).
    pub prune_ignored: bool,
    /// Whether what is deleted from the bucket, or replaced there by policy, is copied to the bucket's trash.
    pub bucket_trash: bool,
    /// How many deletions are carried out without asking.
    pub limits: DeleteLimits,
    /// Deletions of the recent past, which count as well.
    pub guard: GuardHistory,
    /// Now. Only the policy `newest` looks at it.
    pub now: UnixMillis,
    /// The name under which conflict copies of this replica are known.
    pub stamp: ConflictStamp,
}

/// What to do with two different versions of one path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConflictPolicy {
    /// Leave both as they are, and ask.
    Ask,
    /// The remote version keeps the name; the local one gets a conflict name; both are synced.
    KeepBoth,
    /// The later one stands, where the times are clear; else as `Ask`.
    Newest,
    /// The local one stands.
    Local,
    /// The remote one stands.
    Remote,
}

/// How a conflict copy made now is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConflictStamp {
    /// The date here, `YYYY-MM-DD`.
    pub date: String,
    /// The name of this computer; characters that names cannot hold are replaced when it is used.
    pub host: String,
}

/// How many deletions in one direction are carried out without asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeleteLimits {
    /// More than 25 files and 25 % of the tree, or more than 1,000 files, halt.
    Default,
    /// More than this many files halt.
    Count(u64),
    /// More than this share of the tree, in percent, halts.
    Percent(u8),
    /// A person said to go on (`--force`).
    Unlimited,
}

/// Deletions carried out since the last ten quiet minutes, by direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GuardHistory {
    /// Files removed from the disk.
    pub local: Deletions,
    /// Objects removed from the bucket.
    pub remote: Deletions,
}

/// Deletions in one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deletions {
    /// How many there were.
    pub count: u64,
    /// How many files the tree had before the first of them; 0 if there was none.
    pub tree_then: u64,
}
