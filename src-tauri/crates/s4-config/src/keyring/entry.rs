//! What an entry of the keyring holds: the keys as one JSON object.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{AccessKeys, Secret};

#[derive(Serialize)]
struct Entry<'a> {
    access_key_id: &'a str,
    secret_access_key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_token: Option<&'a str>,
}

pub(super) fn encode(keys: &AccessKeys) -> Zeroizing<Vec<u8>> {
    let entry = Entry {
        access_key_id: &keys.access_key_id,
        secret_access_key: keys.secret_access_key.expose(),
        session_token: keys.session_token.as_ref().map(Secret::expose),
    };
    Zeroizing::new(serde_json::to_vec(&entry).expect("three texts and a vector to write to can't fail"))
}

/// Returns nothing for anything that [`encode`] does not write, and says nothing about it: it may be a secret.
pub(super) fn decode(content: &[u8]) -> Option<AccessKeys> {
    let entry: OwnedEntry = serde_json::from_slice(content).ok()?;
    Some(AccessKeys {
        access_key_id: entry.access_key_id,
        secret_access_key: Secret::new(entry.secret_access_key),
        session_token: entry.session_token.map(Secret::new),
    })
}

/// Texts with escapes cannot be borrowed.
#[derive(Deserialize)]
struct OwnedEntry {
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
}
