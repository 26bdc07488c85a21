use std::process::{Command, Stdio};

use super::*;

#[track_caller]
fn assert_held(result: Result<FolderLock, LockError>, by: Option<u32>) {
    match result {
        Err(LockError::Held { folder, holder }) => {
            assert_eq!((folder.as_path(), holder), (Path::new("/docs"), by));
        }
        other => panic!("not held by another: {other:?}"),
    }
}

#[test]
fn the_second_run_is_told_who_holds_the_folder_until_the_first_ends() {
    let directory = tempfile::tempdir().unwrap();
    let take = || FolderLock::take(Path::new("/docs"), directory.path());
    let lock = take().unwrap();
    let seen = if cfg!(windows) { None } else { Some(std::process::id()) };
    assert_held(take(), seen);
    assert_held(take(), seen);
    drop(lock);
    drop(take().unwrap());
    assert!(directory.path().join(LOCK).is_file(), "the file stays");
}

#[test]
fn what_the_file_says_decides_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(LOCK);
    // A killed run leaves its number; it may belong to another process by now.
    std::fs::write(&path, std::process::id().to_string()).unwrap();
    let lock = FolderLock::take(Path::new("/docs"), directory.path()).unwrap();
    std::fs::write(&path, "a number that is no number at all").unwrap();
    assert_held(FolderLock::take(Path::new("/docs"), directory.path()), None);
    drop(lock);
}

#[test]
fn a_missing_directory_is_an_error_that_names_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let error = FolderLock::take(Path::new("/docs"), &directory.path().join("gone")).unwrap_err();
    assert!(matches!(&error, LockError::Failed { path, .. } if path.ends_with("gone/lock")), "{error}");
}

#[cfg(unix)]
#[test]
fn a_link_is_not_followed() {
    let directory = tempfile::tempdir().unwrap();
    let precious = directory.path().join("precious");
    std::fs::write(&precious, "content").unwrap();
    std::os::unix::fs::symlink(&precious, directory.path().join(LOCK)).unwrap();
    let result = FolderLock::take(Path::new("/docs"), directory.path());
    assert!(matches!(result, Err(LockError::Failed { .. })));
    assert_eq!(std::fs::read(&precious).unwrap(), b"content");
}

/// The test binary starts itself as the other run: see [`holds_the_lock_until_it_is_killed`].
#[cfg(unix)]
#[test]
fn a_killed_run_holds_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let mut other = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "lock::tests::holds_the_lock_until_it_is_killed", "--nocapture"])
        .env("S4_TEST_LOCK_IN", directory.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = io::BufReader::new(other.stdout.take().unwrap());
    let mut line = String::new();
    while line.trim() != "held" {
        line.clear();
        assert_ne!(io::BufRead::read_line(&mut said, &mut line).unwrap(), 0, "the other run ended early");
    }
    assert_held(FolderLock::take(Path::new("/docs"), directory.path()), Some(other.id()));
    other.kill().unwrap();
    other.wait().unwrap();
    drop(FolderLock::take(Path::new("/docs"), directory.path()).unwrap());
}

/// Does nothing unless [`a_killed_run_holds_nothing`] asks for it.
#[cfg(unix)]
#[test]
fn holds_the_lock_until_it_is_killed() {
    let Some(directory) = std::env::var_os("S4_TEST_LOCK_IN") else { return };
    let _lock = FolderLock::take(Path::new("/docs"), Path::new(&directory)).unwrap();
    // Straight to the descriptor: the harness may hold what is printed.
    writeln!(io::stdout(), "\nheld").unwrap();
    io::stdout().flush().unwrap();
    loop {
        std::thread::park();
    }
}
