//! Drives the core over a store and a disk: observe, reconcile, execute, commit.
//!
//! - It decides nothing about files: [`s4_core::reconcile`] does. It looks, asks what is missing, carries the plan
//!   out with every precondition it names, and commits what both sides agreed on.
//! - It knows no terminal, no window and no argument parser: it reports by values.
//! - Rows are committed after what they tell is durable: the baseline may be older than the disk, never newer.

mod blocking;
pub mod bucket_trash;
pub mod clock;
pub mod connect;
mod cycle;
pub mod db;
mod early;
pub mod error;
mod examine;
mod execute;
pub mod identity;
pub mod inspect;
mod lanes;
mod lessons;
pub mod lock;
mod observe;
mod planning;
mod recover;
pub mod report;
mod rules;
mod session;
pub mod settings;
pub mod target;
mod transfer;

pub use blocking::Blocking;
pub use lanes::LaneStores;
