//! Why a command ended early. What to say about it is decided in [`crate::hints`].

use std::io;
use std::path::PathBuf;

use s4_config::{
    ConfigError, CredentialError, FieldError, FileError, LocationsError, MoveError, PlaceError, S3Uri,
    SecretsError, Target, TargetNameError,
};
use s4_engine::connect::ConnectError;
use s4_engine::error::SyncError;
use s4_server::ServerError;
use s4_store::error::StoreError;

/// Why a command ended early.
#[derive(Debug)]
pub(crate) enum Failure {
    /// What was asked for cannot be.
    Usage {
        /// Why.
        message: String,
        /// The way out.
        hint: Option<String>,
    },
    /// Something particular to one command.
    Failed {
        /// What.
        message: String,
        /// The way out.
        hint: Option<String>,
    },
    /// The folder to sync is not one.
    Folder {
        /// The path.
        path: PathBuf,
        /// What is the matter with it.
        problem: FolderProblem,
    },
    /// There is no place for S4's own files.
    Locations(LocationsError),
    /// `sync.conf` cannot be read or written.
    File(Box<FileError>),
    /// A target cannot be had from the configuration.
    Config(Box<ConfigError>),
    /// A target cannot be written to the configuration.
    Field(Box<FieldError>),
    /// A name is no target's name.
    Name(TargetNameError),
    /// Two targets would share a folder or a prefix.
    Place(Box<PlaceError>),
    /// A target has no credentials.
    Credential(Box<CredentialError>),
    /// The keyring does not do what is asked.
    Secrets(Box<SecretsError>),
    /// Keys stayed in `sync.conf`.
    Move(Box<MoveError>),
    /// The settings of a target cannot be used.
    Connect(ConnectError),
    /// The store does not do what is asked.
    Store {
        /// Where.
        at: Box<At>,
        /// Why.
        error: Box<StoreError>,
    },
    /// A target could not be synced.
    Sync {
        /// Where.
        at: Box<At>,
        /// Why.
        error: Box<SyncError>,
    },
    /// The server could not be started.
    Server(Box<ServerError>),
    /// The standard input could not be read.
    Input(io::Error),
}

/// What is the matter with a folder.
#[derive(Debug)]
pub(crate) enum FolderProblem {
    /// There is none.
    Missing,
    /// Something else is there.
    NotAFolder,
    /// The system does not let us look into it.
    Unreadable(io::Error),
}

/// Which target, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct At {
    /// The target's name.
    pub(crate) target: String,
    /// The bucket.
    pub(crate) bucket: String,
    /// The bucket and prefix.
    pub(crate) uri: String,
    /// The server, in words.
    pub(crate) endpoint: String,
}

impl At {
    /// Returns where `target` is.
    pub(crate) fn of(target: &Target) -> Self {
        let endpoint = target.endpoint_url.as_ref().map(ToString::to_string);
        Self::new(target.name.as_str(), &target.s3_uri, endpoint)
    }

    /// Returns a place.
    pub(crate) fn new(target: &str, uri: &S3Uri, endpoint: Option<String>) -> Self {
        Self {
            target: target.to_owned(),
            bucket: uri.bucket().to_owned(),
            uri: uri.to_string(),
            endpoint: endpoint.unwrap_or_else(|| "Amazon S3".to_owned()),
        }
    }

    /// Returns the failure of a request there.
    pub(crate) fn store(&self, error: StoreError) -> Failure {
        Failure::Store { at: Box::new(self.clone()), error: Box::new(error) }
    }

    /// Returns the failure of a run there.
    pub(crate) fn sync(&self, error: SyncError) -> Failure {
        Failure::Sync { at: Box::new(self.clone()), error: Box::new(error) }
    }
}

impl Failure {
    /// Returns what a person asked for in a way that cannot be.
    pub(crate) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), hint: Some(hint.into()) }
    }

    /// Returns what went wrong in one command.
    pub(crate) fn failed(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Failed { message: message.into(), hint: Some(hint.into()) }
    }
}

macro_rules! from {
    ($($error:ty => $variant:ident),+ $(,)?) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::$variant(error.into())
            }
        })+
    };
}

from!(
    LocationsError => Locations,
    FileError => File,
    ConfigError => Config,
    FieldError => Field,
    TargetNameError => Name,
    PlaceError => Place,
    CredentialError => Credential,
    SecretsError => Secrets,
    MoveError => Move,
    ConnectError => Connect,
    ServerError => Server,
);
