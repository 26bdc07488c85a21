//! The scan and the look: what is there, what is not, and what cannot be known.

use std::sync::Arc;

use s4_core::local::{LocalEntry, LocalTree, Unreadable};
use s4_core::path::DiskPath;
use s4_core::traits::DiskTraits;
use s4_local::disk::{Disk, RootState};
use s4_local::error::DiskErrorKind;
use s4_local::faulty::{Fault, FaultyDisk, Operation, When};
use s4_local::folder::{Folder, Mounts};
use s4_local::memory::MemoryDisk;
use s4_local::real::RealDisk;
use s4_local::scan::{IgnoreNothing, ScanRules};

use super::world::{RealWorld, path};

/// Ignores everything named `ignored`.
struct Rules;

impl ScanRules for Rules {
    fn is_ignored(&self, path: &DiskPath, _is_dir: bool) -> bool {
        path.name() == "ignored"
    }
}

fn names(tree: &LocalTree) -> Vec<&str> {
    tree.entries.keys().map(DiskPath::as_str).collect()
}

fn memory(files: &[&str]) -> MemoryDisk {
    let disk = MemoryDisk::new(DiskTraits::LINUX);
    for name in files {
        disk.write(name, b"x");
    }
    disk
}

fn folder(disk: impl Disk + 'static, mounts: Mounts) -> Folder {
    Folder::open(Arc::new(disk), mounts).unwrap()
}

fn get<'a>(tree: &'a LocalTree, name: &str) -> &'a LocalEntry {
    tree.entries.get(&path(name)).unwrap_or_else(|| panic!("{name} is not in {:?}", names(tree)))
}

fn is_failed(entry: &LocalEntry) -> bool {
    matches!(entry, LocalEntry::Unreadable(Unreadable::Failed(_)))
}

#[test]
fn a_scan_sees_everything_but_our_own_and_the_ignored() {
    let disk = memory(&[
        "a/b/c",
        "a-b",
        "a.txt",
        "d/ignored",
        "ignored/below",
        ".index",
        ".s4lock",
        "a/.index",
        "d/.S4/x",
        "e/ignored/deep/er",
    ]);
    let tree = folder(disk, Mounts::Stay).scan(&Rules).unwrap();
    assert_eq!(names(&tree), ["a", "a/.index", "a/b", "a/b/c", "a-b", "a.txt", "d", "e"]);
    let dir = |name| match get(&tree, name) {
        LocalEntry::Dir { holds_ignored } => *holds_ignored,
        other => panic!("{other:?}"),
    };
    assert_eq!(["a", "a/b", "d", "e"].map(dir), [false, false, true, true]);
}

#[test]
fn the_real_disk_and_the_look_agree_with_the_scan() {
    let world = RealWorld::new();
    std::fs::create_dir_all(world.file("d/e")).unwrap();
    for name in ["d/e/f", "new\nline", "caf\u{e9}", "cafe\u{301}", &"x".repeat(255)] {
        world.write(name, name);
    }
    let tree = world.folder.scan(&IgnoreNothing).unwrap();
    assert_eq!(tree.entries.len(), 7);
    for (found, entry) in tree.entries.iter() {
        assert_eq!(world.folder.look(found).unwrap().as_ref(), Some(entry));
    }
    assert!(world.folder.look(&path("d/e/f/g")).unwrap().is_none());
    assert_eq!(world.folder.root_state().unwrap(), RootState::Present { empty: false });
}

#[cfg(unix)]
#[test]
fn t06_t18_t21_odd_entries_are_reported_and_never_touched() {
    use std::os::unix::ffi::OsStrExt;

    let world = RealWorld::new();
    std::fs::create_dir(world.file("d")).unwrap();
    std::fs::write(world.file("d").join(std::ffi::OsStr::from_bytes(b"bad\xff")), "x").unwrap();
    std::os::unix::fs::symlink("/", world.file("root")).unwrap();
    std::os::unix::fs::symlink("loop", world.file("loop")).unwrap();
    std::os::unix::fs::symlink(std::ffi::OsStr::from_bytes(b"\xff"), world.file("no-text")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, world.file("pipe"), 0o600.into()).unwrap();
    let tree = world.folder.scan(&IgnoreNothing).unwrap();
    assert_eq!(names(&tree), ["d", "loop", "no-text", "pipe", "root"], "nothing behind a link");
    assert_eq!(tree.unnameable, ["d/bad\\xff"]);
    assert_eq!(get(&tree, "d"), &LocalEntry::Dir { holds_ignored: true });
    assert_eq!(get(&tree, "pipe"), &LocalEntry::Special);
    assert!(is_failed(get(&tree, "no-text")));
    assert!(matches!(get(&tree, "root"), LocalEntry::Symlink(link) if &*link.target == "/"));
    assert_eq!(
        world.folder.disk().open(&path("pipe")).map(|_| ()).unwrap_err().kind,
        DiskErrorKind::WrongKind
    );
}

#[test]
fn t61_what_cannot_be_read_is_unreadable_and_never_absent() {
    let disk = FaultyDisk::new(Arc::new(memory(&["a/x", "b/x", "c/x", "f", "g", "h"])));
    disk.always(Operation::ReadDir, "a", DiskErrorKind::Denied);
    disk.fail(Fault {
        operation: Operation::ReadDir,
        path: "b".into(),
        kind: DiskErrorKind::Other,
        when: When::After,
        times: u32::MAX,
    });
    disk.always(Operation::Lstat, "f", DiskErrorKind::Denied);
    disk.always(Operation::Lstat, "g", DiskErrorKind::Missing);
    disk.always(Operation::ReadDir, "c", DiskErrorKind::Missing);
    let folder = folder(disk, Mounts::Stay);
    let tree = folder.scan(&IgnoreNothing).unwrap();
    assert_eq!(names(&tree), ["a", "b", "f", "h"], "what vanished meanwhile is absent");
    assert!(["a", "b", "f"].iter().all(|name| is_failed(get(&tree, name))));
    assert_eq!(folder.look(&path("f")).unwrap_err().kind, DiskErrorKind::Denied);
}

#[test]
fn t61_an_unreadable_root_is_an_error() {
    let disk = FaultyDisk::new(Arc::new(memory(&["a"])));
    disk.fail(Fault {
        operation: Operation::ReadDir,
        path: String::new(),
        kind: DiskErrorKind::Other,
        when: When::After,
        times: u32::MAX,
    });
    assert_eq!(folder(disk, Mounts::Stay).scan(&IgnoreNothing).unwrap_err().kind, DiskErrorKind::Other);
}

#[test]
fn another_mount_is_neither_present_nor_absent_unless_crossed() {
    let disk = memory(&["m/x", "a"]);
    disk.mount(&path("m"));
    let mount = LocalEntry::Unreadable(Unreadable::Mount);
    let stay = folder(disk.clone(), Mounts::Stay);
    let tree = stay.scan(&IgnoreNothing).unwrap();
    assert_eq!((names(&tree), get(&tree, "m")), (vec!["a", "m"], &mount));
    for name in ["m", "m/x", "m/nothing", "m/nothing/below"] {
        assert_eq!(stay.look(&path(name)).unwrap().as_ref(), Some(&mount), "{name}");
    }
    assert_eq!(stay.look(&path("nothing")).unwrap(), None);

    let cross = folder(disk.clone(), Mounts::Cross);
    assert_eq!(names(&cross.scan(&IgnoreNothing).unwrap()), ["a", "m", "m/x"]);
    assert!(disk.paths().contains(&"m/.s4/trash".to_owned()), "staging of its own");
    let world = super::world::MemoryWorld { disk, intents: Arc::default() };
    let batch = world.batch(&cross);
    let old = cross.look(&path("m/x")).unwrap().unwrap();
    let mut staged = super::world::stage(&cross, "m/x", "new");
    assert_eq!(staged.path().as_str(), "m/.s4/partial/m-x.part");
    let replaced = batch.replace(&mut staged, &path("m/x"), &old).unwrap();
    assert!(replaced.trashed.place.as_str().starts_with("m/.s4/trash/"));
    assert_eq!(cross.list_trash().0.len(), 1);
}

#[test]
fn t51_t54_a_root_that_is_gone_or_replaced_is_missing() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("root");
    assert_eq!(RealDisk::open(&root).map(|_| ()).unwrap_err().kind, DiskErrorKind::Missing);
    std::fs::write(&root, "").unwrap();
    assert_eq!(RealDisk::open(&root).map(|_| ()).unwrap_err().kind, DiskErrorKind::NotADirectory);
    std::fs::remove_file(&root).unwrap();
    std::fs::create_dir(&root).unwrap();
    let disk = RealDisk::open(&root).unwrap();
    assert_eq!(disk.root_state().unwrap(), RootState::Present { empty: true });
    std::fs::rename(&root, directory.path().join("moved")).unwrap();
    assert_eq!(disk.root_state().unwrap(), RootState::Missing);
    std::fs::create_dir(&root).unwrap();
    assert_eq!(disk.root_state().unwrap(), RootState::Missing, "another directory of that name");
    std::fs::remove_dir(&root).unwrap();
    std::fs::write(&root, "").unwrap();
    assert_eq!(disk.root_state().unwrap(), RootState::NotADirectory);
    let memory = memory(&[]);
    memory.set_root_missing(true);
    let refused = Folder::open(Arc::new(memory), Mounts::Stay).map(|_| ()).unwrap_err();
    assert_eq!(refused.kind, DiskErrorKind::Missing);
}

#[test]
fn t03_an_entry_under_another_true_name_counts_as_absent() {
    let disk = MemoryDisk::new(DiskTraits { case_sensitive: false, ..DiskTraits::LINUX });
    disk.write("Dir/Name", b"x");
    let folder = folder(disk, Mounts::Stay);
    assert!(folder.look(&path("Dir/Name")).unwrap().is_some());
    for other in ["dir/Name", "Dir/name", "DIR/NAME"] {
        assert!(folder.look(&path(other)).unwrap().is_none(), "{other}");
    }
}

#[test]
fn t69_deep_and_wide_folders_are_scanned() {
    let world = RealWorld::new();
    let deep = vec!["directory"; 400].join("/");
    world.folder.disk().make_dir(&path("directory")).unwrap();
    for depth in 2..=400 {
        world.folder.disk().make_dir(&path(&vec!["directory"; depth].join("/"))).unwrap();
    }
    for number in 0..5_000 {
        world.folder.disk().create(&path(&format!("directory/{number}"))).map(|_| ()).unwrap();
    }
    let tree = world.folder.scan(&IgnoreNothing).unwrap();
    assert_eq!(tree.entries.len(), 5_400);
    assert!(tree.entries.get(&path(&deep)).is_some());
    let order: Vec<&DiskPath> = tree.entries.keys().collect();
    assert!(order.is_sorted());
}

#[test]
fn t51_t55_a_mount_that_is_gone_or_another_is_neither_present_nor_absent() {
    let disk = memory(&["m/x", "a"]);
    disk.mount(&path("m"));
    assert_eq!(names(&folder(disk.clone(), Mounts::Cross).scan(&IgnoreNothing).unwrap()), ["a", "m", "m/x"]);
    let check = |disk: &MemoryDisk| {
        for mounts in [Mounts::Cross, Mounts::Stay] {
            let folder = folder(disk.clone(), mounts);
            let tree = folder.scan(&IgnoreNothing).unwrap();
            assert_eq!(names(&tree), ["a", "m"]);
            assert!(matches!(get(&tree, "m"), LocalEntry::Unreadable(_)), "{:?}", get(&tree, "m"));
            let looked = folder.look(&path("m/x")).unwrap();
            assert!(matches!(looked, Some(LocalEntry::Unreadable(_))), "{looked:?}");
            assert!(folder.stage(&path("m/x"), "new.part").is_err());
        }
    };
    // Unmounted, with its place and without; and another disk there.
    disk.delete("m");
    check(&disk);
    disk.make_dirs(&path("m"));
    check(&disk);
    disk.mount(&path("m"));
    check(&disk);
    folder(disk.clone(), Mounts::Cross).forget_mounts().unwrap();
    assert_eq!(
        get(&folder(disk.clone(), Mounts::Cross).scan(&IgnoreNothing).unwrap(), "m"),
        &LocalEntry::Dir { holds_ignored: true }
    );
    assert_eq!(folder(disk, Mounts::Cross).look(&path("m/x")).unwrap(), None);
}
