//! Reading one content, staging one, and what attacks and faults make of it.

use std::sync::Arc;

use s4_core::digest::Digest;
use s4_core::local::FileId;
use s4_core::remote::UnixMillis;
use s4_core::traits::DiskTraits;
use s4_local::batch::SwapError;
use s4_local::cleaning::Leftovers;
use s4_local::disk::{Disk, RootState};
use s4_local::error::DiskErrorKind;
use s4_local::faulty::{Fault, FaultyDisk, Operation, When};
use s4_local::folder::{Folder, Mounts};
use s4_local::memory::MemoryDisk;
use s4_local::staging::SyncMode;

use super::world::{MemoryWorld, RealWorld, path, stage};

#[test]
fn a_digest_is_of_one_content_and_says_when_it_was_read() {
    let world = RealWorld::new();
    let entry = world.write("f", &"content ".repeat(100_000));
    let fingerprint = entry.fingerprint().unwrap();
    let examined = world.folder.digest(&path("f"), fingerprint).unwrap();
    assert_eq!(examined.digest, Digest::of("content ".repeat(100_000).as_bytes()));
    assert!(fingerprint.is_racy(examined.read_time_ns, world.folder.traits().granularity_ns), "just written");
    world.write("f", "other");
    assert_eq!(world.folder.digest(&path("f"), fingerprint).unwrap_err().kind, DiskErrorKind::Changed);
    std::fs::remove_file(world.file("f")).unwrap();
    assert_eq!(world.folder.digest(&path("f"), fingerprint).unwrap_err().kind, DiskErrorKind::Missing);
}

#[test]
fn t29_a_file_that_changes_while_it_is_read_is_refused_at_the_end() {
    let world = MemoryWorld::new(DiskTraits::LINUX, &[("f", "before")]);
    let folder = world.folder();
    let fingerprint = *folder.look(&path("f")).unwrap().unwrap().fingerprint().unwrap();
    let file = folder.open_file(&path("f"), &fingerprint).unwrap();
    let mut buffer = [0; 3];
    assert_eq!(file.read_at(&mut buffer, 0).unwrap(), 3);
    file.unchanged().unwrap();
    world.disk.write("f", b"after!");
    assert_eq!(file.unchanged().unwrap_err().kind, DiskErrorKind::Changed);
}

#[test]
fn t24_stamps_that_lie_are_racy_by_the_read_time() {
    let world = MemoryWorld::new(DiskTraits::LINUX, &[]);
    world.disk.set_tick(0);
    world.disk.write("f", b"one");
    let folder = world.folder();
    let fingerprint = *folder.look(&path("f")).unwrap().unwrap().fingerprint().unwrap();
    let examined = folder.digest(&path("f"), &fingerprint).unwrap();
    world.disk.write_silently("f", b"two");
    let now = *folder.look(&path("f")).unwrap().unwrap().fingerprint().unwrap();
    assert_eq!(now, fingerprint, "no stamp tells");
    assert!(
        now.is_racy(examined.read_time_ns, folder.traits().granularity_ns),
        "so the row must not trust it"
    );
    assert_ne!(folder.digest(&path("f"), &now).unwrap().digest, examined.digest);
}

#[cfg(unix)]
#[test]
fn t20_a_sparse_file_reads_as_zeroes() {
    let world = RealWorld::new();
    let file = std::fs::File::create(world.file("sparse")).unwrap();
    file.set_len(3_000_000).unwrap();
    let entry = world.look("sparse");
    let examined = world.folder.digest(&path("sparse"), entry.fingerprint().unwrap()).unwrap();
    assert_eq!(examined.digest, Digest::of(&vec![0; 3_000_000]));
}

#[test]
fn a_partial_goes_when_dropped_and_stays_when_kept() {
    let world = MemoryWorld::new(DiskTraits::LINUX, &[]);
    let folder = world.folder();
    let partial = folder.stage(&path("f"), "p").unwrap();
    assert_eq!(folder.stage(&path("f"), "p").map(|_| ()).unwrap_err().kind, DiskErrorKind::Occupied);
    partial.write_at(b"half", 0).unwrap();
    drop(partial);
    assert_eq!(world.partials(), [""; 0]);
    assert!(folder.resume(&path("f"), "p").unwrap().is_none());

    let partial = folder.stage(&path("f"), "p").unwrap();
    partial.write_at(b"half", 0).unwrap();
    partial.sync().unwrap();
    partial.keep();
    let resumed = folder.resume(&path("f"), "p").unwrap().unwrap();
    let mut buffer = [0; 8];
    assert_eq!((resumed.size().unwrap(), resumed.read_at(&mut buffer, 0).unwrap()), (4, 4));
    resumed.write_at(b" and whole", 4).unwrap();
    let mut staged = resumed.finish(5, false, SyncMode::Batch).unwrap();
    folder.sync_staged(&mut [&mut staged]).unwrap();
    world.batch(&folder).create(&mut staged, &path("f")).unwrap();
    assert_eq!(world.disk.read("f").unwrap(), b"half and whole");
    for bad in ["", ".", "..", "a/b", "../x"] {
        assert_eq!(folder.stage(&path("f"), bad).map(|_| ()).unwrap_err().kind, DiskErrorKind::BadName);
    }
}

#[test]
fn cleaning_keeps_what_is_wanted_and_what_an_intent_names() {
    let world = MemoryWorld::new(DiskTraits::LINUX, &[("a", "old")]);
    let folder = world.folder();
    for name in ["wanted", "stale"] {
        folder.stage(&path("x"), name).unwrap().keep();
    }
    let old = folder.look(&path("a")).unwrap().unwrap();
    let disk = world.disk.clone();
    world.disk.on_step(move |step| {
        if step == "replace:exchanged" {
            disk.crash();
        }
    });
    let batch = world.batch(&folder);
    let mut staged = stage(&folder, "a", "new");
    assert!(batch.replace(&mut staged, &path("a"), &old).is_err());
    drop(staged);
    world.disk.no_hook();
    world.disk.reboot();
    let intents: Vec<_> = world.intents.open().into_iter().map(|(_, intent)| intent).collect();
    let removed = batch.clean_partials(&intents, &|name| name == "wanted", Leftovers::Unlink).unwrap();
    assert_eq!(
        (removed, world.partials()),
        (1, vec![".s4/partial/a.part".into(), ".s4/partial/wanted".into()])
    );
    assert_eq!(world.disk.read(".s4/partial/a.part").unwrap(), b"old", "the user's file stood there");
    batch.clean_partials(&[], &|_| false, Leftovers::MoveToTrash).unwrap();
    assert_eq!(world.partials(), [""; 0]);
    assert!(world.trash().values().any(|content| content == "old"));
}

#[test]
fn trash_expires_by_deletion_and_keeps_what_it_is_told_to() {
    let world = MemoryWorld::new(DiskTraits::LINUX, &[("d/a", "1"), ("d/b", "2"), ("c", "3")]);
    let folder = world.folder();
    for (name, at) in [("d/a", 1_000), ("d/b", 2_000), ("c", 3_000)] {
        let batch = folder.batch(world.intents.clone(), UnixMillis(at));
        batch.remove(&path(name), &folder.look(&path(name)).unwrap().unwrap()).unwrap();
        world.commit(&batch).unwrap();
    }
    let (items, problems) = folder.list_trash();
    let listed: Vec<(&str, i64)> =
        items.iter().map(|item| (item.original.as_str(), item.trashed_at.0)).collect();
    assert_eq!((listed, problems.len()), (vec![("d/a", 1_000), ("d/b", 2_000), ("c", 3_000)], 0));
    let keep = items[0].place.clone();
    let expired = folder.expire_trash(UnixMillis(3_000), &|place| *place == keep);
    assert_eq!((expired.removed, expired.bytes, expired.problems.len()), (1, 1, 0));
    assert_eq!(world.trash().into_values().collect::<Vec<_>>(), ["1", "3"]);
    let expired = folder.expire_trash(UnixMillis(i64::MAX), &|_| false);
    assert_eq!(expired.removed, 2);
    assert_eq!(world.disk.paths(), [".s4", ".s4/partial", ".s4/trash", "d"]);
}

#[test]
fn what_is_rescued_into_a_missing_directory_stays_where_it_is() {
    let world = MemoryWorld::new(DiskTraits::LINUX, &[("a", "old")]);
    let folder = world.folder();
    let batch = world.batch(&folder);
    let trashed = batch.remove(&path("a"), &folder.look(&path("a")).unwrap().unwrap()).unwrap();
    match batch.rescue(&trashed.place, &path("no/where")) {
        Err(SwapError::Disk(error)) => assert_eq!(error.kind, DiskErrorKind::Missing),
        other => panic!("{other:?}"),
    }
    batch.rescue(&trashed.place, &path("b")).unwrap();
    assert!(matches!(batch.rescue(&trashed.place, &path("c")), Err(SwapError::Changed { .. })));
    let refused = batch.rename(&path("b"), &folder.look(&path("b")).unwrap().unwrap(), &path("no/b"));
    assert!(matches!(refused, Err(SwapError::Disk(error)) if error.kind == DiskErrorKind::Missing));
    world.commit(&batch).unwrap();
    assert_eq!((world.visible().len(), world.intents.open().len()), (1, 0));
}

#[cfg(unix)]
#[test]
fn t13_t14_a_directory_that_became_a_link_leads_nowhere() {
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("f"), "outside").unwrap();
    let world = RealWorld::new();
    std::fs::create_dir(world.file("d")).unwrap();
    let old = world.write("d/f", "inside");
    std::fs::rename(world.file("d"), world.file("was-d")).unwrap();
    std::os::unix::fs::symlink(outside.path(), world.file("d")).unwrap();

    let batch = world.batch();
    assert!(batch.remove(&path("d/f"), &old).is_err());
    assert!(batch.replace(&mut world.stage("d/f", "new"), &path("d/f"), &old).is_err());
    assert!(batch.create(&mut world.stage("d/g", "new"), &path("d/g")).is_err());
    assert!(batch.rename(&path("was-d/f"), &world.look("was-d/f"), &path("d/h")).is_err());
    assert!(batch.create_dir(&path("d/i")).is_err());
    assert!(batch.remove_dir(&path("d")).is_err());
    assert!(batch.set_executable(&path("d/f"), old.fingerprint().unwrap(), true).is_err());
    assert!(world.folder.digest(&path("d/f"), old.fingerprint().unwrap()).is_err());
    assert!(world.folder.look(&path("d/f")).unwrap().is_none());

    let names: Vec<_> =
        std::fs::read_dir(outside.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["f"]);
    assert_eq!(std::fs::read_to_string(outside.path().join("f")).unwrap(), "outside");
    assert_eq!(world.read("was-d/f"), "inside");
    // Removing the link removes the link.
    batch.remove(&path("d"), &world.look("d")).unwrap();
    assert_eq!(std::fs::read_to_string(outside.path().join("f")).unwrap(), "outside");
}

#[test]
fn t61_a_full_disk_changes_nothing_and_says_so() {
    let world = MemoryWorld::new(DiskTraits::LINUX, &[("a", "old")]);
    let folder = world.folder();
    world.disk.set_free_space(3);
    let partial = folder.stage(&path("a"), "p").unwrap();
    assert_eq!(partial.write_at(b"too long", 0).unwrap_err().kind, DiskErrorKind::NoSpace);
    drop(partial);
    assert_eq!((world.partials().len(), world.disk.read("a").unwrap()), (0, b"old".to_vec()));
}

#[test]
fn an_operation_that_worked_but_reported_failure_is_settled_by_its_intent() {
    for (operation, name) in [(Operation::Rename, "a"), (Operation::Exchange, ".s4/partial/a.part")] {
        let world = MemoryWorld::new(DiskTraits::LINUX, &[("a", "old")]);
        let faulty = FaultyDisk::new(Arc::new(world.disk.clone()));
        let fault =
            Fault { operation, path: name.into(), kind: DiskErrorKind::Other, when: When::After, times: 1 };
        faulty.fail(fault);
        let folder = Folder::open(Arc::new(faulty), Mounts::Stay).unwrap();
        let batch = world.batch(&folder);
        let old = folder.look(&path("a")).unwrap().unwrap();
        let outcome = match operation {
            Operation::Exchange => {
                batch.replace(&mut stage(&folder, "a", "new"), &path("a"), &old).map(|_| ())
            }
            _ => batch.remove(&path("a"), &old).map(|_| ()),
        };
        assert!(matches!(outcome, Err(SwapError::Disk(_))), "{outcome:?}");
        world.commit(&batch).unwrap();
        assert_eq!(world.intents.open().len(), 1, "nobody knows yet how it ended");
        world.recover().unwrap();
        let contents: Vec<String> =
            world.visible().into_values().chain(world.trash().into_values()).collect();
        assert!(contents.contains(&"old".to_owned()), "{operation:?} {contents:?}");
        assert!(world.visible().contains_key("a"));
    }
}

#[test]
fn t19_hard_links_part_when_one_name_is_replaced() {
    let world = RealWorld::new();
    world.write("a", "old");
    std::fs::hard_link(world.file("a"), world.file("b")).unwrap();
    let batch = world.batch();
    batch.replace(&mut world.stage("a", "new"), &path("a"), &world.look("a")).unwrap();
    assert_eq!((world.read("a").as_str(), world.read("b").as_str()), ("new", "old"));
}

#[cfg(unix)]
#[test]
fn a_replaced_file_keeps_who_may_read_it() {
    use std::os::unix::fs::PermissionsExt;

    let world = RealWorld::new();
    world.write("a", "secret");
    std::fs::set_permissions(world.file("a"), std::fs::Permissions::from_mode(0o600)).unwrap();
    let batch = world.batch();
    let replaced = batch.replace(&mut world.stage("a", "new"), &path("a"), &world.look("a")).unwrap();
    assert_eq!(std::fs::metadata(world.file("a")).unwrap().permissions().mode() & 0o7777, 0o600);
    assert_eq!(world.look("a").fingerprint(), Some(&replaced.fingerprint));
}

#[test]
fn ids_of_a_memory_disk_can_be_recycled_and_changed() {
    let disk = MemoryDisk::new(DiskTraits::LINUX);
    disk.reuse_ids();
    let id = |name: &str| disk.lstat(&path(name)).unwrap().unwrap().fingerprint.file_id;
    disk.write("a", b"1");
    let first = id("a");
    disk.delete("a");
    disk.write("b", b"2");
    assert_eq!(id("b"), first);
    disk.set_file_id(&path("b"), FileId(99));
    assert_eq!(id("b"), FileId(99));
    assert_eq!(disk.root_state().unwrap(), RootState::Present { empty: false });
}
