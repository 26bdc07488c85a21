//! Where the programs of the tests are.

use std::path::{Path, PathBuf};

/// Returns the program under test.
pub fn s4_binary() -> PathBuf {
    let path = std::env::var_os("S4_BINARY").map_or_else(|| target().join("debug/s4"), PathBuf::from);
    assert!(path.exists(), "there is no `{}`; build it with `cargo build -p s4-cli`", path.display());
    path
}

/// Returns a script of `tests/python`.
pub fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("python").join(name)
}

/// Returns a program of the environment with boto3, the AWS command line and moto.
pub fn client(name: &str) -> PathBuf {
    environment("clients", name)
}

/// Returns a program of the environment with the original S4.
pub fn original(name: &str) -> PathBuf {
    environment("clients-s4", name)
}

/// Returns the sources of all crates, for tests that look names up there.
pub fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../src-tauri/crates")
}

fn environment(directory: &str, program: &str) -> PathBuf {
    let path = target().join(directory).join("bin").join(program);
    assert!(path.exists(), "there is no `{}`; make it with `cargo xtask setup`", path.display());
    path
}

/// Returns the target directory that this test was built into.
fn target() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows where it is");
    let target = test.ancestors().find(|directory| directory.join("CACHEDIR.TAG").exists());
    target.unwrap_or_else(|| panic!("no target directory above `{}`", test.display())).to_path_buf()
}
