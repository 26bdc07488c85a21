//! The server over HTTP: starting and stopping, races, counts, and what independent clients say of it.

// Panics are the verdict of a test.
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "it/client.rs"]
mod client;
#[path = "it/counts.rs"]
mod counts;
#[path = "it/kill.rs"]
mod kill;
#[path = "it/lifecycle.rs"]
mod lifecycle;
#[path = "it/others.rs"]
mod others;
#[path = "it/races.rs"]
mod races;
