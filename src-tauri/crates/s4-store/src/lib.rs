//! S3 as a trait: what sync needs of a bucket, and nothing else.
//!
//! - It knows keys, never local paths.
//! - Only `aws` names the vendor's SDK.
//! - Every store passes the suite in `contract`.

pub mod adaptive;
pub mod aws;
pub mod content_type;
pub mod contract;
pub mod error;
pub mod faulty;
pub mod memory;
pub mod pace;
pub mod probe;
pub mod store;
