//! A computer of the story: a home, a configuration and a folder that no other computer shares.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

use crate::server::Access;

/// One computer.
pub(super) struct Machine {
    pub(super) name: &'static str,
    home: PathBuf,
    folder: PathBuf,
    s4: PathBuf,
    access: Access,
}

impl Machine {
    /// Makes the computer with an empty home and an empty folder.
    pub(super) fn new(name: &'static str, place: &Path, s4: &Path, access: &Access) -> Result<Self> {
        let home = place.join(name);
        let folder = home.join("Documents");
        fs::create_dir_all(&folder).with_context(|| format!("can't make `{}`", folder.display()))?;
        Ok(Self { name, home, folder, s4: s4.to_owned(), access: access.clone() })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Runs `s4` here and returns what it said; an end that is not success is an error.
    pub(super) fn s4(&self, arguments: &[&str]) -> Result<String> {
        let output = Command::new(&self.s4)
            .args(arguments)
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .envs(self.environment())
            .current_dir(&self.home)
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("can't start `{}`", self.s4.display()))?;
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        if !output.status.success() {
            bail!("`s4 {}` on the {} ended with {}:\n{said}", arguments.join(" "), self.name, output.status);
        }
        Ok(said)
    }

    /// Returns a command line that does the same when pasted into a shell.
    pub(super) fn command_to_paste(&self, arguments: &[&str]) -> String {
        let environment = self.environment().map(|(name, value)| format!("{name}={value}"));
        format!("{} {} {}", environment.join(" "), self.s4.display(), arguments.join(" "))
    }

    pub(super) fn write(&self, path: &str, content: impl AsRef<[u8]>) -> Result<()> {
        let full = self.folder.join(path);
        let parent = full.parent().unwrap_or(&self.folder);
        fs::create_dir_all(parent)
            .and_then(|()| fs::write(&full, content))
            .with_context(|| format!("can't write `{}`", full.display()))
    }

    pub(super) fn read(&self, path: &str) -> Result<String> {
        let full = self.folder.join(path);
        fs::read_to_string(&full).with_context(|| format!("can't read `{}`", full.display()))
    }

    fn environment(&self) -> [(&'static str, String); 4] {
        [
            ("HOME", self.home.display().to_string()),
            ("S4_CONFIG_DIR", self.home.join(".config/s4").display().to_string()),
            ("AWS_ACCESS_KEY_ID", self.access.key_id.clone()),
            ("AWS_SECRET_ACCESS_KEY", self.access.secret.clone()),
        ]
    }
}
