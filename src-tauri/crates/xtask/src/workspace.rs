//! Where the workspace and its target directory are, and how its programs are started.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// The cargo feature that builds `s4` with its failpoints.
pub(crate) const FAILPOINTS: &str = "s4-cli/failpoints";

/// The checkout that this program was built from.
pub(crate) struct Workspace {
    root: PathBuf,
    target: PathBuf,
}

impl Workspace {
    /// Returns the workspace around this crate, with the target directory that cargo uses.
    pub(crate) fn find() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .ancestors()
            .nth(3)
            .context("can't find the workspace above the xtask crate")?
            .to_path_buf();
        let metadata = metadata(&root, &["--no-deps"])?;
        let target =
            metadata["target_directory"].as_str().context("cargo metadata names no target directory")?;
        Ok(Self { target: PathBuf::from(target), root })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// Returns the dependency graph on Linux as cargo tells it. Other platforms' crates would have to be downloaded.
    pub(crate) fn graph(&self) -> Result<Value> {
        metadata(&self.root, &["--locked", "--filter-platform", "x86_64-unknown-linux-gnu"])
    }

    /// Returns a cargo command that works in the workspace.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(cargo());
        command.args(arguments).current_dir(&self.root);
        command
    }

    /// Builds `s4` and puts it into `directory`, where later builds with other features leave it alone.
    pub(crate) fn build_s4(&self, directory: &Path, features: &[&str]) -> Result<PathBuf> {
        // The whole workspace is selected so that shared dependencies keep the features that the tests use, and are
        // compiled once.
        let mut command = self.cargo(&["build", "--locked", "--workspace", "--bin", "s4"]);
        if !features.is_empty() {
            command.args(["--features", &features.join(",")]);
        }
        run(&mut command)?;
        std::fs::create_dir_all(directory)
            .with_context(|| format!("can't make `{}`", directory.display()))?;
        let name = format!("s4{}", std::env::consts::EXE_SUFFIX);
        let (built, wanted) = (self.target.join("debug").join(&name), directory.join(&name));
        let fresh = directory.join(format!("{name}.{}", std::process::id()));
        std::fs::copy(&built, &fresh)
            .and_then(|_| std::fs::rename(&fresh, &wanted))
            .with_context(|| format!("can't copy `{}` to `{}`", built.display(), wanted.display()))?;
        Ok(wanted)
    }
}

/// Runs a command to its end; its output goes to ours.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("can't start {}", told(command)))?;
    if !status.success() {
        bail!("{} ended with {status}", told(command));
    }
    Ok(())
}

/// Returns whether a command can be started and succeeds; its output is thrown away.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|s| s.success())
}

/// Returns the command line for a message.
pub(crate) fn told(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    format!("`{}`", words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" "))
}

fn metadata(root: &Path, arguments: &[&str]) -> Result<Value> {
    let output = Command::new(cargo())
        .args(["metadata", "--format-version", "1"])
        .args(arguments)
        .current_dir(root)
        .stderr(Stdio::inherit())
        .output()
        .context("can't start cargo metadata")?;
    if !output.status.success() {
        bail!("cargo metadata ended with {}", output.status);
    }
    serde_json::from_slice(&output.stdout).context("cargo metadata printed no JSON")
}

fn cargo() -> std::ffi::OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}
