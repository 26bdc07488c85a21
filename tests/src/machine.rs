//! A computer: a home, a configuration and a folder of its own, and `s4` run there.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    bucket::Bucket,
    places,
    process::{self, Run},
    server::Access,
    tree::Tree,
};

/// The name of the target that [`Machine::add`] makes.
pub const TARGET: &str = "documents";

/// A computer with a folder to keep the same.
pub struct Machine {
    home: PathBuf,
    config: PathBuf,
    folder: PathBuf,
    access: Access,
    s4: PathBuf,
}

impl Machine {
    /// Makes a computer below `place`, with keys for a store and an empty folder.
    pub fn new(place: &Path, name: &str, access: &Access) -> Self {
        let home = place.join(name);
        let folder = home.join("Documents");
        fs::create_dir_all(&folder).expect("a folder can be made");
        let config = home.join(".config/s4");
        Self { config, folder, home, access: access.clone(), s4: places::s4_binary() }
    }

    /// Returns another computer with the same folder, as if its drive were plugged in there.
    pub fn with_same_folder(&self, name: &str) -> Self {
        let place = self.home.parent().expect("a home lies somewhere");
        let other = Self::new(place, name, &self.access);
        Self { folder: self.folder.clone(), ..other }
    }

    /// Returns the folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the home directory.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Returns the path of `sync.conf`.
    pub fn sync_conf(&self) -> PathBuf {
        self.config.join("sync.conf")
    }

    /// Goes on with another folder here.
    pub fn move_to(&mut self, folder: &Path) {
        self.folder = folder.to_path_buf();
    }

    /// Goes on with other keys or another endpoint.
    pub fn use_access(&mut self, access: &Access) {
        self.access = access.clone();
    }

    /// Returns a command that runs `s4` here: no terminal, no keyring, nothing of this computer's own environment.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.s4);
        command.args(arguments).env_clear().current_dir(&self.home);
        for name in ["PATH", "LLVM_PROFILE_FILE", "RUST_BACKTRACE"] {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        command
            .env("HOME", &self.home)
            .env("S4_CONFIG_DIR", &self.config)
            .env("LANG", "C.UTF-8")
            .env("AWS_ACCESS_KEY_ID", &self.access.key_id)
            .env("AWS_SECRET_ACCESS_KEY", &self.access.secret);
        command
    }

    /// Runs `s4` here to its end.
    pub fn s4(&self, arguments: &[&str]) -> Run {
        process::run(&mut self.command(arguments))
    }

    /// Runs `s4` here with something on its standard input.
    pub fn s4_with_input(&self, arguments: &[&str], input: &str) -> Run {
        process::run_with_input(&mut self.command(arguments), input.as_bytes())
    }

    /// Runs `s4` here on a terminal; each answer is typed once its question has appeared, a line end where it has one.
    pub fn s4_on_terminal(&self, arguments: &[&str], answers: &[(&str, &str)]) -> Run {
        let inner = self.command(arguments);
        let line: Vec<_> = std::iter::once(inner.get_program()).chain(inner.get_args()).collect();
        let line: Vec<_> = line.iter().map(|word| word.to_string_lossy()).collect();
        let task = serde_json::json!({"command": line, "answers": answers}).to_string();
        let mut python = process::inside(&inner, places::client("python"));
        process::run_with_input(
            python.arg(places::script("terminal.py")).env("TERM", "xterm"),
            task.as_bytes(),
        )
    }

    /// Runs a shell script here as root of mounts that nobody else sees; `$S4` is the program, `$FOLDER` the folder.
    pub fn shell_with_mounts(&self, script: &str) -> Run {
        let inner = self.command(&[]);
        let mut unshare = process::inside(&inner, "unshare");
        unshare.args(["--map-root-user", "--mount", "bash", "-euc", script]);
        process::run(unshare.env("S4", &self.s4).env("FOLDER", &self.folder))
    }

    /// Connects the folder to a bucket, under the name [`TARGET`].
    #[track_caller]
    pub fn add(&self, bucket: &Bucket) -> Run {
        self.try_add(&self.folder, &bucket.uri()).exits(0)
    }

    /// Tries to connect a folder to `s3://BUCKET/PREFIX`, under the name [`TARGET`].
    pub fn try_add(&self, folder: &Path, remote: &str) -> Run {
        let folder = folder.to_string_lossy();
        let (endpoint, region) = (&self.access.endpoint, &self.access.region);
        let mut words = vec!["add", TARGET, "--local", &folder, "--remote", remote];
        words.extend(["--endpoint", endpoint, "--region", region, "--credentials", "env"]);
        self.s4(&words)
    }

    /// Syncs, and checks that all is in sync afterwards.
    #[track_caller]
    pub fn sync(&self) -> Run {
        self.try_sync(&[]).exits(0)
    }

    /// Syncs with more arguments, whatever comes of it.
    pub fn try_sync(&self, arguments: &[&str]) -> Run {
        self.s4(&[&["sync", TARGET], arguments].concat())
    }

    /// Returns what the folder holds.
    pub fn tree(&self) -> Tree {
        Tree::read(&self.folder)
    }

    /// Returns the full path of something in the folder.
    pub fn path(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    /// Writes a file, with the directories above it.
    #[track_caller]
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let full = self.path(path);
        let parent = full.parent().expect("a file lies somewhere");
        fs::create_dir_all(parent).and_then(|()| fs::write(&full, content)).unwrap_or_else(|error| {
            panic!("can't write {}: {error}", full.display());
        });
    }

    /// Removes a file, a link, or a directory with everything in it.
    #[track_caller]
    pub fn remove(&self, path: &str) {
        let full = self.path(path);
        let is_directory = full.symlink_metadata().is_ok_and(|metadata| metadata.is_dir());
        let removed = if is_directory { fs::remove_dir_all(&full) } else { fs::remove_file(&full) };
        removed.unwrap_or_else(|error| panic!("can't remove {}: {error}", full.display()));
    }

    /// Renames something, with the directories above its new name made.
    #[track_caller]
    pub fn rename(&self, from: &str, to: &str) {
        let (from, to) = (self.path(from), self.path(to));
        let parent = to.parent().expect("a file lies somewhere");
        fs::create_dir_all(parent).and_then(|()| fs::rename(&from, &to)).unwrap_or_else(|error| {
            panic!("can't rename {} to {}: {error}", from.display(), to.display());
        });
    }

    /// Makes an empty directory.
    #[track_caller]
    pub fn make_directory(&self, path: &str) {
        fs::create_dir_all(self.path(path)).expect("a directory can be made");
    }

    /// Makes a symbolic link.
    #[track_caller]
    pub fn link(&self, path: &str, target: &str) {
        symlink(target, self.path(path)).expect("a link can be made");
    }

    /// Sets the permissions of something.
    #[track_caller]
    pub fn set_mode(&self, path: &str, mode: u32) {
        fs::set_permissions(self.path(path), fs::Permissions::from_mode(mode)).expect("a mode can be set");
    }

    /// Removes everything but `.s4` from the folder, as a careless cleaner would.
    pub fn empty_folder(&self) {
        for entry in fs::read_dir(&self.folder).expect("the folder is there").flatten() {
            let name = entry.file_name();
            if name != ".s4" {
                self.remove(&name.to_string_lossy());
            }
        }
    }
}

/// Copies a directory with times, modes and links, as `cp -a` does.
#[track_caller]
pub fn copy_exactly(from: &Path, to: &Path) {
    process::run(Command::new("cp").arg("-a").arg(from).arg(to)).exits(0);
}

/// Syncs the machines in turn, twice, so that each has what the others had.
#[track_caller]
pub fn settle(machines: &[&Machine]) {
    for machine in machines.iter().chain(machines) {
        machine.sync();
    }
}

/// Checks that all machines hold the same and returns it.
#[track_caller]
pub fn same_tree(machines: &[&Machine]) -> Tree {
    let first = machines.first().expect("there is a machine").tree();
    for machine in machines {
        assert_eq!(machine.tree(), first, "{} differs from the first", machine.folder().display());
    }
    first
}
