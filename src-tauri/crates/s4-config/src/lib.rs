//! `sync.conf` and secrets: which folders belong to which buckets, and the keys that open them.
//!
//! This crate decides where S4 keeps its files, what a target is, which targets may stand side by side, and which
//! credentials a target uses. It never talks to a bucket, never touches a synced folder, and never reads the
//! environment except in [`Locations::from_env`].
//!
//! Invariants:
//! - A `sync.conf` that cannot be parsed is never written; what is not understood survives every rewrite, in order.
//! - A rewrite is atomic and readable by its owner only. A crash leaves the old file or the new one.
//! - A secret never appears in `Debug`, `Display`, an error or a log line.
//! - Keys leave the file only after the keyring has given back exactly what was stored.
//! - The original S4's file is a valid `sync.conf`, and stays valid for it as long as its keys are in the file.

mod apart;
mod bandwidth;
mod canonical;
mod credentials;
mod document;
mod endpoint;
mod file;
mod keyring;
mod locations;
mod name;
mod secret;
mod settings;
mod target;
mod uri;

pub use apart::{DirectoryIdentity, NameCase, Overlap, Place, PlaceError, check_all, check_apart};
pub use bandwidth::{Bandwidth, RateLimit};
pub use credentials::{CredentialError, CredentialSource, MoveError, move_inline_keys_to_keyring, resolve};
pub use document::{Config, ConfigError, ParseError};
pub use endpoint::{Endpoint, EndpointError, StoreIdentity};
pub use file::{ConfigFile, FileError};
pub use keyring::{Secrets, SecretsError};
pub use locations::{Locations, LocationsError, Platform};
pub use name::{TargetName, TargetNameError};
pub use secret::{AccessKeys, Secret};
pub use settings::{Addressing, ConflictSetting, CredentialSetting, JournalSetting, MaxDelete, SettingError};
pub use target::{DEFAULT_TRASH_DAYS, FieldError, FieldProblem, Target};
pub use uri::{BucketName, BucketRule, S3Uri, S3UriError};
