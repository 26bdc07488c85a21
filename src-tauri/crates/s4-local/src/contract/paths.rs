//! Paths that must not lead anywhere, and names that must work.

use super::{Clause, Subject, expect, path};
use crate::disk::{Disk, DiskResult};
use crate::error::DiskErrorKind;
use s4_core::path::DiskPath;
use s4_core::traits::NameRules;

pub(super) const CHECKS: &[Clause] = &[
    ("t12 a path that is none is refused everywhere", no_paths),
    ("t13 no step goes through a link", no_step_through_links),
    ("t06 t07 any legal name works, a longer one does not", names),
    ("t69 deep paths work", deep_paths),
];

type Step = fn(&dyn Disk, &DiskPath) -> DiskResult<()>;

/// Every step on a path; `f` at the root is there for those that need a second one.
const STEPS: &[(&str, Step)] = &[
    ("read_dir", |disk, path| disk.read_dir(path, &mut |_| {})),
    ("read_link", |disk, path| disk.read_link(path).map(drop)),
    ("open", |disk, path| disk.open(path).map(drop)),
    ("open_for_writing", |disk, path| disk.open_for_writing(path).map(drop)),
    ("create", |disk, path| disk.create(path).map(drop)),
    ("rename from", |disk, path| disk.rename(path, &DiskPath::new("free"))),
    ("rename to", |disk, path| disk.rename(&DiskPath::new("f"), path)),
    ("link from", |disk, path| disk.link(path, &DiskPath::new("free"))),
    ("link to", |disk, path| disk.link(&DiskPath::new("f"), path)),
    ("exchange", |disk, path| disk.exchange(&DiskPath::new("f"), path)),
    ("unlink", |disk, path| disk.unlink(path)),
    ("make_dir", |disk, path| disk.make_dir(path)),
    ("make_private_dir", |disk, path| disk.make_private_dir(path)),
    ("remove_dir", |disk, path| disk.remove_dir(path)),
    ("symlink", |disk, path| disk.symlink("x", path)),
    ("sync_dir", |disk, path| disk.sync_dir(path)),
];

fn no_paths(subject: &Subject<'_>) {
    subject.make_dir("d");
    subject.write("f", b"x");
    for bad in ["../x", "d/../../x", "/etc/passwd", "d//x", "./x", "d/.", "d/..", "d/", "..", "d/x\0y"] {
        for (name, step) in STEPS {
            let refused = step(subject.disk, &path(bad)).map_err(|error| error.kind);
            let is_refused = matches!(refused, Err(DiskErrorKind::BadName | DiskErrorKind::Unsupported));
            assert!(is_refused, "{name} of {bad:?}: {refused:?}");
        }
        expect(subject.disk.lstat(&path(bad)), DiskErrorKind::BadName);
    }
    assert_eq!(subject.names(""), ["d", "f"]);
    assert_eq!(subject.names("d"), [""; 0]);
}

fn no_step_through_links(subject: &Subject<'_>) {
    if !subject.traits.has_symlinks {
        return;
    }
    subject.make_dir("real");
    subject.make_dir("real/dir");
    subject.write("real/file", b"kept");
    subject.write("f", b"x");
    subject.disk.symlink("real", &path("link")).unwrap();
    for name in ["link/file", "link/dir", "link/new", "link/dir/deeper/new"] {
        for (step_name, step) in STEPS {
            let refused = step(subject.disk, &path(name)).map_err(|error| error.kind);
            let is_refused = matches!(
                refused,
                Err(DiskErrorKind::ThroughLink | DiskErrorKind::NotADirectory | DiskErrorKind::Unsupported)
            );
            assert!(is_refused, "{step_name} of {name}: {refused:?}");
        }
        assert!(subject.lstat(name).is_none(), "{name}");
    }
    // The link itself is no directory either.
    assert!(subject.disk.read_dir(&path("link"), &mut |_| {}).is_err());
    assert_eq!(subject.names(""), ["f", "link", "real"]);
    assert_eq!(subject.names("real"), ["dir", "file"]);
    assert_eq!(subject.read("real/file"), b"kept");
}

fn names(subject: &Subject<'_>) {
    let mut names = vec!["plain".to_owned(), "\u{1f469}\u{200d}\u{1f680}".to_owned(), "x".repeat(255)];
    if subject.traits.names == NameRules::Posix {
        names.extend(
            ["new\nline", "tab\there", "back\\slash", "a:b*?\"<>|", " ", "trailing.", "\u{1}"]
                .map(String::from),
        );
    }
    for name in &names {
        subject.write(name, name.as_bytes());
    }
    names.sort();
    assert_eq!(subject.names(""), names);
    for name in &names {
        assert_eq!(subject.read(name), name.as_bytes());
    }
    let too_long = "x".repeat(256);
    expect(subject.disk.create(&path(&too_long)), DiskErrorKind::BadName);
    expect(subject.disk.make_dir(&path(&too_long)), DiskErrorKind::BadName);
    expect(subject.disk.rename(&path("plain"), &path(&too_long)), DiskErrorKind::BadName);
    assert_eq!(subject.read("plain"), b"plain");
}

fn deep_paths(subject: &Subject<'_>) {
    let mut deep = String::from("deep-directory");
    subject.make_dir(&deep);
    for _ in 1..500 {
        deep.push_str("/deep-directory");
        subject.make_dir(&deep);
    }
    let file = format!("{deep}/file");
    assert!(file.len() > 4096);
    subject.write(&file, b"x");
    assert_eq!(subject.read(&file), b"x");
    assert_eq!(subject.names(&deep), ["file"]);
    subject.disk.rename(&path(&file), &path("up")).unwrap();
    subject.disk.sync_dir(&path(&deep)).unwrap();
    assert_eq!(subject.read("up"), b"x");
}
