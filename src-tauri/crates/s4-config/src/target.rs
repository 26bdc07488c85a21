//! One target: a folder, a place in a bucket, and how the two are kept the same.
//!
//! The fields' names in `sync.conf` are the original S4's where it had the field. What is absent, `null` or (for
//! texts) empty takes the documented default, and a default is not written unless it already stood there.

mod fields;

use std::path::PathBuf;

use serde_json::Value;
use thiserror::Error;

use crate::{
    AccessKeys, Addressing, ConflictSetting, CredentialSetting, Endpoint, JournalSetting, MaxDelete, S3Uri,
    Secret, StoreIdentity, TargetName,
};

pub(crate) use fields::{kind, read, written};

/// How long the trash keeps what was replaced or removed, unless a target says otherwise.
pub const DEFAULT_TRASH_DAYS: u32 = 30;

/// A target as `sync.conf` says it.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// The key of the target in `sync.conf`.
    pub name: TargetName,
    /// `local_folder`: absolute.
    pub local_folder: PathBuf,
    /// `endpoint_url`: absent for Amazon.
    pub endpoint_url: Option<Endpoint>,
    /// `s3_uri`.
    pub s3_uri: S3Uri,
    /// `region_name`.
    pub region_name: Option<String>,
    /// `aws_access_key_id`: with the secret in the file or in the keyring.
    pub access_key_id: Option<String>,
    /// `aws_secret_access_key`: only in files of the original S4, until it is moved to the keyring.
    pub secret_access_key: Option<Secret>,
    /// `aws_session_token`: beside an `aws_secret_access_key`.
    pub session_token: Option<Secret>,
    /// `credentials`: absent means the keys in the file if there are any, else the keyring.
    pub credentials: Option<CredentialSetting>,
    /// `conflicts`: absent means ask where a person can answer, keep both elsewhere.
    pub conflicts: Option<ConflictSetting>,
    /// `exclude`: gitignore patterns for this machine only.
    pub exclude: Vec<String>,
    /// `max_delete`: absent means the built-in guard.
    pub max_delete: Option<MaxDelete>,
    /// `addressing`: `auto` by default.
    pub addressing: Addressing,
    /// `ca_bundle`: certificates to trust, besides the system's.
    pub ca_bundle: Option<PathBuf>,
    /// `state_dir`: where the database lies, for folders that cannot hold it.
    pub state_dir: Option<PathBuf>,
    /// `cross_mounts`: follow directories onto other file systems; off by default.
    pub cross_mounts: bool,
    /// `trash_days`: [`DEFAULT_TRASH_DAYS`] by default, 0 keeps nothing.
    pub trash_days: u32,
    /// `bucket_trash`: keep what is deleted in buckets without versions; on by default.
    pub bucket_trash: bool,
    /// `journal`: `auto` by default.
    pub journal: JournalSetting,
    /// `allow_same_prefix`: another target may sync the same place with another folder; off by default.
    pub allow_same_prefix: bool,
    /// `capabilities`: what the probe found the store can do; opaque here.
    pub capabilities: Option<Value>,
}

/// A field of a target that cannot be used.
#[derive(Debug, Error)]
#[error("target `{target}`: `{field}` {problem}")]
pub struct FieldError {
    /// The target's name.
    pub target: TargetName,
    /// The field in `sync.conf`.
    pub field: &'static str,
    /// What is the matter with it.
    pub problem: FieldProblem,
}

/// What is the matter with a field. No variant holds the value of a field that may be a secret.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FieldProblem {
    /// A target needs it.
    #[error("is missing")]
    Missing,
    /// The JSON value is of another type.
    #[error("must be {expected}, not {found}")]
    WrongType {
        /// The type that is needed.
        expected: &'static str,
        /// The type that is there.
        found: &'static str,
    },
    /// A relative path would mean another place in every working directory.
    #[error("must be an absolute path, not `{}`", path.display())]
    NotAbsolute {
        /// The path as written.
        path: PathBuf,
    },
    /// JSON holds no other paths.
    #[error("can't be written to sync.conf: `{}` is not Unicode", path.display())]
    NotUnicode {
        /// The path.
        path: PathBuf,
    },
    /// The text is not what the field can hold.
    #[error("is wrong: {0}")]
    Invalid(Box<dyn std::error::Error + Send + Sync>),
}

impl Target {
    /// Returns a target with every default.
    pub fn new(name: TargetName, local_folder: impl Into<PathBuf>, s3_uri: S3Uri) -> Self {
        Self {
            name,
            local_folder: local_folder.into(),
            endpoint_url: None,
            s3_uri,
            region_name: None,
            access_key_id: None,
            secret_access_key: None,
            session_token: None,
            credentials: None,
            conflicts: None,
            exclude: Vec::new(),
            max_delete: None,
            addressing: Addressing::default(),
            ca_bundle: None,
            state_dir: None,
            cross_mounts: false,
            trash_days: DEFAULT_TRASH_DAYS,
            bucket_trash: true,
            journal: JournalSetting::default(),
            allow_same_prefix: false,
            capabilities: None,
        }
    }

    /// Returns the keys that stand in the file itself, as the original S4 keeps them.
    pub fn inline_keys(&self) -> Option<AccessKeys> {
        Some(AccessKeys {
            access_key_id: self.access_key_id.clone()?,
            secret_access_key: self.secret_access_key.clone()?,
            session_token: self.session_token.clone(),
        })
    }

    /// Takes the secret out of the target and points it to the keyring; the key's id stays, to find the entry by.
    pub fn forget_inline_keys(&mut self) {
        self.secret_access_key = None;
        self.session_token = None;
        self.credentials = Some(CredentialSetting::Keyring);
    }

    /// Returns which store the target talks to, for comparing with another target's.
    pub fn store_identity(&self) -> StoreIdentity {
        StoreIdentity::of(self.endpoint_url.as_ref(), self.region_name.as_deref())
    }
}
