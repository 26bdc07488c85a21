//! What to say about a failure: what happened, what it means, the way out, and the exit status.
//!
//! - Every kind of failure has its words here, chosen by its type; no message is ever parsed.

use s4_config::{ConfigError, FileError, Overlap, PlaceError, SecretsError};
use s4_engine::connect::ConnectError;
use s4_engine::db::DbError;
use s4_engine::error::SyncError;
use s4_engine::identity::IdentityError;
use s4_engine::lock::LockError;
use s4_local::error::{DiskError, DiskErrorKind};
use s4_store::error::{StoreError, StoreErrorKind};

use crate::exit::Exit;
use crate::failure::{At, Failure, FolderProblem};

/// What a person is told about a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    /// What happened.
    pub(crate) message: String,
    /// The way out.
    pub(crate) hint: Option<String>,
    /// How the command ends.
    pub(crate) exit: Exit,
}

impl Told {
    fn new(exit: Exit, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: Some(hint.into()), exit }
    }

    /// A message that names the way out itself.
    fn alone(exit: Exit, message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, exit }
    }
}

/// Returns what to say about a failure.
pub(crate) fn explain(failure: &Failure) -> Told {
    match failure {
        Failure::Usage { message, hint } => {
            Told { message: message.clone(), hint: hint.clone(), exit: Exit::Usage }
        }
        Failure::Failed { message, hint } => {
            Told { message: message.clone(), hint: hint.clone(), exit: Exit::Failed }
        }
        Failure::Folder { path, problem } => folder(&path.display().to_string(), problem),
        Failure::Locations(error) => Told::alone(Exit::Failed, error.to_string()),
        Failure::File(error) => file(error),
        Failure::Config(error) => config(error),
        Failure::Field(error) => {
            Told::new(Exit::Failed, error.to_string(), "correct it with `s4 edit`, or by hand in sync.conf")
        }
        Failure::Name(error) => Told::alone(Exit::Usage, error.to_string()),
        Failure::Place(error) => place(error),
        Failure::Credential(error) => Told::alone(Exit::Failed, error.to_string()),
        Failure::Secrets(error) => secrets(error),
        Failure::Move(error) => {
            Told::new(Exit::Failed, error.to_string(), "the keys are where they were; nothing was changed")
        }
        Failure::Connect(error) => connect(error),
        Failure::Store { at, error } => store(at, error),
        Failure::Sync { at, error } => sync(at, error),
        Failure::Server(error) => Told::alone(Exit::Failed, error.to_string()),
        Failure::Input(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            Told::new(Exit::Usage, "the input ended before all was answered", "nothing was changed")
        }
        Failure::Input(error) => {
            Told::new(Exit::Failed, format!("can't read the answer: {error}"), "nothing was changed")
        }
    }
}

fn folder(path: &str, problem: &FolderProblem) -> Told {
    match problem {
        FolderProblem::Missing => Told::new(
            Exit::Failed,
            format!("the folder `{path}` does not exist"),
            format!("make it (`mkdir -p '{path}'`), or mount the drive that it is on"),
        ),
        FolderProblem::NotAFolder => Told::new(
            Exit::Failed,
            format!("`{path}` is not a folder"),
            "choose a folder; S4 syncs what is in it",
        ),
        FolderProblem::Unreadable(error) => Told::new(
            Exit::Failed,
            format!("can't look into the folder `{path}`: {error}"),
            "change its permissions, or choose another folder",
        ),
    }
}

fn file(error: &FileError) -> Told {
    match error {
        // Each names the file and what to do with it.
        FileError::Invalid { .. } | FileError::Busy { .. } => Told::alone(Exit::Failed, error.to_string()),
        FileError::Unreadable { .. } | FileError::Unwritable { .. } => Told::new(
            Exit::Failed,
            error.to_string(),
            "check the permissions of the file and of its directory",
        ),
        _ => Told::alone(Exit::Failed, error.to_string()),
    }
}

fn config(error: &ConfigError) -> Told {
    match error {
        ConfigError::UnknownTarget { .. } => {
            Told::new(Exit::Usage, error.to_string(), "`s4 targets` lists the targets, `s4 add` makes one")
        }
        ConfigError::Name(_) | ConfigError::Field(_) | ConfigError::NotAnObject { .. } => {
            Told::new(Exit::Failed, error.to_string(), "correct it with `s4 edit`, or by hand in sync.conf")
        }
        _ => Told::alone(Exit::Failed, error.to_string()),
    }
}

fn place(error: &PlaceError) -> Told {
    match error {
        PlaceError::Overlap(overlap @ Overlap::SamePrefix { .. }) => Told::new(
            Exit::Usage,
            overlap.to_string(),
            "with the flag both folders are kept the same, through one place in the bucket; nothing was changed",
        ),
        PlaceError::Overlap(overlap) => Told::new(
            Exit::Usage,
            overlap.to_string(),
            "targets that share files would sync each other's for ever; nothing was changed",
        ),
        PlaceError::Config(error) => config(error),
        PlaceError::Unresolved { .. } => {
            Told::new(Exit::Failed, error.to_string(), "check the permissions of the directories above it")
        }
        _ => Told::alone(Exit::Failed, error.to_string()),
    }
}

fn secrets(error: &SecretsError) -> Told {
    match error {
        // Each names the other places for keys itself.
        SecretsError::NoKeyring { .. }
        | SecretsError::Locked
        | SecretsError::TimedOut { .. }
        | SecretsError::TooLong { .. } => Told::new(
            Exit::Failed,
            error.to_string(),
            "nothing was saved; `--credentials env` uses AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, \
             `--credentials profile:NAME` a profile of ~/.aws/credentials",
        ),
        _ => Told::new(Exit::Failed, error.to_string(), "nothing was changed in sync.conf"),
    }
}

fn connect(error: &ConnectError) -> Told {
    match error {
        ConnectError::CaBundle { .. } => Told::new(
            Exit::Failed,
            error.to_string(),
            "name another file with `s4 edit NAME --ca-bundle FILE`",
        ),
        ConnectError::Merge { target } => Told::new(
            Exit::Usage,
            error.to_string(),
            format!("choose another policy: `s4 edit '{target}' --conflicts keep-both`"),
        ),
    }
}

fn store(at: &At, error: &StoreError) -> Told {
    let At { target, bucket, uri, endpoint } = at;
    let words = if error.message.is_empty() { String::new() } else { format!(": {}", error.message) };
    let failed = |message: String, hint: String| Told::new(Exit::Failed, message, hint);
    match &error.kind {
        StoreErrorKind::NoBucket => failed(
            format!("`{target}`: the bucket `{bucket}` does not exist at {endpoint}"),
            "check its name and the endpoint; `--create-bucket` with `s4 add` or `s4 edit` makes it"
                .to_owned(),
        ),
        StoreErrorKind::Credentials => failed(
            format!("`{target}`: the credentials can't be used at {endpoint}{words}"),
            format!("give new ones with `s4 edit '{target}'`; nothing was changed"),
        ),
        StoreErrorKind::Denied => failed(
            format!("`{target}`: access to {uri} was denied{words}"),
            format!(
                "these keys need the rights to list, read, write and delete in the bucket `{bucket}`; nothing \
                 was changed"
            ),
        ),
        StoreErrorKind::Offline => failed(
            format!("`{target}`: {endpoint} can't be reached{words}"),
            "check the address and the network; nothing is lost, and the next sync goes on where this one stopped"
                .to_owned(),
        ),
        StoreErrorKind::ClockSkew => failed(
            format!("`{target}`: the clock of this computer is wrong by more than {endpoint} accepts"),
            "set the clock, for instance with `timedatectl set-ntp true`".to_owned(),
        ),
        StoreErrorKind::WrongRegion { region: Some(region) } => failed(
            format!("`{target}`: the bucket `{bucket}` lies in the region {region}"),
            format!("`s4 edit '{target}' --region {region}`"),
        ),
        StoreErrorKind::WrongRegion { region: None } => failed(
            format!("`{target}`: the bucket `{bucket}` lies in another region"),
            format!("find out which, and say so with `s4 edit '{target}' --region REGION`"),
        ),
        StoreErrorKind::SlowDown => failed(
            format!("`{target}`: {endpoint} asks to slow down{words}"),
            "try again later; the next sync goes on where this one stopped".to_owned(),
        ),
        StoreErrorKind::Unsupported
        | StoreErrorKind::Missing
        | StoreErrorKind::PreconditionFailed
        | StoreErrorKind::Conflict
        | StoreErrorKind::Corrupt
        | StoreErrorKind::Archived
        | StoreErrorKind::Other => failed(
            format!("`{target}`: {endpoint} failed: {error}"),
            format!("`s4 doctor '{target}'` looks closer"),
        ),
    }
}

fn sync(at: &At, error: &SyncError) -> Told {
    let target = &at.target;
    let message = format!("can't sync `{target}`: {error}");
    match error {
        SyncError::FolderMissing { folder: path } => Told::new(
            Exit::Failed,
            message,
            format!(
                "mount the drive that it is on; if it was moved, `s4 edit '{target}' --local DIR`; if `{}` is to \
                 begin anew, make it. Nothing was changed in the bucket",
                path.display()
            ),
        ),
        SyncError::NotAFolder { .. } => Told::new(
            Exit::Failed,
            message,
            format!("put the folder back, or name another with `s4 edit '{target}' --local DIR`"),
        ),
        SyncError::FolderUnreadable { .. } => {
            Told::new(Exit::Failed, message, "change its permissions; nothing was changed in the bucket")
        }
        SyncError::Identity(error) => identity(target, message, error),
        SyncError::Lock(LockError::Held { .. }) => {
            Told::new(Exit::Locked, message, "wait until it has ended, or end it; nothing is lost by that")
        }
        SyncError::Lock(LockError::Failed { .. })
        | SyncError::Records(_)
        | SyncError::StateDirectory { .. } => {
            Told::new(Exit::Failed, message, "check the permissions of that file and of its directory")
        }
        SyncError::RulesUnreadable { .. } | SyncError::Rules(_) => Told::new(
            Exit::Halted,
            message,
            "correct the rules first: without them S4 might upload what is to stay here",
        ),
        SyncError::Store(error) => store(at, error),
        SyncError::Disk(error) => disk(message, error),
        SyncError::Database(error) => database(message, error),
        SyncError::Internal(_) => Told::new(
            Exit::Failed,
            message,
            "nothing is lost; run it again with `--log-level debug` and report what it says",
        ),
    }
}

fn identity(target: &str, message: String, error: &IdentityError) -> Told {
    match error {
        IdentityError::NotMounted { .. } => Told::new(
            Exit::Halted,
            message,
            format!("mount the drive that it is on; or `s4 reset '{target}'` makes the next sync begin anew"),
        ),
        IdentityError::Disk(error) => disk(message, error),
        IdentityError::Db(error) => database(message, error),
        IdentityError::Record(_) => {
            Told::new(Exit::Failed, message, "check the permissions of that file and of its directory")
        }
    }
}

fn disk(message: String, error: &DiskError) -> Told {
    let hint = match error.kind {
        DiskErrorKind::NoSpace => "make room on the disk; the next sync goes on where this one stopped",
        DiskErrorKind::ReadOnly => "mount the disk so that it can be written to",
        DiskErrorKind::Denied => "change the permissions of the folder, so that you may read and write in it",
        DiskErrorKind::Missing
        | DiskErrorKind::Occupied
        | DiskErrorKind::Changed
        | DiskErrorKind::NotADirectory
        | DiskErrorKind::WrongKind
        | DiskErrorKind::ThroughLink
        | DiskErrorKind::NotEmpty
        | DiskErrorKind::Busy
        | DiskErrorKind::BadName
        | DiskErrorKind::CrossDevice
        | DiskErrorKind::Unsupported
        | DiskErrorKind::Crashed
        | DiskErrorKind::Other => "nothing is lost; look at the disk, and sync again",
    };
    Told::new(Exit::Failed, message, hint)
}

fn database(message: String, error: &DbError) -> Told {
    let hint = match error {
        DbError::Newer { .. } => "update S4 on this computer; nothing was changed",
        DbError::Corrupt { .. } => {
            "the next sync sets it aside and compares both sides anew, deleting nothing"
        }
        DbError::Full { .. } => "make room on the disk; the next sync goes on where this one stopped",
        DbError::Failed { .. } => "check the permissions of that file and of its directory",
    };
    Told::new(Exit::Failed, message, hint)
}

#[cfg(test)]
mod tests;
