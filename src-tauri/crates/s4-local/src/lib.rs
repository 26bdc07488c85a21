//! The disk as a trait, and the safe steps that a sync makes of it.
//!
//! Two levels:
//! - [`disk::Disk`]: one step of the system each, below one root, never through a symbolic link. [`real`] is
//!   the system's disk, [`memory`] one whose ids, stamps and power cuts a test controls, [`faulty`] wraps
//!   either and fails or races at chosen steps. [`contract`] is the suite that both pass.
//! - [`folder::Folder`] and [`batch::Batch`]: scan, read, stage, create, replace, remove, rename, trash.
//!
//! Invariants:
//! - What stood at a path is never destroyed by a step: it is checked against what was planned at the last
//!   moment, moved aside as a whole, checked again, and put back if it is another.
//! - No tracked path is absent between two steps without an [`intent::Intent`] committed first.
//! - Nothing is unlinked but our own partials and expired trash.
//! - Nothing here knows a bucket, a baseline or a clock: times are arguments, or the file system's own.

pub mod batch;
pub mod cleaning;
pub mod contract;
pub mod disk;
pub mod error;
pub mod failpoint;
pub mod faulty;
pub mod folder;
pub mod intent;
pub mod memory;
mod mounts;
pub mod reading;
pub mod real;
pub mod resolve;
pub mod scan;
pub mod staging;
mod swap;
pub mod trash;
