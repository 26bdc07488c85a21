//! Moving content, and knowing it by its hashes while it moves.
//!
//! - What is read is hashed in the same pass, and its stamps are compared before the first byte and after the last.
//! - What arrives is compared with every checksum the store has of it before it takes a name.

pub(crate) mod aside;
pub(crate) mod body;
mod budget;
pub(crate) mod delta;
pub(crate) mod download;
pub(crate) mod hashing;
pub(crate) mod layout;
pub(crate) mod lost_reply;
mod ranges;
mod resumed;
pub(crate) mod small;
pub(crate) mod upload;
pub(crate) mod uploads;
