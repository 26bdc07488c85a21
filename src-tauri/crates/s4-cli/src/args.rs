//! What can be typed after `s4`.
//!
//! - Values are checked here, so that a command starts with what it can use; what is wrong ends with status 2.
//! - The original S4's short names and values work too.

pub(crate) mod sync;
pub(crate) mod target;
pub(crate) mod values;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;
use s4_config::TargetName;
use s4_core::facts::Keep;

use self::sync::SyncArguments;
use self::target::{AddArguments, EditArguments};

/// Keeps folders and your own S3 bucket the same, both ways.
///
/// Exit status: 0 in sync, 1 failed, 2 wrong usage, 3 conflicts remain, 4 halted and needs a decision, 5 some paths
/// failed, 6 another run holds the folder.
#[derive(Debug, Parser)]
#[command(name = "s4", version, arg_required_else_help = false, disable_help_subcommand = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// What every command understands.
#[derive(Clone, Debug, Args)]
pub(crate) struct Global {
    /// How much of its inner work the program tells
    #[arg(
        long,
        global = true,
        value_enum,
        ignore_case = true,
        value_name = "LEVEL",
        default_value = "warning"
    )]
    pub(crate) log_level: LogLevel,
    /// Print without colours
    #[arg(long, global = true)]
    pub(crate) no_colors: bool,
    /// Put the time before each line that tells what happens
    #[arg(long, global = true)]
    pub(crate) timestamps: bool,
}

/// How much is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogLevel {
    /// Everything.
    Debug,
    /// What is done.
    Info,
    /// What is odd.
    Warning,
    /// What failed.
    Error,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Connect a folder to a place in a bucket; asks for what is missing
    #[command(visible_alias = "a")]
    Add(Box<AddArguments>),
    /// Change a target; asks if nothing is said
    #[command(visible_alias = "e")]
    Edit(Box<EditArguments>),
    /// Forget a target; its files and objects stay
    Rm {
        /// The target
        name: String,
    },
    /// List the targets
    #[command(visible_alias = "t")]
    Targets {
        /// Tell everything about each, and what its store can do
        #[arg(short, long)]
        verbose: bool,
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
    /// Show what stands on both sides
    Ls(LsArguments),
    /// Make both sides the same; without names, of every target
    #[command(visible_alias = "s")]
    Sync(SyncArguments),
    /// Show how a file in the folder differs from the one in the bucket
    Diff {
        /// The target
        name: String,
        /// The file, as below the folder
        path: String,
    },
    /// List the files of which two versions wait for a choice
    Conflicts {
        /// Only this target's
        name: Option<String>,
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
    /// Choose between the two versions of a file, and sync
    Resolve {
        /// The target
        name: String,
        /// The file, as `s4 conflicts` lists it
        path: String,
        /// Which stands: local, remote or both
        #[arg(long, value_name = "SIDE", value_parser = values::keep)]
        keep: Keep,
    },
    /// List or bring back what a sync replaced or deleted
    #[command(subcommand)]
    Trash(TrashCommand),
    /// Forget what both sides last agreed on; the next sync compares everything and deletes nothing
    Reset {
        /// The target
        name: String,
    },
    /// Run an S3 server on this computer, with a folder behind it
    Serve {
        /// Where it keeps everything
        #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
        data: Option<PathBuf>,
        /// Where it listens; port 0 means the port of the last start [default: 127.0.0.1:0]
        #[arg(long, value_name = "ADDRESS")]
        listen: Option<SocketAddr>,
        /// Print one line of JSON when it is ready
        #[arg(long)]
        json: bool,
    },
    /// Look for what keeps targets from working, and say what helps
    Doctor {
        /// Only this target
        name: Option<String>,
    },
    /// Print the completions for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the version
    #[command(visible_alias = "v")]
    Version,
}

/// What `ls` shows, and in which order.
#[derive(Debug, Args)]
pub(crate) struct LsArguments {
    /// The target
    pub(crate) name: String,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
    /// By what to sort
    #[arg(short, long, value_enum, ignore_case = true, value_name = "COLUMN", default_value = "key")]
    pub(crate) sort_by: Column,
    /// The last first
    #[arg(short, long)]
    pub(crate) descending: bool,
    /// What was deleted and what is ignored, too
    #[arg(short = 'A', long)]
    pub(crate) all: bool,
}

/// A column of `ls`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Column {
    /// The path.
    Key,
    /// When the file was changed.
    Local,
    /// When the object was changed.
    S3,
}

/// What to do with the trash.
#[derive(Debug, Subcommand)]
pub(crate) enum TrashCommand {
    /// List what is in the trash of a target, on this computer and in the bucket
    List {
        /// The target
        name: String,
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
    /// Bring a file back; what stands under its name now is kept
    Restore {
        /// The target
        name: String,
        /// The file, as `s4 trash list` lists it
        path: String,
        /// Which of several, as `s4 trash list` names it [default: the latest]
        #[arg(long, value_name = "ID")]
        id: Option<String>,
    },
}

/// Returns the checked name of a target that is to be made.
pub(crate) fn target_name(text: &str) -> Result<TargetName, String> {
    TargetName::new(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests;
