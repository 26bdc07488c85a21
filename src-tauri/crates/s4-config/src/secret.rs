//! Text that must not be seen.

use std::fmt;

use zeroize::Zeroizing;

/// A secret: prints as `***` everywhere, and its memory is wiped when it is dropped.
///
/// There is one way to the text, [`Secret::expose`], so that every use can be found.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text over; the caller keeps no copy.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// Returns the text itself, for a signature or the keyring and nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The keys that sign requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessKeys {
    /// Names the key pair; not secret.
    pub access_key_id: String,
    /// Signs the requests.
    pub secret_access_key: Secret,
    /// Comes with temporary keys only.
    pub session_token: Option<Secret>,
}

impl AccessKeys {
    /// Returns lasting keys, which have no session token.
    pub fn new(access_key_id: impl Into<String>, secret_access_key: Secret) -> Self {
        Self { access_key_id: access_key_id.into(), secret_access_key, session_token: None }
    }
}
