//! Windows: the Credential Manager.

use std::{collections::HashMap, sync::Arc};

use keyring_core::Result;
use windows_native_keyring_store::Store;

use super::vault::{Account, BoxedError, VaultError};

pub(super) fn connect() -> Result<Arc<Store>> {
    Store::new()
}

/// The Credential Manager shows the user name, and needs no label.
pub(super) fn modifiers(_account: &Account) -> Option<HashMap<&str, &str>> {
    None
}

/// The store tells apart one failure of the system only: a logon session without credentials, as services have.
pub(super) fn classify(source: BoxedError) -> VaultError {
    VaultError::Failed(source)
}
