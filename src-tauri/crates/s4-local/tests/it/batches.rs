//! Many files that become durable together, and that take their names together.

use std::sync::Arc;

use s4_core::local::LocalEntry;
use s4_core::traits::DiskTraits;
use s4_local::batch::Replacement;
use s4_local::error::DiskErrorKind;
use s4_local::faulty::{Fault, FaultyDisk, Operation, When};
use s4_local::folder::{Folder, Mounts};
use s4_local::staging::{Staged, SyncMode};

use super::world::{MemoryWorld, RealWorld, path};

/// More than are synced each for itself.
const FILES: usize = 30;

fn staged(folder: &Folder) -> Vec<Staged> {
    let stage = |n: usize| {
        let content = format!("content {n}");
        let name = format!("p{n}");
        folder.stage_whole(&path(&format!("f{n}")), &name, content.as_bytes(), 5, n % 2 == 1, SyncMode::Batch)
    };
    (0..FILES).map(|n| stage(n).unwrap()).collect()
}

/// A disk on which only single files can be synced.
fn without_sync_of_all() -> (MemoryWorld, Arc<FaultyDisk>, Folder) {
    let world = MemoryWorld::new(DiskTraits::LINUX, &[]);
    let faulty = Arc::new(FaultyDisk::new(Arc::new(world.disk.clone())));
    let folder = Folder::open(faulty.clone(), Mounts::Stay).unwrap();
    let kind = DiskErrorKind::Unsupported;
    let path = ".s4/partial".to_owned();
    faulty.fail(Fault { operation: Operation::SyncFs, path, kind, when: When::Before, times: u32::MAX });
    (world, faulty, folder)
}

/// The next sync of a partial fails.
fn fail_next_sync(faulty: &FaultyDisk) {
    let path = ".s4/partial/".to_owned();
    let kind = DiskErrorKind::Other;
    faulty.fail(Fault { operation: Operation::Sync, path, kind, when: When::Before, times: 1 });
}

#[test]
fn a_batch_survives_a_power_cut_where_each_file_is_synced_for_itself() {
    let (world, faulty, folder) = without_sync_of_all();
    let mut staged = staged(&folder);
    folder.sync_staged(&mut staged.iter_mut().collect::<Vec<_>>()).unwrap();
    let batch = world.batch(&folder);
    for (n, one) in staged.iter_mut().enumerate() {
        // What is durable is not synced again.
        fail_next_sync(&faulty);
        batch.create(one, &path(&format!("f{n}"))).unwrap();
    }
    batch.sync().unwrap();
    world.disk.power_cut();
    for n in 0..FILES {
        assert_eq!(world.disk.read(&format!("f{n}")).unwrap(), format!("content {n}").as_bytes());
    }
}

#[test]
fn what_could_not_be_synced_in_a_batch_is_synced_before_it_takes_its_name() {
    let (world, faulty, folder) = without_sync_of_all();
    let mut staged = staged(&folder);
    fail_next_sync(&faulty);
    let error = folder.sync_staged(&mut staged.iter_mut().collect::<Vec<_>>()).unwrap_err();
    assert_eq!(error.kind, DiskErrorKind::Other);
    faulty.heal();
    let batch = world.batch(&folder);
    for (n, one) in staged.iter_mut().enumerate() {
        batch.create(one, &path(&format!("f{n}"))).unwrap();
    }
    batch.sync().unwrap();
    world.disk.power_cut();
    for n in 0..FILES {
        assert_eq!(world.disk.read(&format!("f{n}")).unwrap(), format!("content {n}").as_bytes());
    }
}

#[test]
fn a_content_staged_at_once_is_what_one_written_in_pieces_is() {
    let world = RealWorld::new();
    let mut whole = staged(&world.folder);
    let batch = world.folder.batch(world.intents.clone(), s4_core::remote::UnixMillis(1));
    for (n, one) in whole.iter_mut().enumerate().take(2) {
        let name = format!("in pieces {n}");
        let partial = world.folder.stage(&path("x"), &name).unwrap();
        partial.write_at(format!("content {n}").as_bytes(), 0).unwrap();
        let mut pieces = partial.finish(5, n % 2 == 1, SyncMode::Each).unwrap();
        batch.create(one, &path(&format!("f{n}"))).unwrap();
        batch.create(&mut pieces, &path(&format!("x{n}"))).unwrap();
        let look = |at: &str| match world.folder.look(&path(at)).unwrap().unwrap() {
            LocalEntry::File(file) => (file.fingerprint.size, file.fingerprint.mtime_ns, file.executable),
            other => panic!("{other:?}"),
        };
        assert_eq!(look(&format!("f{n}")), look(&format!("x{n}")));
        let permissions = |at: String| world.folder.disk().lstat(&path(&at)).unwrap().unwrap().permissions;
        assert_eq!(permissions(format!("f{n}")), permissions(format!("x{n}")));
    }
    let mut empty = world.folder.stage_whole(&path("e"), "e", b"", 5, false, SyncMode::Each).unwrap();
    batch.create(&mut empty, &path("e")).unwrap();
    assert_eq!(std::fs::read(world.file("e")).unwrap(), b"");
}

#[test]
fn prepared_replacements_share_a_record_and_one_that_changed_fails_alone() {
    let world = RealWorld::new();
    let old: Vec<LocalEntry> = (0..FILES).map(|n| world.write(&format!("f{n}"), "old")).collect();
    let mut staged = staged(&world.folder);
    let batch = world.folder.batch(world.intents.clone(), s4_core::remote::UnixMillis(1));
    let mut prepared: Vec<_> = staged
        .iter_mut()
        .enumerate()
        .map(|(n, one)| batch.prepare_replacement(one, &path(&format!("f{n}")), &old[n]).unwrap())
        .collect();
    world.folder.sync_staged(&mut staged.iter_mut().collect::<Vec<_>>()).unwrap();
    let mut announcements: Vec<_> = prepared.iter_mut().map(Replacement::announcement).collect();
    batch.announce(&mut announcements).unwrap();
    assert_eq!(world.intents.open().len(), FILES);
    world.write("f3", "saved meanwhile");
    for (n, (one, replacement)) in staged.iter_mut().zip(prepared).enumerate() {
        assert_eq!(batch.replace_prepared(one, replacement, &old[n]).is_ok(), n != 3);
    }
    let settled = batch.sync().unwrap();
    world.intents.clear(settled);
    assert_eq!(world.intents.open(), []);
    for n in 0..FILES {
        let expected = if n == 3 { "saved meanwhile".to_owned() } else { format!("content {n}") };
        assert_eq!(std::fs::read_to_string(world.file(&format!("f{n}"))).unwrap(), expected);
    }
}
