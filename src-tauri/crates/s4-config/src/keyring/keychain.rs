//! macOS: the login keychain.

use std::{collections::HashMap, sync::Arc};

use apple_native_keyring_store::keychain::Store;
use keyring_core::Result;
use security_framework::base::Error;

use super::vault::{Account, BoxedError, VaultError};

/// Result codes of Security.framework, see <https://developer.apple.com/documentation/security/security-framework-result-codes>.
mod code {
    pub(super) const USER_CANCELED: i32 = -128;
    pub(super) const WRITE_PERMISSIONS: i32 = -61;
    pub(super) const INVALID_OWNER_EDIT: i32 = -25244;
    pub(super) const NOT_AVAILABLE: i32 = -25291;
    pub(super) const READ_ONLY: i32 = -25292;
    pub(super) const AUTHENTICATION_FAILED: i32 = -25293;
    pub(super) const NO_SUCH_KEYCHAIN: i32 = -25294;
    pub(super) const INVALID_KEYCHAIN: i32 = -25295;
    pub(super) const NO_DEFAULT_KEYCHAIN: i32 = -25307;
    pub(super) const INTERACTION_NOT_ALLOWED: i32 = -25308;
    pub(super) const INTERACTION_REQUIRED: i32 = -25315;
}

pub(super) fn connect() -> Result<Arc<Store>> {
    Store::new()
}

/// The keychain's entries have no label of their own to set.
pub(super) fn modifiers(_account: &Account) -> Option<HashMap<&str, &str>> {
    None
}

pub(super) fn classify(source: BoxedError) -> VaultError {
    match source.downcast_ref::<Error>().map(|error| error.code()) {
        // Over SSH, or before the first login: the keychain is locked and may not ask.
        Some(code::INTERACTION_NOT_ALLOWED | code::INTERACTION_REQUIRED) => VaultError::Locked,
        Some(
            code::USER_CANCELED
            | code::AUTHENTICATION_FAILED
            | code::WRITE_PERMISSIONS
            | code::INVALID_OWNER_EDIT
            | code::READ_ONLY,
        ) => VaultError::Denied(source),
        Some(
            code::NOT_AVAILABLE | code::NO_SUCH_KEYCHAIN | code::INVALID_KEYCHAIN | code::NO_DEFAULT_KEYCHAIN,
        ) => VaultError::NoKeyring(source),
        Some(_) | None => VaultError::Failed(source),
    }
}
