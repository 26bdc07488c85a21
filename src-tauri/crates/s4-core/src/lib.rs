//! What S4 decides: pure values, and functions over them that cannot fail.
//!
//! - Three trees go in ([`local::LocalTree`], [`remote::RemoteTree`], [`baseline::Baseline`]), a
//!   [`plan::Plan`] comes out of [`reconcile::reconcile`].
//! - Nothing here reads a disk, a bucket, a clock or the environment, and nothing here is random: the
//!   same input gives the same plan, byte for byte.
//! - What the core does not know it asks for ([`plan::Examine`]); it never guesses.

pub mod baseline;
pub mod capabilities;
pub mod chunk;
pub mod context;
pub mod deletion_window;
pub mod delta;
pub mod digest;
pub mod facts;
pub mod focus;
pub mod guard;
pub mod key;
pub mod local;
pub mod names;
pub mod path;
pub mod plan;
pub mod reconcile;
pub mod remote;
pub mod rules;
pub mod traits;
pub mod tree;
