//! The keys in the system's keyring: the one module that talks to it.
//!
//! Decides what an entry is called and holds, and how long to wait for it. It never decides whose keys a target uses,
//! and never writes a key anywhere else.
//!
//! Invariants:
//! - Every request runs on a thread of its own and is given up after a while: a locked keyring waits for a person to
//!   answer its prompt, and hangs where nobody can.
//! - One request at a time: while one hangs, further ones give up in the same time and put up no prompt of their own.
//! - A write counts only when the keyring gives back exactly what was written.
//! - An engine with a configuration directory of its own sees no other engine's entries.
//! - No error holds any part of a secret.

mod entry;
mod vault;
mod worker;

#[cfg_attr(all(unix, not(target_os = "macos")), path = "keyring/secret_service.rs")]
#[cfg_attr(target_os = "macos", path = "keyring/keychain.rs")]
#[cfg_attr(windows, path = "keyring/credential_manager.rs")]
mod native;

use std::time::Duration;

use thiserror::Error;

use self::{
    vault::{Account, MemoryVault, NativeVault, Vault, VaultError},
    worker::{Gone, Worker},
};
use crate::{AccessKeys, Locations, TargetName};

/// Long enough for a person to type a password into the keyring's prompt.
const PATIENCE: Duration = Duration::from_secs(60);

/// The keys of one engine's targets in the system's keyring.
///
/// Every call blocks until it is done or given up: from asynchronous code call it where blocking is allowed.
/// A write that was given up may still happen when the person answers the prompt later.
#[derive(Debug)]
pub struct Secrets {
    /// Told apart by the configuration directory, unless it is the platform's own.
    instance: Option<String>,
    patience: Duration,
    worker: Worker,
}

/// Why the keyring did not do what was asked.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SecretsError {
    /// There is no keyring, or nothing answers for it.
    #[error(
        "no keyring can be reached ({source}); start one, or choose `--credentials env`, `--credentials default` \
        or `--credentials profile:NAME` instead"
    )]
    NoKeyring {
        /// What the system said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The keyring is locked and its prompt was dismissed, or could not be shown.
    #[error(
        "the keyring is locked; unlock it and try again, or choose `--credentials env`, `--credentials default` \
        or `--credentials profile:NAME` instead"
    )]
    Locked,
    /// No answer in time: most likely a prompt waits for its password.
    #[error("the keyring did not answer within {} s; if it shows a prompt, answer it and try again, or choose \
        `--credentials env`, `--credentials default` or `--credentials profile:NAME` instead", after.as_secs_f32())]
    TimedOut {
        /// How long was waited.
        after: Duration,
    },
    /// The keyring, or the person, refused.
    #[error("the keyring refused access to the keys of target `{target}`: {source}")]
    Denied {
        /// The target.
        target: TargetName,
        /// What the system said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// There is no entry.
    #[error(
        "the keyring has no keys of target `{target}` for the access key id `{access_key_id}`; give them with \
        `s4 edit`, option --secret-stdin"
    )]
    NotFound {
        /// The target.
        target: TargetName,
        /// The key's id.
        access_key_id: String,
    },
    /// The entry is not one that S4 wrote, or there are several.
    #[error(
        "the keyring's entry for target `{target}` can't be used; give the keys again with `s4 edit`, option \
        --secret-stdin"
    )]
    Unusable {
        /// The target.
        target: TargetName,
    },
    /// The keyring said that it stored the keys, and gives back something else.
    #[error(
        "the keyring did not keep the keys of target `{target}` as they were stored; nothing was changed in \
        sync.conf"
    )]
    NotKept {
        /// The target.
        target: TargetName,
    },
    /// Some keyrings take short entries only, and session tokens are long.
    #[error(
        "the keys of target `{target}` are too long for the keyring, which takes {limit} bytes; choose \
        `--credentials env`, `--credentials default` or `--credentials profile:NAME` instead"
    )]
    TooLong {
        /// The target.
        target: TargetName,
        /// What it takes.
        limit: u32,
    },
    /// The keyring failed in another way.
    #[error("the keyring failed: {source}")]
    Failed {
        /// What the system said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Secrets {
    /// Returns the entries of the engine at these locations; nothing is asked of the keyring yet.
    pub fn new(locations: &Locations) -> Self {
        Self::with_vault(locations, NativeVault)
    }

    /// Returns entries that live as long as this value: for tests, and machines that should forget.
    pub fn in_memory(locations: &Locations) -> Self {
        Self::with_vault(locations, MemoryVault::default())
    }

    fn with_vault(locations: &Locations, vault: impl Vault) -> Self {
        let instance = locations.own_config_dir().map(|directory| directory.display().to_string());
        Self { instance, patience: PATIENCE, worker: Worker::new(vault) }
    }

    /// Changes how long each request waits.
    #[must_use]
    pub fn waiting(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Stores the keys of a target, in place of those with the same id, and reads them back.
    pub fn store(&self, target: &TargetName, keys: &AccessKeys) -> Result<(), SecretsError> {
        let account = self.account(target, &keys.access_key_id);
        let content = entry::encode(keys);
        let is_kept = self.ask(target, &keys.access_key_id, move |vault| {
            vault.write(&account, &content)?;
            Ok(vault.read(&account)? == content)
        })?;
        if is_kept { Ok(()) } else { Err(SecretsError::NotKept { target: target.clone() }) }
    }

    /// Returns the keys of a target.
    pub fn load(&self, target: &TargetName, access_key_id: &str) -> Result<AccessKeys, SecretsError> {
        let account = self.account(target, access_key_id);
        let content = self.ask(target, access_key_id, move |vault| vault.read(&account))?;
        entry::decode(&content).ok_or_else(|| SecretsError::Unusable { target: target.clone() })
    }

    /// Removes the keys of a target; that there are none is [`SecretsError::NotFound`].
    pub fn remove(&self, target: &TargetName, access_key_id: &str) -> Result<(), SecretsError> {
        let account = self.account(target, access_key_id);
        self.ask(target, access_key_id, move |vault| vault.erase(&account))
    }

    fn account(&self, target: &TargetName, access_key_id: &str) -> Account {
        let user = match &self.instance {
            None => format!("{target}/{access_key_id}"),
            Some(directory) => format!("{target}/{access_key_id} in {directory}"),
        };
        Account { user, label: format!("S4: access key of {target}") }
    }

    fn ask<T: Send + 'static>(
        &self,
        target: &TargetName,
        access_key_id: &str,
        work: impl FnOnce(&dyn Vault) -> Result<T, VaultError> + Send + 'static,
    ) -> Result<T, SecretsError> {
        let answer = self.worker.ask(self.patience, work).map_err(|gone| match gone {
            Gone::TimedOut => SecretsError::TimedOut { after: self.patience },
            Gone::Panicked => {
                SecretsError::Failed { source: "its client library stopped unexpectedly".into() }
            }
        })?;
        let target = || target.clone();
        answer.map_err(|error| match error {
            VaultError::NoKeyring(source) => SecretsError::NoKeyring { source },
            VaultError::Locked => SecretsError::Locked,
            VaultError::Denied(source) => SecretsError::Denied { target: target(), source },
            VaultError::NotFound => {
                SecretsError::NotFound { target: target(), access_key_id: access_key_id.to_owned() }
            }
            VaultError::Unusable => SecretsError::Unusable { target: target() },
            VaultError::TooLong(limit) => SecretsError::TooLong { target: target(), limit },
            VaultError::Failed(source) => SecretsError::Failed { source },
        })
    }
}

#[cfg(test)]
mod tests;
