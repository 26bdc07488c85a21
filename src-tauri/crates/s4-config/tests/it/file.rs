//! The file on disk: replaced as a whole, private, and never when it is not understood.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Barrier,
    thread,
    time::Duration,
};

use s4_config::{Config, ConfigFile, FileError, Locations, Target, TargetName};
use tempfile::TempDir;

/// A configuration directory of a test's own, not made yet.
struct Home {
    root: TempDir,
}

impl Home {
    fn new() -> Self {
        Self { root: tempfile::tempdir().unwrap() }
    }

    fn directory(&self) -> PathBuf {
        self.root.path().join("deep/s4")
    }

    fn file(&self) -> ConfigFile {
        ConfigFile::new(&Locations::at(&self.directory()).unwrap())
    }

    fn write(&self, text: &str) -> PathBuf {
        fs::create_dir_all(self.directory()).unwrap();
        let path = self.directory().join("sync.conf");
        fs::write(&path, text).unwrap();
        path
    }
}

fn target(name: &str) -> Target {
    let uri = "s3://bucket".parse().unwrap();
    Target::new(TargetName::new(name).unwrap(), std::env::temp_dir(), uri)
}

fn add(file: &ConfigFile, name: &str) -> Result<(), FileError> {
    file.update(|config| {
        config.put(&target(name)).unwrap();
        Ok(())
    })
}

fn names(file: &ConfigFile) -> Vec<String> {
    file.read().unwrap().names().map(str::to_owned).collect()
}

#[test]
fn a_missing_file_is_an_empty_one_and_the_first_change_makes_it() {
    let home = Home::new();
    let file = home.file();
    assert_eq!(file.read().unwrap(), Config::default());
    assert!(!home.directory().exists(), "reading makes nothing");
    add(&file, "Docs").unwrap();
    assert_eq!(names(&file), ["Docs"]);
}

/// Expects a file with this text to be refused by reading and changing, and to stay as it is.
#[track_caller]
fn check_refused(text: &str, message: &str) {
    let home = Home::new();
    let path = home.write(text);
    for error in [home.file().read().map(drop).unwrap_err(), add(&home.file(), "Docs").unwrap_err()] {
        assert!(matches!(error, FileError::Invalid { .. }), "{error:?}");
        let expected =
            format!("can't use `{}`: {message}; correct it by hand, S4 leaves it as it is", path.display());
        assert_eq!(error.to_string(), expected);
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}

#[test]
fn what_cannot_be_parsed_is_never_overwritten() {
    check_refused("{\"targets\": {", "it is not valid JSON: EOF while parsing an object at line 1 column 13");
    check_refused("", "it is not valid JSON: EOF while parsing a value at line 1 column 0");
    check_refused("{\n  \"a\": 1,\n}", "it is not valid JSON: trailing comma at line 3 column 1");
    check_refused("{\"targets\": []}", "`targets` must be an object, not a list");
}

#[test]
fn a_change_that_fails_or_changes_nothing_writes_nothing() {
    let home = Home::new();
    // Spelled as no rewrite would spell it.
    let text = "{ \"targets\": {}   }";
    let path = home.write(text);
    home.file().update(|_| Ok::<_, FileError>(())).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), text);

    let error = home.file().update(|config| {
        config.put(&target("Docs")).unwrap();
        Err::<(), _>(FileError::Busy { path: PathBuf::new() })
    });
    assert!(error.is_err());
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}

#[test]
fn concurrent_changes_lose_nothing() {
    const WRITERS: usize = 8;
    const EACH: usize = 5;
    let home = Home::new();
    let start = Barrier::new(WRITERS);
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (home, start) = (&home, &start);
            scope.spawn(move || {
                // As two `s4 add` would: each with a file handle and lock of its own.
                let file = home.file().waiting(Duration::from_secs(60));
                start.wait();
                for n in 0..EACH {
                    add(&file, &format!("{writer}-{n}")).unwrap();
                    assert!(file.read().is_ok(), "a reader never sees half a file");
                }
            });
        }
    });
    assert_eq!(names(&home.file()).len(), WRITERS * EACH);
    let mut left: Vec<_> =
        fs::read_dir(home.directory()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["sync.conf", "sync.conf.lock"], "no temporary files stay");
}

#[test]
fn a_change_under_way_elsewhere_is_waited_for_and_then_given_up() {
    let home = Home::new();
    let impatient = home.file().waiting(Duration::ZERO);
    let error = home.file().update(|_| add(&impatient, "Docs")).unwrap_err();
    assert!(matches!(error, FileError::Busy { .. }), "{error:?}");
    add(&impatient, "Docs").unwrap();
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn the_file_is_for_its_owner_only() {
        let home = Home::new();
        add(&home.file(), "Docs").unwrap();
        assert_eq!(mode(&home.directory()), 0o700);
        for name in ["sync.conf", "sync.conf.lock"] {
            assert_eq!(mode(&home.directory().join(name)), 0o600, "{name}");
        }

        // A file of the original is readable by all; the first change ends that, and leaves its directory alone.
        let path = home.write("{}");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        fs::set_permissions(home.directory(), fs::Permissions::from_mode(0o755)).unwrap();
        add(&home.file(), "Docs").unwrap();
        assert_eq!((mode(&path), mode(&home.directory())), (0o600, 0o755));
    }

    /// Makes `sync.conf` a chain of links, and expects the file at its end to be written and the links to stay.
    #[track_caller]
    fn check_link(is_there: bool) {
        let home = Home::new();
        let dotfiles = home.root.path().join("dotfiles");
        fs::create_dir(&dotfiles).unwrap();
        if is_there {
            fs::write(dotfiles.join("s4.conf"), r#"{"mine": 1}"#).unwrap();
        }
        fs::create_dir_all(home.directory()).unwrap();
        let link = home.directory().join("sync.conf");
        symlink("../../dotfiles/link", &link).unwrap();
        symlink("s4.conf", dotfiles.join("link")).unwrap();

        add(&home.file(), "Docs").unwrap();
        assert_eq!(names(&home.file()), ["Docs"]);
        assert!(link.is_symlink() && dotfiles.join("link").is_symlink());
        let written = fs::read_to_string(dotfiles.join("s4.conf")).unwrap();
        assert_eq!(written.contains("mine"), is_there, "{written}");
        assert_eq!(fs::read_dir(&dotfiles).unwrap().count(), 2, "nothing else is left in the dotfiles");
    }

    #[test]
    fn a_link_is_written_through() {
        check_link(true);
        check_link(false);
    }

    #[test]
    fn links_in_a_circle_are_an_error() {
        let home = Home::new();
        fs::create_dir_all(home.directory()).unwrap();
        symlink("sync.conf", home.directory().join("sync.conf")).unwrap();
        assert!(matches!(home.file().read(), Err(FileError::Unreadable { .. })));
        assert!(matches!(add(&home.file(), "Docs"), Err(FileError::Unreadable { .. })));
    }
}

#[test]
fn the_original_s_file_is_read_until_there_is_one_of_ours() {
    let root = tempfile::tempdir().unwrap();
    let home = root.path();
    let lookup = |name: &str| (name == "HOME").then(|| home.as_os_str().to_owned());
    let locations = Locations::derive(s4_config::Platform::MacOs, lookup).unwrap();
    let file = ConfigFile::new(&locations);
    let original = home.join(".config/s4/sync.conf");
    fs::create_dir_all(original.parent().unwrap()).unwrap();
    fs::write(&original, include_str!("../fixtures/original.conf")).unwrap();

    assert_eq!(names(&file), ["Docs", "My music", "old"]);
    add(&file, "new").unwrap();
    assert_eq!(names(&file), ["Docs", "My music", "old", "new"]);
    let untouched = fs::read_to_string(&original).unwrap();
    assert_eq!(untouched, include_str!("../fixtures/original.conf"));
    fs::write(&original, "broken").unwrap();
    assert_eq!(names(&file).len(), 4, "ours is the one that counts");
}

#[test]
fn a_directory_in_its_place_is_an_error() {
    let home = Home::new();
    fs::create_dir_all(home.directory().join("sync.conf")).unwrap();
    assert!(matches!(home.file().read(), Err(FileError::Unreadable { .. })));
    assert!(matches!(add(&home.file(), "Docs"), Err(FileError::Unreadable { .. })));
    assert!(Path::new(home.file().path()).is_dir());
}
