//! Swaps on the real disk, with nobody in the way.

use s4_core::local::LocalEntry;
use s4_local::batch::{Renaming, SwapError};
use s4_local::error::DiskErrorKind;
use s4_local::resolve::Outcome;
use s4_local::trash::LateWriter;

use super::world::{RealWorld, path};

fn is_file(entry: &LocalEntry) -> bool {
    matches!(entry, LocalEntry::File(_))
}

#[test]
fn a_created_file_has_the_fingerprint_that_a_scan_sees() {
    let world = RealWorld::new();
    let batch = world.batch();
    let fingerprint = batch.create(&mut world.stage("a", "new"), &path("a")).unwrap();
    assert_eq!(world.look("a").fingerprint(), Some(&fingerprint));
    assert_eq!(fingerprint.mtime_ns, 1_600_000_000_000_000_000);
    assert_eq!(world.read("a"), "new");
    assert_eq!(batch.sync().unwrap(), []);
}

#[test]
fn creating_never_replaces() {
    let world = RealWorld::new();
    world.write("a", "theirs");
    let mut staged = world.stage("a", "new");
    let refused = world.batch().create(&mut staged, &path("a"));
    assert!(matches!(refused, Err(SwapError::Occupied { path: taken }) if taken == path("a")));
    assert_eq!(world.read("a"), "theirs");
    drop(staged);
    assert_eq!(std::fs::read_dir(world.file(".s4/partial")).unwrap().count(), 0, "the partial is gone");
}

#[test]
fn replacing_moves_the_old_version_to_trash_and_back_again() {
    let world = RealWorld::new();
    let old = world.write("a", "old");
    let batch = world.batch();
    let replaced = batch.replace(&mut world.stage("a", "new"), &path("a"), &old).unwrap();
    assert_eq!(world.look("a").fingerprint(), Some(&replaced.fingerprint));
    assert_eq!(
        (world.read("a").as_str(), world.read(replaced.trashed.place.as_str()).as_str()),
        ("new", "old")
    );
    assert_eq!(world.folder.late_writer(&replaced.trashed).unwrap(), LateWriter::Unchanged);
    world.intents.clear(batch.sync().unwrap());
    assert_eq!(world.intents.open(), []);

    let (items, problems) = world.folder.list_trash();
    assert_eq!((items.len(), problems.len(), &items[0].original), (1, 0, &path("a")));
    batch.rescue(&items[0].place, &path("back")).unwrap();
    assert_eq!(world.read("back"), "old");
}

#[test]
fn an_unplanned_version_is_never_replaced_or_removed() {
    let world = RealWorld::new();
    let old = world.write("a", "old");
    world.write("a", "edited");
    let batch = world.batch();
    let refused = batch.replace(&mut world.stage("a", "new"), &path("a"), &old);
    assert!(matches!(refused, Err(SwapError::Changed { .. })), "{refused:?}");
    assert!(matches!(batch.remove(&path("a"), &old), Err(SwapError::Changed { .. })));
    assert_eq!(world.read("a"), "edited");
}

#[test]
fn removing_keeps_both_renaming_exchanging() {
    let world = RealWorld::new();
    let batch = world.batch();
    let a = world.write("a", "local");
    let kept = batch
        .replace_keeping(&mut world.stage("a", "remote"), &path("a"), &a, &path("a (conflict)"))
        .unwrap();
    assert_eq!((world.read("a").as_str(), world.read("a (conflict)").as_str()), ("remote", "local"));
    assert_eq!(world.look("a (conflict)").fingerprint(), Some(&kept.kept));

    let renamed = batch.rename(&path("a"), &world.look("a"), &path("b")).unwrap();
    assert_eq!(world.look("b").fingerprint(), renamed.as_ref());
    let exchanged = batch
        .exchange_entries(&path("b"), &world.look("b"), &path("a (conflict)"), &world.look("a (conflict)"))
        .unwrap();
    assert_eq!((world.read("b").as_str(), world.read("a (conflict)").as_str()), ("local", "remote"));
    assert_eq!(world.look("b").fingerprint(), exchanged.left.as_ref());

    let trashed = batch.remove(&path("b"), &world.look("b")).unwrap();
    assert_eq!(world.read(trashed.place.as_str()), "local");
    assert!(world.folder.look(&path("b")).unwrap().is_none());
    world.intents.clear(batch.sync().unwrap());
    assert_eq!(world.intents.open(), []);
}

#[test]
fn directories_are_made_renamed_and_removed_only_when_empty() {
    let world = RealWorld::new();
    let batch = world.batch();
    batch.create_dir(&path("d")).unwrap();
    batch.create_dir(&path("d")).unwrap();
    world.write("d/f", "x");
    batch.rename(&path("d"), &world.look("d"), &path("e")).unwrap();
    match batch.remove_dir(&path("e")) {
        Err(SwapError::Disk(error)) => assert_eq!(error.kind, DiskErrorKind::NotEmpty),
        other => panic!("{other:?}"),
    }
    let refused = batch.create_dir(&path("e/f"));
    assert!(matches!(refused, Err(SwapError::Occupied { .. })));
    batch.remove(&path("e/f"), &world.look("e/f")).unwrap();
    batch.remove_dir(&path("e")).unwrap();
    assert!(world.folder.look(&path("e")).unwrap().is_none());
    batch.sync().unwrap();
}

#[test]
fn prepared_renames_are_noted_together_and_settled_each_for_itself() {
    let world = RealWorld::new();
    let batch = world.batch();
    let entries = ["a", "b", "c"].map(|name| world.write(name, name));
    let places = [("a", "x"), ("b", "y"), ("c", "z")];
    let mut prepared = places
        .iter()
        .zip(&entries)
        .map(|((from, to), entry)| batch.prepare_renaming(&path(from), entry, &path(to)).unwrap())
        .collect::<Vec<_>>();
    assert_eq!(world.intents.open(), [], "nothing is noted before it is announced");
    let mut announcements: Vec<_> = prepared.iter_mut().map(Renaming::announcement).collect();
    batch.announce(&mut announcements).unwrap();
    assert_eq!(world.intents.open().len(), 3, "all are noted together");
    // One was edited since; one never begins.
    world.write("b", "edited");
    let never = prepared.pop();
    let outcomes: Vec<_> = prepared
        .into_iter()
        .zip(&entries)
        .map(|(renaming, entry)| batch.rename_prepared(renaming, entry).is_ok())
        .collect();
    assert_eq!(outcomes, [true, false]);
    drop(never);
    world.intents.clear(batch.sync().unwrap());
    let open = world.intents.open();
    assert_eq!(open.iter().map(|(_, intent)| &intent.path).collect::<Vec<_>>(), [&path("c")]);
    let outcomes = world.batch().resolve_intents(&open).unwrap();
    assert_eq!(outcomes, [(open[0].0, Outcome::Settled)], "its step had not begun");
    for (name, content) in [("x", "a"), ("b", "edited"), ("c", "c")] {
        assert_eq!(world.read(name), content);
    }
}

#[test]
fn t22_the_executable_bit_follows_who_may_read() {
    let world = RealWorld::new();
    let batch = world.batch();
    let entry = world.write("a", "x");
    let after = batch.set_executable(&path("a"), entry.fingerprint().unwrap(), true).unwrap();
    assert_eq!(world.look("a").fingerprint(), Some(&after));
    assert!(matches!(world.look("a"), LocalEntry::File(file) if file.executable));
    let stale = batch.set_executable(&path("a"), entry.fingerprint().unwrap(), false);
    assert!(matches!(stale, Err(SwapError::Changed { .. })));
    assert!(is_file(&world.look("a")));
}
