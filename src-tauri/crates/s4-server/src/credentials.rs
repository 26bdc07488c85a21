//! The one pair of keys that a server accepts: made at the first start, kept in the data folder.
//!
//! - The secret is never printed by `Debug` and never logged.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::data_folder::DataFolder;
use crate::error::ServerError;

/// The name of the file in the data folder.
const FILE: &str = "credentials.json";

/// The pair of keys that a server accepts.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    access_key_id: String,
    secret_access_key: String,
}

impl Credentials {
    /// Returns the public half.
    pub fn access_key_id(&self) -> &str {
        &self.access_key_id
    }

    /// Returns the secret half. Show it only to the person who runs the server.
    pub fn secret_access_key(&self) -> &str {
        &self.secret_access_key
    }

    /// Returns the keys kept in the folder; makes and keeps new ones if there are none.
    pub(crate) fn load_or_create(folder: &DataFolder) -> Result<Self, ServerError> {
        match folder.read(FILE)? {
            Some(text) => {
                Self::parse(&text).map_err(|reason| ServerError::Damaged { path: folder.file(FILE), reason })
            }
            None => {
                let made = Self::generate();
                folder.write(FILE, &made.to_json())?;
                Ok(made)
            }
        }
    }

    fn parse(text: &str) -> Result<Self, String> {
        // The parser's own message could quote the secret, so only the place is told.
        let keys: Self =
            serde_json::from_str(text).map_err(|error| format!("no valid JSON at line {}", error.line()))?;
        if keys.access_key_id.is_empty() || keys.secret_access_key.is_empty() {
            return Err("a key in it is empty".to_owned());
        }
        Ok(keys)
    }

    fn to_json(&self) -> String {
        serde_json::json!({
            "access_key_id": self.access_key_id,
            "secret_access_key": self.secret_access_key,
        })
        .to_string()
    }

    fn generate() -> Self {
        // Random UUIDs are 122 bits each of the system's randomness: two make a secret that can't be guessed.
        let mut secret = Vec::with_capacity(32);
        secret.extend_from_slice(Uuid::new_v4().as_bytes());
        secret.extend_from_slice(Uuid::new_v4().as_bytes());
        let name = Uuid::new_v4().simple().to_string().to_uppercase();
        Self {
            access_key_id: format!("S4{}", &name[..18]),
            secret_access_key: URL_SAFE_NO_PAD.encode(secret),
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Credentials")
            .field("access_key_id", &self.access_key_id)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_hides_the_secret() {
        let keys = Credentials::generate();
        let shown = format!("{keys:?}");
        assert!(shown.contains(keys.access_key_id()));
        assert!(!shown.contains(keys.secret_access_key()));
    }

    #[test]
    fn kept_keys_come_back_private() {
        let dir = tempfile::tempdir().unwrap();
        let folder = DataFolder::open(dir.path()).unwrap();
        let made = Credentials::load_or_create(&folder).unwrap();
        assert_eq!(Credentials::load_or_create(&folder).unwrap(), made);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(folder.file(FILE)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn damaged_keys_are_refused_without_being_shown() {
        let dir = tempfile::tempdir().unwrap();
        let folder = DataFolder::open(dir.path()).unwrap();
        folder.write(FILE, "{\"access_key_id\": \"a\", \"secret_access_key\": 7071}").unwrap();
        let error = Credentials::load_or_create(&folder).unwrap_err();
        assert!(matches!(error, ServerError::Damaged { .. }));
        assert!(!error.to_string().contains("7071"));
    }
}
