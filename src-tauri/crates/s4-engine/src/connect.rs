//! From what `sync.conf` says of a target to what the engine and the store work with.
//!
//! - It decides nothing for a person: what cannot be used is an error that names it.
//! - Whoever calls has read the configuration and resolved the credentials; nothing here asks a keyring.
//! - What a store can do is found out by trying, once: it is kept with the target, or, where nobody may write
//!   there, in the platform's state directory.

pub mod capabilities;
pub mod recall;

use std::path::PathBuf;
use std::sync::Arc;

use s4_config::{
    Addressing, ConflictSetting, CredentialSource, JournalSetting, Locations, MaxDelete, Target,
};
use s4_core::capabilities::Capabilities;
use s4_core::context::{ConflictPolicy, DeleteLimits};
use s4_core::key::Prefix;
use s4_store::aws::{self, AwsStore, Connection};
use s4_store::error::{StoreError, StoreErrorKind};
use s4_store::probe;
use s4_store::store::Store as _;
use uuid::Uuid;

use crate::identity::{self, DirectoryRecords, RecordError};
use crate::lanes::LaneStores;
use crate::settings::Settings;

/// How the vendor's own endpoint is known where none is configured.
const VENDOR: &str = "aws";

/// Why a target's settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The certificates cannot be read.
    #[error("can't read the certificates in `{}`: {source}", path.display())]
    CaBundle {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The policy is not there yet.
    #[error("target `{target}` says `merge`, which comes with the history feature")]
    Merge {
        /// The target.
        target: String,
    },
}

/// A bucket that answers.
#[derive(Clone, Debug)]
pub struct Reached {
    /// The bucket.
    pub store: AwsStore,
    /// The region it lies in, if that is not the one that was asked for.
    pub redirected: Option<String>,
}

/// Returns a target, everything resolved. A policy that is not set is [`ConflictPolicy::Ask`].
pub fn settings(target: &Target, locations: &Locations) -> Result<Settings, ConnectError> {
    let policy = target.conflicts.map(|setting| policy(target, setting)).transpose()?;
    Ok(Settings {
        name: target.name.to_string(),
        folder: target.local_folder.clone(),
        endpoint: endpoint(target),
        bucket: target.s3_uri.bucket().to_owned(),
        prefix: Prefix::new(target.s3_uri.prefix()),
        policy: policy.unwrap_or(ConflictPolicy::Ask),
        exclude: target.exclude.clone(),
        limits: target.max_delete.map_or(DeleteLimits::Default, limits),
        cross_mounts: target.cross_mounts,
        trash_days: target.trash_days,
        bucket_trash: target.bucket_trash,
        own_objects: target.journal == JournalSetting::On,
        database_dir: target.state_dir.clone(),
        state_dir: locations.state_dir().to_owned(),
        host: host(),
    })
}

/// Returns how the bucket of a target is reached with these credentials. Reads the certificates, if it names any.
pub fn connection(target: &Target, credentials: &CredentialSource) -> Result<Connection, ConnectError> {
    let ca_bundle = match &target.ca_bundle {
        Some(path) => Some(
            std::fs::read(path).map_err(|source| ConnectError::CaBundle { path: path.clone(), source })?,
        ),
        None => None,
    };
    Ok(Connection {
        endpoint: target.endpoint_url.as_ref().map(ToString::to_string),
        region: target.region_name.clone(),
        addressing: match target.addressing {
            Addressing::Auto => aws::Addressing::Auto,
            Addressing::Path => aws::Addressing::Path,
            Addressing::Virtual => aws::Addressing::Virtual,
        },
        ca_bundle,
        ..Connection::new(target.s3_uri.bucket(), keys(credentials))
    })
}

/// Connects, and checks that the bucket is there and may be listed; follows it into its own region.
pub async fn reach(connection: Connection) -> Result<Reached, StoreError> {
    let store = AwsStore::connect(connection.clone()).await?;
    let Err(refused) = store.check_bucket().await else {
        return Ok(Reached { store, redirected: None });
    };
    match &refused.kind {
        StoreErrorKind::WrongRegion { region: Some(region) } if region != store.region() => {
            let region = region.clone();
            let store = AwsStore::connect(Connection { region: Some(region.clone()), ..connection }).await?;
            store.check_bucket().await?;
            Ok(Reached { store, redirected: Some(region) })
        }
        _ => Err(refused),
    }
}

/// Finds out what the store can do, by trying it on scratch objects below the prefix, which are removed again.
pub async fn find_out(store: &AwsStore, prefix: &Prefix) -> Result<Capabilities, StoreError> {
    probe::probe(store, prefix, &Uuid::new_v4().simple().to_string()).await
}

/// Returns what makes the bucket of each transfer lane: the same bucket, with connections of its own.
pub fn lane_stores(store: AwsStore) -> LaneStores {
    Box::new(move || Ok(Arc::new(store.with_own_connections()?)))
}

/// Lets what is at a target's folder now be another folder than before: a person said so, by removing or resetting it.
pub fn forget_folder(settings: &Settings) -> Result<(), RecordError> {
    let records = DirectoryRecords::new(&settings.state_dir);
    let folder = std::fs::canonicalize(&settings.folder).unwrap_or_else(|_| settings.folder.clone());
    identity::forget_folder(&records, &folder)
}

/// Returns the policy for a setting of `target`.
pub fn policy(target: &Target, setting: ConflictSetting) -> Result<ConflictPolicy, ConnectError> {
    match setting {
        ConflictSetting::Ask => Ok(ConflictPolicy::Ask),
        ConflictSetting::KeepBoth => Ok(ConflictPolicy::KeepBoth),
        ConflictSetting::Newest => Ok(ConflictPolicy::Newest),
        ConflictSetting::Local => Ok(ConflictPolicy::Local),
        ConflictSetting::Remote => Ok(ConflictPolicy::Remote),
        ConflictSetting::Merge => Err(ConnectError::Merge { target: target.name.to_string() }),
    }
}

/// Returns the limits for a setting.
pub fn limits(setting: MaxDelete) -> DeleteLimits {
    match setting {
        MaxDelete::Count(count) => DeleteLimits::Count(count),
        MaxDelete::Percent(percent) => DeleteLimits::Percent(percent),
    }
}

/// Returns the name of this computer, without its domain.
pub fn host() -> String {
    let name = host_name();
    let first = name.split('.').next().unwrap_or_default().trim();
    if first.is_empty() { "this computer".to_owned() } else { first.to_owned() }
}

#[cfg(unix)]
fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(not(unix))]
fn host_name() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_default()
}

/// Returns how the store of a target is known.
fn endpoint(target: &Target) -> String {
    match &target.endpoint_url {
        Some(endpoint) => endpoint.as_str().trim_end_matches('/').to_owned(),
        None => VENDOR.to_owned(),
    }
}

fn keys(credentials: &CredentialSource) -> aws::CredentialSource {
    match credentials {
        CredentialSource::Keys(keys) => aws::CredentialSource::Keys {
            access_key_id: keys.access_key_id.clone(),
            secret_access_key: keys.secret_access_key.expose().to_owned(),
            session_token: keys.session_token.as_ref().map(|token| token.expose().to_owned()),
        },
        CredentialSource::Profile(name) => aws::CredentialSource::Profile(name.clone()),
        CredentialSource::Environment => aws::CredentialSource::Environment,
        CredentialSource::DefaultChain => aws::CredentialSource::DefaultChain,
        CredentialSource::Anonymous => aws::CredentialSource::Anonymous,
    }
}

#[cfg(test)]
mod tests;
