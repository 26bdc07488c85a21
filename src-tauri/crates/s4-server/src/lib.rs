//! The embedded S3 endpoint: a real S3 server for one machine, with a folder behind it.
//!
//! Decides how objects are kept and which requests they answer; knows nothing of synchronising.
//!
//! - What was acknowledged survives `kill -9` and a power cut.
//! - Conditions hold under races: of many requests with the same condition exactly one wins.
//! - Any key that S3 allows is one here; no file name is ever made from it.
//! - Nothing is answered without a signature made with the server's own keys.
//! - What is not implemented is answered with 501, never half done.
//!
//! ```no_run
//! # async fn example() -> Result<(), s4_server::ServerError> {
//! use s4_server::{Server, ServerConfig};
//!
//! let server = Server::start(ServerConfig::new("/var/lib/s4")).await?;
//! println!("{} {:?}", server.endpoint(), server.bucket());
//! server.shutdown().await;
//! # Ok(())
//! # }
//! ```

mod condition;
mod config;
mod counters;
mod credentials;
mod data_folder;
mod digest;
mod error;
mod moment;
mod s3;
mod server;
mod storage;

pub use config::{DefaultBucket, ServerConfig, ShownChecksums};
pub use counters::{Counters, Counts};
pub use credentials::Credentials;
pub use error::ServerError;
pub use server::{RunningServer, Server};
