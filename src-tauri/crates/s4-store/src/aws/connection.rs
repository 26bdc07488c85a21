//! How to reach a bucket: where it is, as whom, through what.
//!
//! - Nothing here is checked by asking the store, and nothing is read from the environment.
//! - `Debug` never shows a secret.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use url::{Host, Url};

use crate::error::{Result, StoreError, StoreErrorKind};
use crate::pace::Pace;

/// How to reach a bucket.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The bucket's name.
    pub bucket: String,
    /// The URL of the service; `None` means AWS.
    pub endpoint: Option<String>,
    /// The region to sign for; `None` means that the store is asked.
    pub region: Option<String>,
    /// Where in the URL the bucket's name stands.
    pub addressing: Addressing,
    /// Certificates in PEM form, trusted besides those of the system.
    pub ca_bundle: Option<Vec<u8>>,
    /// As whom.
    pub credentials: CredentialSource,
    /// How long to wait.
    pub timeouts: Timeouts,
    /// How fast bodies may go, together with all others that share it.
    pub pace: Arc<Pace>,
}

/// Where in the URL the bucket's name stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Addressing {
    /// In the host's name for AWS, in the path for other endpoints.
    #[default]
    Auto,
    /// In the path.
    Path,
    /// In the host's name.
    Virtual,
}

/// Where the keys come from.
#[derive(Clone, PartialEq, Eq)]
pub enum CredentialSource {
    /// These.
    Keys {
        /// Which keys.
        access_key_id: String,
        /// Their secret.
        secret_access_key: String,
        /// The token of a temporary session.
        session_token: Option<String>,
    },
    /// A profile of the AWS configuration files, whatever it names: keys, a role, SSO, a process.
    Profile(String),
    /// `AWS_ACCESS_KEY_ID` and its like.
    Environment,
    /// All places where the AWS tools look, in their order.
    DefaultChain,
    /// None: requests are not signed.
    Anonymous,
}

impl fmt::Debug for CredentialSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keys { access_key_id, secret_access_key: _, session_token: _ } => {
                write!(formatter, "Keys({access_key_id}, …)")
            }
            Self::Profile(name) => write!(formatter, "Profile({name})"),
            Self::Environment => formatter.write_str("Environment"),
            Self::DefaultChain => formatter.write_str("DefaultChain"),
            Self::Anonymous => formatter.write_str("Anonymous"),
        }
    }
}

/// How long to wait before a request counts as lost.
///
/// A slow link lives: bodies take as long as they take, and are given up only when nothing moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection to stand.
    pub connect: Duration,
    /// For the reply, once the request has gone.
    pub reply: Duration,
    /// For the reply to a server-side copy, or to the completion of an upload.
    pub server_work: Duration,
    /// For nothing at all to move while a body is under way.
    pub stall: Duration,
    /// The slowest link that is waited for, in bytes per second: what the system has taken may need so long to leave.
    pub slowest_upload: u64,
    /// For a store that refuses everything because it is busy; after that each request asks once.
    pub busy: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            reply: Duration::from_secs(60),
            server_work: Duration::from_secs(15 * 60),
            stall: Duration::from_secs(30),
            slowest_upload: 16 << 10,
            busy: Duration::from_secs(60),
        }
    }
}

impl Connection {
    /// Returns the connection to `bucket` at AWS, with everything else at its default.
    pub fn new(bucket: impl Into<String>, credentials: CredentialSource) -> Self {
        Self {
            bucket: bucket.into(),
            endpoint: None,
            region: None,
            addressing: Addressing::Auto,
            ca_bundle: None,
            credentials,
            timeouts: Timeouts::default(),
            pace: Arc::default(),
        }
    }

    /// Returns whether keys and content would cross a network in the clear: plain http, to another computer.
    pub fn is_plaintext(&self) -> bool {
        self.endpoint_url()
            .is_ok_and(|url| url.is_some_and(|url| url.scheme() == "http" && !is_loopback(&url)))
    }

    /// Returns whether requests are protected by TLS.
    pub(super) fn is_https(&self) -> Result<bool> {
        Ok(self.endpoint_url()?.is_none_or(|url| url.scheme() == "https"))
    }

    /// Returns whether the bucket's name stands in the path.
    pub(super) fn uses_path(&self) -> bool {
        match self.addressing {
            Addressing::Auto => self.endpoint.is_some(),
            Addressing::Path => true,
            Addressing::Virtual => false,
        }
    }

    /// Returns the endpoint, which must be an `http` or `https` URL with a host.
    pub(super) fn endpoint_url(&self) -> Result<Option<Url>> {
        let Some(text) = &self.endpoint else {
            return Ok(None);
        };
        let refused = |why: &str| StoreError::new(StoreErrorKind::Other, "Connect", text, why);
        let url = Url::parse(text).map_err(|why| refused(&format!("the endpoint is no URL: {why}")))?;
        match url.scheme() {
            "http" | "https" => {}
            _ => return Err(refused("the endpoint must begin with `https://` or `http://`")),
        }
        if url.host().is_none() {
            return Err(refused("the endpoint names no host"));
        }
        Ok(Some(url))
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(endpoint: Option<&str>) -> Connection {
        let keys = CredentialSource::Keys {
            access_key_id: "AKIA".into(),
            secret_access_key: "hush".into(),
            session_token: Some("hush too".into()),
        };
        Connection { endpoint: endpoint.map(Into::into), ..Connection::new("bucket", keys) }
    }

    #[test]
    fn only_http_to_another_computer_is_plaintext() {
        let rows = [
            (None, false),
            (Some("https://s3.example.com"), false),
            (Some("http://s3.example.com:9000"), true),
            (Some("http://localhost:9000"), false),
            (Some("http://127.0.0.1:9000"), false),
            (Some("http://[::1]:9000"), false),
            (Some("http://192.168.1.5"), true),
            (Some("nonsense"), false),
        ];
        for (endpoint, expected) in rows {
            assert_eq!(at(endpoint).is_plaintext(), expected, "{endpoint:?}");
        }
    }

    #[test]
    fn bad_endpoints_are_named() {
        for endpoint in ["nonsense", "ftp://x", "s3.example.com", "https://"] {
            let error = at(Some(endpoint)).endpoint_url().unwrap_err().to_string();
            assert!(error.contains(endpoint) && error.contains("endpoint"), "{error}");
        }
    }

    #[test]
    fn secrets_stay_out_of_debug() {
        assert!(!format!("{:?}", at(None)).contains("hush"));
    }

    #[test]
    fn the_bucket_stands_in_the_path_of_other_endpoints() {
        assert!(!at(None).uses_path());
        assert!(at(Some("http://localhost")).uses_path());
        let host = Connection { addressing: Addressing::Virtual, ..at(Some("http://localhost")) };
        assert!(!host.uses_path());
    }
}
