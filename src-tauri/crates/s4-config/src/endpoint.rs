//! Which server speaks S3: an endpoint's URL, and whether two of them mean the same store.

use std::{fmt, str::FromStr};

use thiserror::Error;

/// The URL of an S3 server, as a person wrote it.
///
/// Invariants:
/// - `http` or `https` with a host; no user, password, query or fragment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint(String);

/// What two targets have in common when they talk to one store: never shown, only compared.
///
/// All names of Amazon's own endpoints in one partition mean one store, since its bucket names are unique there.
/// Elsewhere host and port decide; the scheme does not, as one server usually answers on both.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StoreIdentity(String);

/// Why a text is no endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// No `http://` or `https://`.
    #[error("the endpoint {text:?} is not a URL; write https://HOST or http://HOST:PORT")]
    Scheme {
        /// As given.
        text: String,
    },
    /// Nothing between the slashes, or something that cannot be a host and port.
    #[error("the endpoint {text:?} names no host; write https://HOST or http://HOST:PORT")]
    Host {
        /// As given.
        text: String,
    },
    /// Keys in the URL would end up in messages. The text is kept out of this error for the same reason.
    #[error("the endpoint has a user or password in it; leave them out and use an access key")]
    Password,
    /// `?` or `#`.
    #[error("the endpoint {text:?} has a `?` or `#` in it; write only scheme, host, port and path")]
    Query {
        /// As given.
        text: String,
    },
}

impl Endpoint {
    /// Returns the URL as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether everything, keys' signatures included, travels unencrypted.
    pub fn is_plain_http(&self) -> bool {
        !self.parts().is_some_and(|parts| parts.is_https)
    }

    /// Returns the host without its port, in lower case.
    pub fn host(&self) -> String {
        self.parts().map(|parts| parts.host.to_ascii_lowercase()).unwrap_or_default()
    }

    fn parts(&self) -> Option<Parts<'_>> {
        Parts::of(&self.0)
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let owned = || text.to_owned();
        if text.contains('@') {
            return Err(EndpointError::Password);
        }
        if text.contains(['?', '#']) {
            return Err(EndpointError::Query { text: owned() });
        }
        let Some(parts) = Parts::of(text) else { return Err(EndpointError::Scheme { text: owned() }) };
        let is_port = |port: &str| port.parse::<u16>().is_ok_and(|port| port != 0);
        if parts.host.is_empty()
            || text.contains(|character: char| character.is_whitespace() || character.is_control())
            || !parts.port.is_none_or(is_port)
        {
            return Err(EndpointError::Host { text: owned() });
        }
        Ok(Self(owned()))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl StoreIdentity {
    /// Returns the identity of the store behind an endpoint; without one it is Amazon's, in the region's partition.
    pub fn of(endpoint: Option<&Endpoint>, region: Option<&str>) -> Self {
        let is_china = region.is_some_and(|region| region.starts_with("cn-"));
        let Some(parts) = endpoint.and_then(Endpoint::parts) else {
            return Self(if is_china { "amazonaws.com.cn" } else { "amazonaws.com" }.to_owned());
        };
        let host = parts.host.to_ascii_lowercase();
        for amazon in ["amazonaws.com", "amazonaws.com.cn"] {
            if host == amazon || host.strip_suffix(amazon).is_some_and(|before| before.ends_with('.')) {
                return Self(amazon.to_owned());
            }
        }
        let path = parts.path.trim_end_matches('/');
        match parts.port.filter(|port| !matches!(*port, "80" | "443")) {
            Some(port) => Self(format!("{host}:{port}{path}")),
            None => Self(format!("{host}{path}")),
        }
    }
}

struct Parts<'a> {
    is_https: bool,
    host: &'a str,
    port: Option<&'a str>,
    path: &'a str,
}

impl<'a> Parts<'a> {
    fn of(url: &'a str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let is_https = scheme.eq_ignore_ascii_case("https");
        if !is_https && !scheme.eq_ignore_ascii_case("http") {
            return None;
        }
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        // The colons inside `[::1]` are part of the host.
        let port_at = authority.rfind(':').filter(|colon| !authority[*colon..].contains(']'));
        let (host, port) = match port_at {
            Some(colon) => (&authority[..colon], Some(&authority[colon + 1..])),
            None => (authority, None),
        };
        Some(Self { is_https, host, port, path })
    }
}
