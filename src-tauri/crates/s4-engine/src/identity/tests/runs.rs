//! Whole runs: what is kept, what is told, and what a crash at any step leaves.

use super::super::*;
use super::world::{Computer, TestFolder};
use crate::db::memory::MemoryDb;

/// Begins a run and compares what it found, whether rows were kept, and which names.
#[track_caller]
fn check(computer: &Computer, folder: &TestFolder, before: &Run, expected: Assessment) -> Run {
    let run = begin_run(computer.here(folder), &folder.db).unwrap();
    assert_eq!(run.assessment, expected);
    assert_eq!(folder.has_rows(), expected.keeps_baseline(), "rows");
    let kept_name = run.identity.replica_id == before.identity.replica_id;
    assert_eq!(kept_name, expected.keeps_replica_id(), "replica id");
    assert_eq!(run.root_id == before.root_id, expected != Assessment::Twin, "root id");
    assert!(run.identity.generation > before.identity.generation, "it counts on");
    computer.finish(folder, &run);
    let next = computer.run(folder);
    assert_eq!(next.assessment, Assessment::Continue, "the next run is as any other");
    assert_eq!(next.identity.replica_id, run.identity.replica_id);
    run
}

#[test]
fn the_first_run_makes_the_mark_and_the_next_ones_count() {
    let (computer, folder) = (Computer::new("here"), TestFolder::new("/docs"));
    let first = computer.run(&folder);
    assert_eq!((first.assessment, first.identity.generation), (Assessment::Fresh, 1));
    let second = check(&computer, &folder, &first, Assessment::Continue);
    assert_eq!(second.identity.generation, 2);
}

#[test]
fn t67_a_restored_folder_is_compared_anew() {
    let (computer, folder) = (Computer::new("here"), TestFolder::new("/docs"));
    computer.run(&folder);
    let backup = folder.copy("/docs");
    let last = computer.run(&folder);
    check(&computer, &backup, &last, Assessment::RestoredOrCopied);
}

#[test]
fn t67_a_folder_restored_without_its_database_is_compared_anew() {
    // The database is kept elsewhere: the mark alone is of the earlier time.
    let (computer, folder) = (Computer::new("here"), TestFolder::new("/docs"));
    computer.run(&folder);
    let backup = folder.copy("/docs");
    let last = computer.run(&folder);
    let mixed = TestFolder { db: folder.db, ..backup };
    check(&computer, &mixed, &last, Assessment::RestoredOrCopied);
}

#[test]
fn t67_a_restored_database_is_compared_anew() {
    let (computer, folder) = (Computer::new("here"), TestFolder::new("/docs"));
    computer.run(&folder);
    let backup = folder.copy("/docs");
    let last = computer.run(&folder);
    let mixed = TestFolder { db: backup.db, ..folder };
    check(&computer, &mixed, &last, Assessment::RestoredOrCopied);
}

#[test]
fn a_long_run_counts_on_so_that_an_earlier_backup_is_known() {
    let (computer, folder) = (Computer::new("here"), TestFolder::new("/docs"));
    let mut run = computer.run(&folder);
    let backup = folder.copy("/docs");
    advance(computer.here(&folder), &folder.db, &mut run).unwrap();
    assert_eq!(run.identity.generation, 2);
    check(&computer, &backup, &run, Assessment::RestoredOrCopied);
}

#[test]
fn t67_a_home_copied_to_another_computer_is_another_replica() {
    let (computer, folder) = (Computer::new("here"), TestFolder::new("/docs"));
    let last = computer.run(&folder);
    let (other, copy) = (computer.copy("elsewhere"), folder.copy("/docs"));
    check(&other, &copy, &last, Assessment::RestoredOrCopied);
    check(&computer, &folder, &last, Assessment::Continue);
}

#[test]
fn a_drive_used_in_turn_from_two_places_goes_on() {
    let (first, second) = (Computer::new("one"), Computer::new("two"));
    let drive = TestFolder::new("/docs");
    let run = first.run(&drive);
    let run = check(&second, &drive, &run, Assessment::NoRecord);
    let run = Run {
        root_id: run.root_id,
        assessment: run.assessment,
        identity: drive.db.identity().unwrap().unwrap(),
    };
    check(&first, &drive, &run, Assessment::UsedElsewhere);
}

#[test]
fn a_copy_beside_the_folder_becomes_one_of_its_own() {
    let (mut computer, folder) = (Computer::new("here"), TestFolder::new("/docs"));
    let last = computer.run(&folder);
    let copy = folder.copy("/copy");
    computer.occupant = Occupant::Twin;
    check(&computer, &copy, &last, Assessment::Twin);
    check(&computer, &folder, &last, Assessment::Continue);
}

#[test]
fn a_moved_folder_goes_on_and_its_record_follows() {
    let (mut computer, mut folder) = (Computer::new("here"), TestFolder::new("/docs"));
    let last = computer.run(&folder);
    folder.path = PathBuf::from("/moved");
    computer.occupant = Occupant::Gone;
    check(&computer, &folder, &last, Assessment::Continue);
    assert_eq!(computer.records.of_folder("/docs").unwrap(), []);
    assert_eq!(computer.records.of_folder("/moved").unwrap().len(), 1);
    // A new folder where the old one was is nothing that was there before.
    assert_eq!(computer.run(&TestFolder::new("/docs")).assessment, Assessment::Fresh);
}

#[test]
fn t51_an_unmounted_folder_is_not_touched_until_somebody_says_what_it_is() {
    let (computer, folder) = (Computer::new("here"), TestFolder::new("/docs"));
    check_mounted(computer.here(&folder)).unwrap();
    let last = computer.run(&folder);
    check_mounted(computer.here(&folder)).unwrap();

    let empty = TestFolder::new("/docs");
    let is_refused =
        |result| matches!(result, Err(IdentityError::NotMounted { folder }) if folder == Path::new("/docs"));
    assert!(is_refused(check_mounted(computer.here(&empty))));
    assert!(is_refused(begin_run(computer.here(&empty), &empty.db).map(drop)));
    assert!(!empty.has_mark());
    assert_eq!(empty.db.identity().unwrap(), None);
    check(&computer, &folder, &last, Assessment::Continue);

    forget_folder(&computer.records, &empty.path).unwrap();
    assert_eq!(computer.run(&empty).assessment, Assessment::Fresh);
}

#[test]
fn a_lost_database_is_told_and_the_one_put_back_later_is_known_as_old() {
    let (computer, folder) = (Computer::new("here"), TestFolder::new("/docs"));
    let last = computer.run(&folder);
    let old = folder.db;
    let folder = TestFolder { db: MemoryDb::new(), ..folder };
    let last = check(&computer, &folder, &last, Assessment::Forgotten);
    let folder = TestFolder { db: old, ..folder };
    let run = begin_run(computer.here(&folder), &folder.db).unwrap();
    assert_eq!(run.assessment, Assessment::RestoredOrCopied);
    assert!(!folder.has_rows() && run.identity.generation > last.identity.generation);
}

#[test]
fn a_database_that_speaks_of_another_root_is_not_asked() {
    let (computer, folder) = (Computer::new("here"), TestFolder::new("/docs"));
    let other = TestFolder::new("/copy");
    for _ in 0..5 {
        computer.run(&other);
    }
    let last = computer.run(&folder);
    let mixed = TestFolder { db: other.db, ..folder };
    let run = begin_run(computer.here(&mixed), &mixed.db).unwrap();
    assert_eq!((run.assessment, run.root_id), (Assessment::Forgotten, last.root_id));
    assert!(!mixed.has_rows());
}

/// Which part of the world fails.
#[derive(Clone, Copy, Debug)]
enum Failing {
    Disk,
    Db,
}

/// Cuts `begin_run` off after every number of steps, and begins again: rows that are void stay void, and in the end
/// the folder goes on as any other.
#[track_caller]
fn check_cut_off(prepare: impl Fn() -> (Computer, TestFolder), keeps_rows: bool) {
    for failing in [Failing::Disk, Failing::Db] {
        let mut steps = 0;
        loop {
            let (computer, folder) = prepare();
            match failing {
                Failing::Disk => folder.disk.fail_after(steps),
                Failing::Db => folder.db.refuse_writes(steps as u64, 1),
            }
            let cut_off = begin_run(computer.here(&folder), &folder.db).is_err();
            folder.disk.fail_after(usize::MAX);
            folder.db.refuse_writes(0, 0);
            let run = begin_run(computer.here(&folder), &folder.db).unwrap();
            // The new root id of a copy may be known before its rows are gone: then the binding does not match.
            let is_bound = folder.db.binding().unwrap().is_none_or(|binding| binding.root_id == run.root_id);
            assert_eq!(folder.has_rows() && is_bound, keeps_rows, "{failing:?} after {steps}: {run:?}");
            computer.finish(&folder, &run);
            assert_eq!(computer.run(&folder).assessment, Assessment::Continue, "{failing:?} after {steps}");
            if !cut_off {
                break;
            }
            steps += 1;
        }
        assert!(steps > 0, "{failing:?} was never in the way");
    }
}

#[test]
fn a_run_cut_off_anywhere_is_begun_again() {
    check_cut_off(|| (Computer::new("here"), TestFolder::new("/docs")), false);
    let used = || {
        let (computer, folder) = (Computer::new("here"), TestFolder::new("/docs"));
        computer.run(&folder);
        (computer, folder)
    };
    check_cut_off(used, true);
    let restored = || {
        let (computer, folder) = used();
        let backup = folder.copy("/docs");
        computer.run(&folder);
        (computer, backup)
    };
    check_cut_off(restored, false);
    let copied_home = || {
        let (computer, folder) = used();
        (computer.copy("elsewhere"), folder)
    };
    check_cut_off(copied_home, false);
    let twin = || {
        let (mut computer, folder) = used();
        computer.occupant = Occupant::Twin;
        (computer, folder.copy("/copy"))
    };
    check_cut_off(twin, false);
}
