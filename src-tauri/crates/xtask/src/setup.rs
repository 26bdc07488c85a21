//! Makes a machine ready for the tests, quickly when it already is.

pub(crate) mod clients;
mod packages;

use std::fs::File;

use anyhow::{Context, Result};

use crate::workspace::Workspace;

/// Installs what the tests need: system packages, independent S3 clients, the original S4.
pub(crate) fn everything(workspace: &Workspace) -> Result<()> {
    let _turn = wait_for_turn(workspace)?;
    packages::ensure(&packages::ALL)?;
    clients::ensure(workspace, &clients::S3_CLIENTS)?;
    clients::ensure(workspace, &clients::ORIGINAL_S4)
}

/// Installs what the demo needs: Python and an independent S3 client.
pub(crate) fn for_demo(workspace: &Workspace) -> Result<()> {
    let _turn = wait_for_turn(workspace)?;
    packages::ensure(&[packages::PYTHON])?;
    clients::ensure(workspace, &clients::S3_CLIENTS)
}

/// Installs what the benchmark needs: Python and the tools that S4 is measured against.
pub(crate) fn for_bench(workspace: &Workspace) -> Result<()> {
    let _turn = wait_for_turn(workspace)?;
    packages::ensure(&[packages::PYTHON, packages::LIBMAGIC])?;
    clients::ensure(workspace, &clients::PEERS)
}

/// Holds the set-up lock, so that two runs at once do the work once.
fn wait_for_turn(workspace: &Workspace) -> Result<File> {
    let path = workspace.target().join("setup.lock");
    std::fs::create_dir_all(workspace.target())
        .and_then(|()| File::create(&path))
        .and_then(|file| file.lock().map(|()| file))
        .with_context(|| format!("can't lock `{}`", path.display()))
}
