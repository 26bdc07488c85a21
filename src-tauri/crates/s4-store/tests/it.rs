//! The store against real servers, and against some that misbehave.

// Panics are the verdict of a test.
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "it/clients.rs"]
mod clients;
#[path = "it/embedded.rs"]
mod embedded;
#[path = "it/environment.rs"]
mod environment;
#[path = "it/moto.rs"]
mod moto;
#[path = "it/moto_server.rs"]
mod moto_server;
#[path = "it/patience.rs"]
mod patience;
#[path = "it/pressure.rs"]
mod pressure;
#[path = "it/replies.rs"]
mod replies;
#[path = "it/scripted.rs"]
mod scripted;
#[path = "it/tls.rs"]
mod tls;
