//! Windows: the Credential Manager.

use std::{collections::HashMap, sync::Arc};

use keyring_core::Result;
use windows_native_keyring_store::Store;

use super::vault::{Account, BoxedError, VaultError};

pub(super) fn connect() -> Result<Arc<Store>> {
    Store::new()
}

/// Keys stay on the machine that they were given to, instead of roaming with a domain's profile.
pub(super) fn modifiers(_account: &Account) -> Option<HashMap<&str, &str>> {
    Some(HashMap::from([("persistence", "Local")]))
}

/// The store keeps the system's codes to itself; a session without credentials it tells by the variant.
pub(super) fn classify(source: BoxedError) -> VaultError {
    VaultError::Failed(source)
}
