//! Whose keys a target uses.
//!
//! Decides where a target's credentials come from, and moves keys from `sync.conf` to the keyring. It never reads
//! the environment or the AWS tools' files: what is found there is left to the one who signs requests.
//!
//! Invariants:
//! - What `credentials` says wins; without it, keys in the file are used as the original S4 used them.
//! - Keys leave the file only after the keyring gave them back, and only if they still are the ones it gave back.

use thiserror::Error;

use crate::{
    AccessKeys, ConfigError, ConfigFile, CredentialSetting, FieldError, FileError, Secrets, SecretsError,
    Target, TargetName,
};

/// Where the credentials for requests come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CredentialSource {
    /// These keys.
    Keys(AccessKeys),
    /// A profile of the AWS tools.
    Profile(String),
    /// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`.
    Environment,
    /// The chain of the AWS tools.
    DefaultChain,
    /// Requests are not signed.
    Anonymous,
}

/// Why a target has no credentials.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CredentialError {
    /// The keyring's entries are named by the key's id.
    #[error(
        "target `{target}` has no access key yet; give one with `s4 edit`, options --access-key-id and \
        --secret-stdin, or choose --credentials env, default, profile:NAME or anonymous"
    )]
    NoAccessKeyId {
        /// The target.
        target: TargetName,
    },
    /// A secret in the file that belongs to no key.
    #[error(
        "target `{target}` has an `aws_secret_access_key` in sync.conf but no `aws_access_key_id`; add it"
    )]
    SecretWithoutId {
        /// The target.
        target: TargetName,
    },
    /// The keyring has none, or cannot be asked.
    #[error(transparent)]
    Keyring(#[from] SecretsError),
}

/// Why keys stayed in `sync.conf`.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum MoveError {
    /// There is nothing to move.
    #[error("target `{target}` has no keys in sync.conf to move")]
    NoInlineKeys {
        /// The target.
        target: TargetName,
    },
    /// Somebody changed the keys while they were being stored.
    #[error(
        "the keys of target `{target}` changed in sync.conf while they were moved, and were left there; try again"
    )]
    Changed {
        /// The target.
        target: TargetName,
    },
    /// The target cannot be read.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The target cannot be written.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// `sync.conf` cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The keyring does not take them.
    #[error(transparent)]
    Keyring(#[from] SecretsError),
}

/// Returns where a target's credentials come from; the keyring is asked only if they are in it.
pub fn resolve(target: &Target, secrets: &Secrets) -> Result<CredentialSource, CredentialError> {
    match &target.credentials {
        Some(CredentialSetting::Environment) => Ok(CredentialSource::Environment),
        Some(CredentialSetting::DefaultChain) => Ok(CredentialSource::DefaultChain),
        Some(CredentialSetting::Profile(name)) => Ok(CredentialSource::Profile(name.clone())),
        Some(CredentialSetting::Anonymous) => Ok(CredentialSource::Anonymous),
        Some(CredentialSetting::Keyring) => from_keyring(target, secrets),
        None if target.secret_access_key.is_some() => match target.inline_keys() {
            Some(keys) => Ok(CredentialSource::Keys(keys)),
            None => Err(CredentialError::SecretWithoutId { target: target.name.clone() }),
        },
        None => from_keyring(target, secrets),
    }
}

fn from_keyring(target: &Target, secrets: &Secrets) -> Result<CredentialSource, CredentialError> {
    match &target.access_key_id {
        Some(id) => Ok(CredentialSource::Keys(secrets.load(&target.name, id)?)),
        None => Err(CredentialError::NoAccessKeyId { target: target.name.clone() }),
    }
}

/// Moves the keys of a target from `sync.conf` to the keyring; the key's id stays in the file.
///
/// Should anything fail, the keys are still in the file. A copy may then be in the keyring too, which the next attempt
/// replaces.
pub fn move_inline_keys_to_keyring(
    file: &ConfigFile,
    secrets: &Secrets,
    target: &TargetName,
) -> Result<(), MoveError> {
    let keys = file
        .read()?
        .target(target.as_str())?
        .inline_keys()
        .ok_or_else(|| MoveError::NoInlineKeys { target: target.clone() })?;
    // Stored and read back before the file is touched: from here on the keyring has them.
    secrets.store(target, &keys)?;
    file.update(|config| {
        let mut current = config.target(target.as_str())?;
        // The keyring may take as long as a person; the file may hold other keys by now, which are not in it.
        if current.inline_keys().as_ref() != Some(&keys) {
            return Err(MoveError::Changed { target: target.clone() });
        }
        current.forget_inline_keys();
        Ok(config.put(&current)?)
    })
}
