//! Looking, listing, and making entries.

use super::{Clause, Subject, expect, path};
use crate::disk::{DirItem, Kind, RootState, root};
use crate::error::DiskErrorKind;

pub(super) const CHECKS: &[Clause] = &[
    ("lstat tells kinds apart and says none for nothing", kinds),
    ("creating never replaces", creating_never_replaces),
    ("a listing says what lstat says", listing),
    ("directories are removed only when empty", removing_directories),
    ("a link is unlinked, not its target", unlinking_links),
    ("a second name is the same file", second_names),
    ("the root is present and empty but for .s4", root_state),
    ("syncs and questions work on an empty disk", questions),
];

fn kinds(subject: &Subject<'_>) {
    assert!(subject.lstat("nothing").is_none());
    assert!(subject.lstat("nothing/below").is_none());
    assert_eq!(subject.disk.lstat(&root()).unwrap().unwrap().kind, Kind::Dir);
    subject.write("file", b"abc");
    subject.make_dir("dir");
    let file = subject.lstat("file").unwrap();
    assert_eq!((file.kind, file.fingerprint.size, file.links), (Kind::File, 3, 1));
    assert_eq!(subject.lstat("dir").unwrap().kind, Kind::Dir);
    assert!(subject.lstat("file/below").is_none(), "nothing stands below a file");
    if subject.traits.has_symlinks {
        subject.disk.symlink("dir", &path("link")).unwrap();
        subject.disk.symlink("no/where", &path("dangling")).unwrap();
        assert_eq!(subject.lstat("link").unwrap().kind, Kind::Symlink);
        assert_eq!(&*subject.disk.read_link(&path("dangling")).unwrap(), "no/where");
        assert!(subject.disk.read_link(&path("file")).is_err());
    } else {
        expect(subject.disk.symlink("dir", &path("link")), DiskErrorKind::Unsupported);
    }
}

fn creating_never_replaces(subject: &Subject<'_>) {
    subject.write("file", b"abc");
    subject.make_dir("dir");
    let mut taken = vec!["file", "dir"];
    if subject.traits.has_symlinks {
        subject.disk.symlink("new", &path("dangling")).unwrap();
        taken.push("dangling");
    }
    for name in taken {
        expect(subject.disk.create(&path(name)), DiskErrorKind::Occupied);
        expect(subject.disk.make_dir(&path(name)), DiskErrorKind::Occupied);
        expect(subject.disk.make_private_dir(&path(name)), DiskErrorKind::Occupied);
        if subject.traits.has_symlinks {
            expect(subject.disk.symlink("x", &path(name)), DiskErrorKind::Occupied);
        }
    }
    assert_eq!(subject.read("file"), b"abc");
    assert!(subject.lstat("new").is_none(), "nothing was created through the link");
    expect(subject.disk.create(&path("no/parent")), DiskErrorKind::Missing);
    expect(subject.disk.create(&path("file/below")), DiskErrorKind::NotADirectory);
}

fn listing(subject: &Subject<'_>) {
    subject.make_dir("d");
    subject.make_dir("d/e");
    subject.write("d/f", b"1");
    subject.write("d/g", b"22");
    let mut items: Vec<DirItem> = Vec::new();
    subject.disk.read_dir(&path("d"), &mut |item| items.push(item)).unwrap();
    assert_eq!(items.len(), 3);
    assert_eq!(subject.names("d"), ["e", "f", "g"]);
    for item in items {
        let crate::disk::EntryName::Text(name) = &item.name else { panic!("{item:?}") };
        let stat = subject.lstat(&format!("d/{name}")).unwrap();
        assert_eq!(item.stat.unwrap(), stat);
        assert!(!stat.is_mounted_apart_from(&subject.lstat("d").unwrap().mount));
    }
    assert_eq!(subject.names(""), ["d"]);
    expect(subject.disk.read_dir(&path("none"), &mut |_| {}), DiskErrorKind::Missing);
    expect(subject.disk.read_dir(&path("d/f"), &mut |_| {}), DiskErrorKind::NotADirectory);
}

fn removing_directories(subject: &Subject<'_>) {
    subject.make_dir("d");
    subject.write("d/f", b"x");
    expect(subject.disk.remove_dir(&path("d")), DiskErrorKind::NotEmpty);
    expect(subject.disk.remove_dir(&path("d/f")), DiskErrorKind::NotADirectory);
    expect(subject.disk.remove_dir(&path("none")), DiskErrorKind::Missing);
    assert!(subject.disk.unlink(&path("d")).is_err(), "unlink removes no directory");
    subject.disk.unlink(&path("d/f")).unwrap();
    subject.disk.remove_dir(&path("d")).unwrap();
    assert!(subject.lstat("d").is_none());
    expect(subject.disk.unlink(&path("d/f")), DiskErrorKind::Missing);
}

fn unlinking_links(subject: &Subject<'_>) {
    if !subject.traits.has_symlinks {
        return;
    }
    subject.make_dir("d");
    subject.write("d/f", b"kept");
    subject.disk.symlink("d", &path("to-dir")).unwrap();
    subject.disk.symlink("d/f", &path("to-file")).unwrap();
    expect(subject.disk.remove_dir(&path("to-dir")), DiskErrorKind::NotADirectory);
    subject.disk.unlink(&path("to-dir")).unwrap();
    subject.disk.unlink(&path("to-file")).unwrap();
    assert_eq!(subject.read("d/f"), b"kept");
}

fn second_names(subject: &Subject<'_>) {
    let first = subject.write("a", b"one");
    subject.write("b", b"two");
    match subject.disk.link(&path("a"), &path("c")) {
        Err(error) => assert_eq!(error.kind, DiskErrorKind::Unsupported),
        Ok(()) => {
            let second = subject.lstat("c").unwrap();
            assert!(first.fingerprint.same_but_renamed(&second.fingerprint));
            assert_eq!(second.links, 2);
            expect(subject.disk.link(&path("a"), &path("b")), DiskErrorKind::Occupied);
            subject.disk.unlink(&path("a")).unwrap();
            assert_eq!(subject.read("c"), b"one");
        }
    }
    assert_eq!(subject.read("b"), b"two");
}

fn root_state(subject: &Subject<'_>) {
    assert_eq!(subject.disk.root_state().unwrap(), RootState::Present { empty: true });
    subject.disk.make_private_dir(&path(".s4")).unwrap();
    assert_eq!(subject.disk.root_state().unwrap(), RootState::Present { empty: true });
    subject.write("f", b"");
    assert_eq!(subject.disk.root_state().unwrap(), RootState::Present { empty: false });
}

fn questions(subject: &Subject<'_>) {
    subject.disk.sync_dir(&root()).unwrap();
    match subject.disk.sync_fs(&root()) {
        Ok(()) => {}
        Err(error) => assert_eq!(error.kind, DiskErrorKind::Unsupported),
    }
    assert!(subject.disk.free_space().unwrap() > 0);
    subject.disk.step("contract:step").unwrap();
    expect(subject.disk.sync_dir(&path("none")), DiskErrorKind::Missing);
}
