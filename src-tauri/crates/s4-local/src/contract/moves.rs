//! Renames and exchanges.

use super::{Clause, Subject, expect, path};
use crate::disk::Kind;
use crate::error::DiskErrorKind;

pub(super) const CHECKS: &[Clause] = &[
    ("a rename keeps the entry and never replaces", renames),
    ("directories move with all below them", directories),
    ("an exchange keeps both entries", exchanges),
    ("two spellings of one name are one name", spellings),
];

fn renames(subject: &Subject<'_>) {
    let before = subject.write("a", b"one");
    subject.write("b", b"two");
    subject.make_dir("d");
    for taken in ["b", "d", "a"] {
        expect(subject.disk.rename(&path("a"), &path(taken)), DiskErrorKind::Occupied);
    }
    subject.disk.rename(&path("a"), &path("d/c")).unwrap();
    let after = subject.lstat("d/c").unwrap();
    assert!(before.fingerprint.same_but_renamed(&after.fingerprint));
    assert!(subject.lstat("a").is_none());
    assert_eq!((subject.read("d/c"), subject.read("b")), (b"one".to_vec(), b"two".to_vec()));
    expect(subject.disk.rename(&path("a"), &path("e")), DiskErrorKind::Missing);
    expect(subject.disk.rename(&path("b"), &path("no/parent")), DiskErrorKind::Missing);
    if subject.traits.has_symlinks {
        subject.disk.symlink("b", &path("l")).unwrap();
        expect(subject.disk.rename(&path("b"), &path("l")), DiskErrorKind::Occupied);
        subject.disk.rename(&path("l"), &path("m")).unwrap();
        assert_eq!(&*subject.disk.read_link(&path("m")).unwrap(), "b");
    }
}

fn directories(subject: &Subject<'_>) {
    subject.make_dir("d");
    subject.make_dir("d/e");
    subject.write("d/e/f", b"x");
    subject.make_dir("empty");
    expect(subject.disk.rename(&path("d"), &path("empty")), DiskErrorKind::Occupied);
    assert!(subject.disk.rename(&path("d"), &path("d/e/g")).is_err(), "a directory never moves into itself");
    let before = subject.lstat("d").unwrap().fingerprint.file_id;
    subject.disk.rename(&path("d"), &path("g")).unwrap();
    assert_eq!(subject.lstat("g").unwrap().fingerprint.file_id, before);
    assert_eq!(subject.read("g/e/f"), b"x");
}

fn exchanges(subject: &Subject<'_>) {
    let one = subject.write("a", b"one").fingerprint;
    subject.make_dir("d");
    let two = subject.write("d/b", b"two").fingerprint;
    if !subject.traits.has_exchange {
        expect(subject.disk.exchange(&path("a"), &path("d/b")), DiskErrorKind::Unsupported);
        assert_eq!(subject.read("a"), b"one");
        return;
    }
    subject.disk.exchange(&path("a"), &path("d/b")).unwrap();
    assert!(subject.lstat("a").unwrap().fingerprint.same_but_renamed(&two));
    assert!(subject.lstat("d/b").unwrap().fingerprint.same_but_renamed(&one));
    assert_eq!(subject.lstat("a").unwrap().links, 1);
    expect(subject.disk.exchange(&path("a"), &path("none")), DiskErrorKind::Missing);
    expect(subject.disk.exchange(&path("none"), &path("a")), DiskErrorKind::Missing);
    assert_eq!((subject.read("a"), subject.read("d/b")), (b"two".to_vec(), b"one".to_vec()));
    subject.make_dir("e");
    subject.disk.exchange(&path("a"), &path("e")).unwrap();
    assert_eq!(subject.lstat("a").unwrap().kind, Kind::Dir);
    assert_eq!(subject.read("e"), b"two");
}

fn spellings(subject: &Subject<'_>) {
    let traits = &subject.traits;
    // Whether a disk that folds case folds Unicode forms too is not asked: names are taken for one either way.
    let unicode = (traits.case_sensitive || traits.normalizes_unicode).then_some((
        "caf\u{e9}",
        "cafe\u{301}",
        !traits.normalizes_unicode,
    ));
    for (one, other, are_two) in [("Readme", "README", traits.case_sensitive)].into_iter().chain(unicode) {
        subject.write(one, b"one");
        assert!(subject.lstat(other).is_none(), "{other:?} is not how it is spelled");
        assert!(subject.lstat(one).is_some(), "{one:?} is");
        if are_two {
            subject.write(other, b"other");
            assert_eq!(subject.read(one), b"one");
            subject.disk.unlink(&path(other)).unwrap();
        } else {
            expect(subject.disk.create(&path(other)), DiskErrorKind::Occupied);
        }
        assert_eq!(subject.names(""), [one]);
        subject.disk.unlink(&path(one)).unwrap();
    }
}
