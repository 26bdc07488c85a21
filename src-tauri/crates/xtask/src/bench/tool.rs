//! The tools, and the command with which each does a step.
//!
//! - Each tool gets the flags that its own documentation recommends for speed, and those without which it would do
//!   less than asked: deletions, changes that keep the size, renames.
//! - None is told anything about the benchmark that a person could not tell it.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::{
    bench::{
        measure::Job,
        site::Store,
        work::{Step, Way, Work},
    },
    setup::clients::PEERS,
    workspace::Workspace,
};

/// A tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tool {
    S4,
    S5cmd,
    RcloneSync,
    RcloneBisync,
    AwsCli,
    OriginalS4,
}

/// A computer: a home and a folder.
pub(super) struct Machine {
    pub(super) home: PathBuf,
    pub(super) folder: PathBuf,
}

/// Where the programs are.
pub(super) struct Programs {
    pub(super) s4: PathBuf,
    pub(super) python: PathBuf,
    pub(super) s5cmd: PathBuf,
    pub(super) rclone: PathBuf,
    pub(super) aws: PathBuf,
    pub(super) original: PathBuf,
}

impl Tool {
    pub(super) const ALL: [Self; 6] =
        [Self::S4, Self::S5cmd, Self::RcloneSync, Self::RcloneBisync, Self::AwsCli, Self::OriginalS4];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::S4 => "S4",
            Self::S5cmd => "s5cmd sync",
            Self::RcloneSync => "rclone sync",
            Self::RcloneBisync => "rclone bisync",
            Self::AwsCli => "aws s3 sync",
            Self::OriginalS4 => "original S4",
        }
    }

    /// Returns how often it is timed of `runs` times: the slowest tools once, and not where they need minutes.
    pub(super) fn timed_runs(self, work: Work, runs: usize) -> usize {
        match (self.is_slow(), work) {
            // Its goals are absolute: what others need for it is not compared.
            (_, Work::Million) if self != Self::S4 => 0,
            (true, Work::Many) => 0,
            (true, _) => 1,
            (false, _) => runs,
        }
    }

    /// Returns whether its requests are counted; each count takes a run of its own.
    pub(super) fn is_counted(self, work: Work) -> bool {
        !matches!(work, Work::Many | Work::Million) && !self.is_slow()
    }

    /// Returns whether it takes a step. The slowest tools would send or fetch all small files once more.
    pub(super) fn takes(self, step: Step) -> bool {
        !(self.is_slow() && matches!(step, Step::RenameUp | Step::RenameDown))
    }

    fn is_slow(self) -> bool {
        matches!(self, Self::AwsCli | Self::OriginalS4)
    }

    /// Returns whether it makes files safe on disk by itself.
    fn syncs(self) -> bool {
        self == Self::S4
    }
}

impl Machine {
    pub(super) fn new(place: &Path, name: &str) -> Result<Self> {
        let machine = Self { home: place.join(name), folder: place.join(name).join("folder") };
        fs::create_dir_all(&machine.folder)
            .with_context(|| format!("can't make `{}`", machine.folder.display()))?;
        Ok(machine)
    }
}

impl Programs {
    /// Finds the peers in their environment.
    pub(super) fn find(workspace: &Workspace, s4: PathBuf) -> Result<Self> {
        let python = PEERS.python(workspace);
        let beside = |name: &str| python.with_file_name(name);
        let library = workspace.target().join("peers/lib");
        // The script beside Python's own only starts the binary.
        let s5cmd = fs::read_dir(&library)
            .with_context(|| format!("can't read `{}`", library.display()))?
            .filter_map(|entry| Some(entry.ok()?.path().join("site-packages/s5cmd/bin/s5cmd")))
            .find(|path| path.is_file())
            .context("s5cmd's package holds no binary")?;
        let (rclone, aws, original) = (beside("rclone"), beside("aws"), beside("s4"));
        Ok(Self { s4, python, s5cmd, rclone, aws, original })
    }

    /// Returns the command that prepares a computer, for tools that have to be told what belongs together.
    pub(super) fn preparation(&self, tool: Tool, machine: &Machine, store: &Store) -> Result<Option<Job>> {
        let folder = machine.folder.as_os_str();
        let access = &store.access;
        match tool {
            Tool::S4 => {
                let mut words = words(&self.s4, &["add", "bench", "--credentials", "env", "--local"]);
                words.push(folder.to_owned());
                words.extend(["--remote", &store.uri(), "--endpoint", &access.endpoint].map(OsString::from));
                words.extend(["--region", &access.region].map(OsString::from));
                Ok(Some(Job::here(words, machine, store)))
            }
            Tool::OriginalS4 => {
                let document = serde_json::json!({"targets": {"bench": {
                    "local_folder": folder.to_string_lossy(),
                    "endpoint_url": access.endpoint,
                    "s3_uri": store.uri(),
                    "region_name": access.region,
                    "aws_access_key_id": access.key_id,
                    "aws_secret_access_key": access.secret,
                }}});
                let directory = machine.home.join(".config/s4");
                fs::create_dir_all(&directory)
                    .and_then(|()| fs::write(directory.join("sync.conf"), document.to_string()))
                    .with_context(|| format!("can't write below `{}`", directory.display()))?;
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    /// Returns the command that does a step.
    pub(super) fn job(&self, tool: Tool, step: Step, machine: &Machine, store: &Store) -> Job {
        let local = machine.folder.display().to_string();
        let (uri, endpoint) = (store.uri(), &*store.access.endpoint);
        let remote = format!("store:{}/{}", store.access.bucket, store.prefix);
        let is_up = step.way() == Way::Up;
        let ordered = |here: String, there: String| if is_up { [here, there] } else { [there, here] };
        let mut line: Vec<String> = Vec::new();
        let program = match tool {
            Tool::S4 | Tool::OriginalS4 => {
                line.extend(["sync", "bench"].map(str::to_owned));
                if tool == Tool::S4 { &self.s4 } else { &self.original }
            }
            Tool::S5cmd => {
                line.extend(
                    ["--endpoint-url", endpoint, "--log", "error", "sync", "--delete"].map(str::to_owned),
                );
                line.extend(if is_up {
                    [format!("{local}/"), format!("{uri}/")]
                } else {
                    [format!("{uri}/*"), format!("{local}/")]
                });
                &self.s5cmd
            }
            Tool::RcloneSync => {
                line.push("sync".to_owned());
                line.extend(ordered(local, remote));
                line.extend(rclone_flags(step));
                &self.rclone
            }
            Tool::RcloneBisync => {
                line.extend(["bisync".to_owned(), local, remote, "--force".to_owned()]);
                line.extend(["--workdir".to_owned(), machine.home.join("bisync").display().to_string()]);
                line.extend(rclone_flags(step));
                line.extend(step.is_first().then(|| "--resync".to_owned()));
                &self.rclone
            }
            Tool::AwsCli => {
                line.extend(["--endpoint-url", endpoint, "s3", "sync", "--delete"].map(str::to_owned));
                line.extend(["--only-show-errors", "--exact-timestamps"].map(str::to_owned));
                line.extend(ordered(local, uri));
                &self.aws
            }
        };
        let mut job = Job::here(words(program, &line), machine, store);
        if step.way() == Way::Down && !tool.syncs() {
            job.synced_after = Some(machine.folder.clone());
        }
        job
    }
}

/// Looking for renames costs a hash of every new file, so it is only asked for where it pays.
fn rclone_flags(step: Step) -> impl Iterator<Item = String> {
    let is_rename = matches!(step, Step::RenameUp | Step::RenameDown);
    ["--transfers", "32", "--checkers", "32", "--fast-list"]
        .into_iter()
        .chain(is_rename.then_some("--track-renames"))
        .map(str::to_owned)
}

impl Job {
    fn here(words: Vec<OsString>, machine: &Machine, store: &Store) -> Self {
        let environment = environment(machine, store);
        Self { words, environment, directory: machine.home.clone(), synced_after: None }
    }
}

/// Returns the variables that tell the tools where the store is.
fn environment(machine: &Machine, store: &Store) -> Vec<(String, OsString)> {
    let access = &store.access;
    [
        ("HOME", machine.home.as_os_str().to_owned()),
        ("S4_CONFIG_DIR", machine.home.join("s4").into()),
        ("AWS_ACCESS_KEY_ID", (&access.key_id).into()),
        ("AWS_SECRET_ACCESS_KEY", (&access.secret).into()),
        ("AWS_REGION", (&access.region).into()),
        ("AWS_DEFAULT_REGION", (&access.region).into()),
        ("RCLONE_CONFIG", machine.home.join("rclone.conf").into()),
        ("RCLONE_CONFIG_STORE_TYPE", "s3".into()),
        ("RCLONE_CONFIG_STORE_PROVIDER", "Other".into()),
        ("RCLONE_CONFIG_STORE_ENV_AUTH", "true".into()),
        ("RCLONE_CONFIG_STORE_ENDPOINT", (&access.endpoint).into()),
        ("RCLONE_CONFIG_STORE_REGION", (&access.region).into()),
        ("RCLONE_CONFIG_STORE_NO_CHECK_BUCKET", "true".into()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

fn words(program: &Path, line: &[impl AsRef<str>]) -> Vec<OsString> {
    let line = line.iter().map(|word| OsString::from(word.as_ref()));
    std::iter::once(program.as_os_str().to_owned()).chain(line).collect()
}
