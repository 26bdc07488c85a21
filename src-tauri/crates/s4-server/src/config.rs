//! What a server is started with. Decides nothing; only holds the choices of the caller.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// The choices a server is started with.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// The folder that holds everything: index, blobs, keys, port. Created when missing.
    pub data: PathBuf,
    /// Where to listen. `None` means loopback only. Port 0 means: the port of the last start, or, at
    /// the first start, one that the system picks.
    pub listen: Option<SocketAddr>,
    /// The region named in replies. Requests signed for any region are accepted.
    pub region: String,
    /// The bucket made at start if the server holds none.
    pub default_bucket: DefaultBucket,
    /// Which checksums an object shows to a reader who asks for them.
    pub shown_checksums: ShownChecksums,
    /// How long [`shutdown`](crate::RunningServer::shutdown) waits for requests under way.
    pub shutdown_patience: Duration,
}

impl ServerConfig {
    /// Returns the usual choices for a server that keeps its data in `data`.
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self {
            data: data.into(),
            listen: None,
            region: "us-east-1".to_owned(),
            default_bucket: DefaultBucket::Versioned("s4".to_owned()),
            shown_checksums: ShownChecksums::AlwaysCrc64Nvme,
            shutdown_patience: Duration::from_secs(10),
        }
    }
}

/// The bucket made at start if the server holds none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DefaultBucket {
    /// Makes a bucket of this name that keeps old versions.
    Versioned(String),
    /// Makes a bucket of this name that keeps no old versions.
    Unversioned(String),
    /// Makes no bucket.
    None,
}

impl DefaultBucket {
    /// Returns the name of the bucket, if one is wanted.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Versioned(name) | Self::Unversioned(name) => Some(name),
            Self::None => None,
        }
    }
}

/// Which checksums an object shows to a reader who asks for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShownChecksums {
    /// The full-object CRC64NVME of every object, and the one that its writer chose.
    AlwaysCrc64Nvme,
    /// Only the one that its writer chose, as Amazon S3 does; CRC64NVME if the writer chose none.
    ChosenByWriter,
}
