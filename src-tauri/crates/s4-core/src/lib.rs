//! What S4 decides: pure values, and functions over them that cannot fail.
//!
//! - Three trees go in ([`local::LocalTree`], [`remote::RemoteTree`], [`baseline::Baseline`]), a
//!   [`plan::Plan`] comes out.
//! - Nothing here reads a disk, a bucket, a clock or the environment, and nothing here is random: the
//!   same input gives the same plan, byte for byte.
//! - What the core does not know it asks for ; it never guesses.

pub mod baseline;
pub mod capabilities;
pub mod digest;
pub mod facts;
pub mod key;
pub mod local;
pub mod path;
pub mod remote;
pub mod traits;
pub mod tree;
