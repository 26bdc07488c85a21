//! What the end-to-end tests stand on: the real `s4` against the real server, watched by programs of others.
//!
//! - Nothing here knows how S4 works inside. What counts is what is on disk, in the bucket, in the output and in the
//!   exit status.
//! - The program under test is `$S4_BINARY`, else `target/debug/s4`. Python programs run in the environments that
//!   `cargo xtask setup` makes.
//! - Every process ends with the value that stands for it, and every wait has a deadline.
//! - A helper that cannot do its part panics, naming what it was about: a test has nothing to recover.

pub mod author;
pub mod bucket;
pub mod judge;
pub mod machine;
pub mod places;
pub mod process;
pub mod proxy;
pub mod python;
pub mod random;
pub mod server;
pub mod tree;
pub mod world;
