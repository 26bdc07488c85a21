//! The store against real servers.

// Panics are the verdict of a test.
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "it/embedded.rs"]
mod embedded;
#[path = "it/moto.rs"]
mod moto;
#[path = "it/moto_server.rs"]
mod moto_server;
#[path = "it/replies.rs"]
mod replies;
#[path = "it/scripted.rs"]
mod scripted;
