//! Where the programs from PyPI are.

use std::path::{Path, PathBuf};

/// Returns a program of the environment with moto.
pub(crate) fn client(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let target = test.ancestors().find(|directory| directory.join("CACHEDIR.TAG").exists()).unwrap();
    let path = target.join("clients/bin").join(name);
    assert!(path.exists(), "there is no `{}`: `cargo xtask test` sets it up", path.display());
    path
}

/// Returns a script of `tests/python`.
pub(crate) fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/python").join(name)
}
