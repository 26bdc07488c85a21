//! A place for entries, as narrow as we need it: the system's keyring, or memory.

use std::{collections::HashMap, sync::Mutex};

use keyring_core::{Entry, Error, api::CredentialStoreApi};
use zeroize::Zeroizing;

use super::native;

/// Names all of S4's entries.
const SERVICE: &str = "s4";

/// Names one entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) user: String,
    /// What a person sees in the keyring's own window.
    pub(super) label: String,
}

/// Stores entries. Calls may block for as long as a person takes.
pub(super) trait Vault: Send + 'static {
    /// Stores `content`, in place of what was there.
    fn write(&self, account: &Account, content: &[u8]) -> Result<(), VaultError>;
    /// Returns the content of an entry.
    fn read(&self, account: &Account) -> Result<Zeroizing<Vec<u8>>, VaultError>;
    /// Removes an entry.
    fn erase(&self, account: &Account) -> Result<(), VaultError>;
}

/// What went wrong, without a word of the content.
#[derive(Debug)]
#[cfg_attr(windows, allow(dead_code, reason = "the Credential Manager is open while its user is logged on"))]
pub(super) enum VaultError {
    NoKeyring(BoxedError),
    Locked,
    Denied(BoxedError),
    NotFound,
    Unusable,
    TooLong(u32),
    Failed(BoxedError),
}

pub(super) type BoxedError = Box<dyn std::error::Error + Send + Sync>;

/// The system's keyring, connected to anew for each call: it may start after us, and be restarted under us.
pub(super) struct NativeVault;

impl NativeVault {
    fn entry(account: &Account) -> Result<Entry, VaultError> {
        let store = native::connect().map_err(|error| match classify(error) {
            VaultError::Failed(source) => VaultError::NoKeyring(source),
            other => other,
        })?;
        let modifiers = native::modifiers(account);
        store.build(SERVICE, &account.user, modifiers.as_ref()).map_err(classify)
    }
}

impl Vault for NativeVault {
    fn write(&self, account: &Account, content: &[u8]) -> Result<(), VaultError> {
        Self::entry(account)?.set_secret(content).map_err(classify)
    }

    fn read(&self, account: &Account) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        Self::entry(account)?.get_secret().map(Zeroizing::new).map_err(classify)
    }

    fn erase(&self, account: &Account) -> Result<(), VaultError> {
        Self::entry(account)?.delete_credential().map_err(classify)
    }
}

/// Sorts a keyring's error by what a person can do about it; content that some variants carry is dropped here.
fn classify(error: Error) -> VaultError {
    match error {
        Error::NoEntry => VaultError::NotFound,
        Error::TooLong(_, limit) => VaultError::TooLong(limit),
        Error::PlatformFailure(source) => native::classify(source),
        Error::NoStorageAccess(source) => match native::classify(source) {
            VaultError::Failed(source) => VaultError::NoKeyring(source),
            other => other,
        },
        Error::BadEncoding(_) | Error::BadDataFormat(..) | Error::BadStoreFormat(_) | Error::Ambiguous(_) => {
            VaultError::Unusable
        }
        Error::NoDefaultStore => VaultError::NoKeyring("there is none on this system".into()),
        Error::Invalid(name, reason) => VaultError::Failed(format!("`{name}` {reason}").into()),
        other => VaultError::Failed(other.to_string().into()),
    }
}

/// Entries that are gone with the process.
#[derive(Default)]
pub(super) struct MemoryVault {
    entries: Mutex<HashMap<String, Zeroizing<Vec<u8>>>>,
}

impl MemoryVault {
    fn with<T>(&self, work: impl FnOnce(&mut HashMap<String, Zeroizing<Vec<u8>>>) -> T) -> T {
        // The map is whole after every call, even one that panicked.
        work(&mut self.entries.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

impl Vault for MemoryVault {
    fn write(&self, account: &Account, content: &[u8]) -> Result<(), VaultError> {
        self.with(|entries| entries.insert(account.user.clone(), Zeroizing::new(content.to_vec())));
        Ok(())
    }

    fn read(&self, account: &Account) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        self.with(|entries| entries.get(&account.user).cloned()).ok_or(VaultError::NotFound)
    }

    fn erase(&self, account: &Account) -> Result<(), VaultError> {
        self.with(|entries| entries.remove(&account.user)).map(drop).ok_or(VaultError::NotFound)
    }
}
