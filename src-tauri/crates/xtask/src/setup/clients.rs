//! Python programs that the tests run beside S4, each set in an environment of its own under the target directory.
//!
//! - An environment is used only if its marker carries the hash of its requirements; the marker is written last, so
//!   that a half-made one is made again.
//! - Callers hold the set-up lock.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::workspace::{Workspace, run};

/// A Python environment.
pub(crate) struct Environment {
    directory: &'static str,
    requirements: &'static str,
}

/// boto3, the AWS command line and moto.
pub(crate) const S3_CLIENTS: Environment =
    Environment { directory: "clients", requirements: "tests/python/requirements.txt" };

/// The original S4, apart from the others because it may need older libraries.
pub(crate) const ORIGINAL_S4: Environment =
    Environment { directory: "clients-s4", requirements: "tests/python/requirements-s4.txt" };

/// The tools that S4 is measured against.
pub(crate) const PEERS: Environment =
    Environment { directory: "peers", requirements: "tests/python/requirements-bench.txt" };

impl Environment {
    /// Returns where the environment's Python is.
    pub(crate) fn python(&self, workspace: &Workspace) -> PathBuf {
        workspace.target().join(self.directory).join("bin/python")
    }
}

/// Makes the environment unless it is there, whole and of the right versions.
pub(crate) fn ensure(workspace: &Workspace, environment: &Environment) -> Result<()> {
    let requirements = workspace.root().join(environment.requirements);
    let text = std::fs::read_to_string(&requirements)
        .with_context(|| format!("can't read `{}`", requirements.display()))?;
    let directory = workspace.target().join(environment.directory);
    let wanted = marker_text(&text, &directory);
    let marker = directory.join("complete");
    let is_whole = std::fs::read_to_string(&marker).is_ok_and(|found| found == wanted);
    if is_whole && environment.python(workspace).exists() {
        return Ok(());
    }
    println!("Making the Python environment `{}`", directory.display());
    if directory.exists() {
        std::fs::remove_dir_all(&directory)
            .with_context(|| format!("can't remove `{}`", directory.display()))?;
    }
    run(Command::new("python3").args(["-m", "venv"]).arg(&directory))?;
    run(Command::new(environment.python(workspace))
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"])
        .arg(&requirements))?;
    std::fs::write(&marker, wanted).with_context(|| format!("can't write `{}`", marker.display()))
}

/// Returns what the marker of a whole environment says. The place is part of it: environments do not move.
fn marker_text(requirements: &str, directory: &Path) -> String {
    let mut hasher = DefaultHasher::new();
    (requirements, directory).hash(&mut hasher);
    format!("{:016x}\n", hasher.finish())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::marker_text;

    #[test]
    fn marker_tells_versions_and_places_apart() {
        let marker = |text, place| marker_text(text, Path::new(place));
        assert_eq!(marker("boto3==1", "/a"), marker("boto3==1", "/a"));
        assert_ne!(marker("boto3==1", "/a"), marker("boto3==2", "/a"));
        assert_ne!(marker("boto3==1", "/a"), marker("boto3==1", "/b"));
    }
}
