//! What `add` and `edit` understand: the fields of a target.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};
use s4_config::{Addressing, CredentialSetting, Endpoint, MaxDelete, S3Uri, TargetName};

use super::values::{ConflictChoice, OrNone};

/// What `add` understands.
#[derive(Debug, Args)]
pub(crate) struct AddArguments {
    /// What to call it [default: the last part of the place in the bucket, or of the folder]
    #[arg(value_parser = super::target_name)]
    pub(crate) name: Option<TargetName>,
    #[command(flatten)]
    pub(crate) fields: Fields,
    /// Use the same credentials as this target
    #[arg(short = 'C', long, visible_alias = "copy-target-credentials", value_name = "TARGET",
        conflicts_with_all = ["credentials", "access_key_id", "secret_stdin"])]
    pub(crate) copy_credentials: Option<String>,
}

/// What `edit` understands.
#[derive(Debug, Args)]
pub(crate) struct EditArguments {
    /// The target
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) fields: Fields,
}

/// The fields of a target; an empty text takes an optional one away.
#[derive(Debug, Default, Args)]
pub(crate) struct Fields {
    /// The folder
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) local: Option<PathBuf>,
    /// The place in the bucket
    #[arg(long, value_name = "s3://BUCKET[/PREFIX]")]
    pub(crate) remote: Option<S3Uri>,
    /// The server, if it is not Amazon's
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub(crate) endpoint: Option<OrNone<Endpoint>>,
    /// The bucket's region; found by asking if it is not given
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Option<String>,
    /// Whose keys are used: keyring, env, default, profile:NAME, anonymous
    #[arg(long, value_name = "SOURCE")]
    pub(crate) credentials: Option<CredentialSetting>,
    /// The access key's id; its secret is asked for, or read with --secret-stdin
    #[arg(long, value_name = "ID")]
    pub(crate) access_key_id: Option<String>,
    /// Read the secret access key from the standard input
    #[arg(long)]
    pub(crate) secret_stdin: bool,
    /// What to do with two different versions: ask, keep-both, newest, local, remote
    #[arg(long, value_name = "POLICY")]
    pub(crate) conflicts: Option<OrNone<ConflictChoice>>,
    /// What stays on this computer, as a line of .gitignore; may be given several times
    #[arg(long, value_name = "PATTERN")]
    pub(crate) exclude: Option<Vec<String>>,
    /// How many deletions are carried out without a question, as a number of files or a share such as 25%
    #[arg(long, value_name = "N|P%")]
    pub(crate) max_delete: Option<OrNone<MaxDelete>>,
    /// Let another target have the same place in the bucket
    #[arg(long)]
    pub(crate) allow_same_prefix: bool,
    /// Make the bucket if there is none
    #[arg(long)]
    pub(crate) create_bucket: bool,
    /// How the bucket is named in requests: auto, path, virtual
    #[arg(long, value_name = "STYLE")]
    pub(crate) addressing: Option<Addressing>,
    /// Certificates to trust besides the system's, in PEM form
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) ca_bundle: Option<OrNone<PathBuf>>,
    /// Where the database lies, for folders that cannot hold it
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) state_dir: Option<OrNone<PathBuf>>,
    /// How many days the trash keeps what was replaced or deleted
    #[arg(long, value_name = "DAYS")]
    pub(crate) trash_days: Option<u32>,
    /// Copy objects to the bucket's trash before they are deleted, where no versions are kept
    #[arg(long, value_enum, value_name = "on|off")]
    pub(crate) bucket_trash: Option<Switch>,
    /// Sync file systems that are mounted below the folder, too
    #[arg(long, value_enum, value_name = "on|off", num_args = 0..=1, default_missing_value = "on")]
    pub(crate) cross_mounts: Option<Switch>,
}

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Switch {
    /// On.
    On,
    /// Off.
    Off,
}

impl Switch {
    /// Returns whether it is on.
    pub(crate) fn is_on(self) -> bool {
        self == Self::On
    }
}

impl Fields {
    /// Returns whether nothing at all was said.
    pub(crate) fn is_empty(&self) -> bool {
        let Self {
            local,
            remote,
            endpoint,
            region,
            credentials,
            access_key_id,
            secret_stdin,
            conflicts,
            exclude,
            max_delete,
            allow_same_prefix,
            create_bucket,
            addressing,
            ca_bundle,
            state_dir,
            trash_days,
            bucket_trash,
            cross_mounts,
        } = self;
        let flags = *secret_stdin || *allow_same_prefix || *create_bucket;
        let place = local.is_some() || remote.is_some() || endpoint.is_some() || region.is_some();
        let keys = credentials.is_some() || access_key_id.is_some();
        let rules = conflicts.is_some() || exclude.is_some() || max_delete.is_some();
        let store = addressing.is_some() || ca_bundle.is_some();
        let disk = state_dir.is_some() || cross_mounts.is_some();
        let trash = trash_days.is_some() || bucket_trash.is_some();
        !(flags || place || keys || rules || store || disk || trash)
    }
}
