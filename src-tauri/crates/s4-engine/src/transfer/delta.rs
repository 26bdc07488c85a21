//! Large files by what changed in them, both ways; whoever is in doubt moves the whole.
//!
//! - [`up`] sends the ranges of a file that its base in the bucket has not, and lets the store copy the others.
//! - [`down`] fetches the ranges of an object that the file on disk has not, and copies the others from it.
//! - Both end by comparing the checksum of the whole, as read, with what the bucket has. Lists of chunks and
//!   descriptions only say what is worth trying; a wrong one costs time, never content.

pub(crate) mod document;
pub(crate) mod down;
pub(crate) mod reading;
pub(crate) mod up;

pub(crate) use document::expire;
