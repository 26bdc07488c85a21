//! Records and folders on the real disk.

use std::fs;

use super::super::*;
use super::record;

#[test]
fn records_are_kept_by_root_and_found_by_folder() {
    let directory = tempfile::tempdir().unwrap();
    let state = directory.path().join("state");
    let records: [Box<dyn RecordStore>; 2] =
        [Box::new(DirectoryRecords::new(&state)), Box::new(MemoryRecords::new())];
    for records in records {
        assert_eq!(records.of_root("root").unwrap(), None);
        assert_eq!(records.of_folder("/docs").unwrap(), []);
        records.forget("root").unwrap();

        let first = record(1, "here");
        let second = Record { root_id: "another".to_owned(), ..record(2, "here") };
        let elsewhere =
            Record { root_id: "third".to_owned(), folder: "/other".to_owned(), ..record(3, "here") };
        for record in [&first, &second, &elsewhere, &Record { generation: 4, ..first.clone() }] {
            records.put(record).unwrap();
        }
        let first = Record { generation: 4, ..first };
        assert_eq!(records.of_root("root").unwrap(), Some(first.clone()));
        assert_eq!(records.of_folder("/docs").unwrap(), [second, first]);
        forget_folder(&*records, Path::new("/docs")).unwrap();
        assert_eq!(records.of_folder("/docs").unwrap(), []);
        assert_eq!(records.of_root("third").unwrap(), Some(elsewhere));
    }
}

#[test]
fn a_damaged_record_is_none_and_no_mark_leads_out_of_the_directory() {
    let directory = tempfile::tempdir().unwrap();
    let records = DirectoryRecords::new(directory.path());
    records.put(&record(1, "here")).unwrap();
    fs::write(directory.path().join("replicas/root.json"), "{").unwrap();
    assert_eq!(records.of_root("root").unwrap(), None);
    assert_eq!(records.of_folder("/docs").unwrap(), []);
    for root_id in ["", "../root", "a/b", "a.b"] {
        assert!(records.of_root(root_id).is_err(), "{root_id}");
        assert!(records.put(&Record { root_id: root_id.to_owned(), ..record(1, "here") }).is_err());
    }
}

#[cfg(unix)]
#[test]
fn records_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let records = DirectoryRecords::new(directory.path());
    records.put(&record(1, "here")).unwrap();
    for (path, mode) in [("replicas", 0o700), ("replicas/root.json", 0o600)] {
        let permissions = fs::metadata(directory.path().join(path)).unwrap().permissions();
        assert_eq!(permissions.mode() & 0o777, mode, "{path}");
    }
}

#[test]
fn twins_are_told_from_other_names_and_from_what_is_gone() {
    let directory = tempfile::tempdir().unwrap();
    let folder = |name: &str, mark: Option<&str>| {
        let path = directory.path().join(name);
        fs::create_dir_all(path.join(".s4")).unwrap();
        if let Some(mark) = mark {
            fs::write(path.join(".s4/root"), mark).unwrap();
        }
        path
    };
    let here = folder("here", Some("root\n00000000000000000001\n"));
    let twin = folder("twin", Some("root\n00000000000000000007\n"));
    let other = folder("other", Some("another\n00000000000000000001\n"));
    let unmarked = folder("unmarked", None);
    let machine = ThisMachine::look(directory.path()).unwrap();
    let missing = directory.path().join("missing");
    let rows = [
        (&here, Occupant::This),
        (&twin, Occupant::Twin),
        (&other, Occupant::Gone),
        (&unmarked, Occupant::Gone),
        (&missing, Occupant::Gone),
    ];
    for (recorded, expected) in rows {
        assert_eq!(machine.occupant(recorded, "root", &here), expected, "{}", recorded.display());
    }
    #[cfg(unix)]
    {
        let link = directory.path().join("link");
        std::os::unix::fs::symlink(&here, &link).unwrap();
        assert_eq!(machine.occupant(&link, "root", &here), Occupant::This);
    }
    assert_eq!(machine.machine_id(), ThisMachine::look(directory.path()).unwrap().machine_id());
    assert_ne!(machine.new_id(), machine.new_id());
}

/// Begins a run in a folder of the real disk, with the database where it usually is.
fn run_on_disk(folder: &Path, state: &Path) -> Result<Run, IdentityError> {
    let folder = fs::canonicalize(folder).unwrap();
    let disk = s4_local::real::RealDisk::open(&folder)?;
    let machine = ThisMachine::look(state)?;
    let records = DirectoryRecords::new(state);
    let here = Here { disk: &disk, folder: &folder, records: &records, surroundings: &machine };
    check_mounted(here)?;
    fs::create_dir_all(folder.join(".s4")).unwrap();
    let opened = crate::db::sqlite::open(&folder.join(".s4/state.db"), s4_core::remote::UnixMillis(0))?;
    begin_run(here, &opened.db)
}

/// Copies a folder as `cp -r` does, `.s4` included.
fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to.join(".s4")).unwrap();
    for entry in fs::read_dir(from.join(".s4")).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(".s4").join(entry.file_name())).unwrap();
    }
}

#[test]
fn t51_t67_folders_on_the_real_disk_are_what_they_are() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let (docs, state) = (at("docs"), at("state"));
    fs::create_dir(&docs).unwrap();
    let run = |folder: &Path| run_on_disk(folder, &state).map(|run| run.assessment).unwrap();
    assert_eq!(run(&docs), Assessment::Fresh);
    assert_eq!(run(&docs), Assessment::Continue);

    copy_folder(&docs, &at("backup"));
    assert_eq!(run(&at("backup")), Assessment::Twin);
    assert_eq!(run(&at("backup")), Assessment::Continue);
    assert_eq!(run(&docs), Assessment::Continue);

    copy_folder(&docs, &at("older"));
    assert_eq!(run(&docs), Assessment::Continue);
    fs::rename(&docs, at("gone")).unwrap();
    fs::rename(at("older"), &docs).unwrap();
    assert_eq!(run(&docs), Assessment::RestoredOrCopied);
    assert_eq!(run(&docs), Assessment::Continue);

    fs::rename(&docs, at("moved")).unwrap();
    fs::remove_dir_all(at("gone")).unwrap();
    assert_eq!(run(&at("moved")), Assessment::Continue);

    let moved = fs::canonicalize(at("moved")).unwrap();
    fs::remove_dir_all(moved.join(".s4")).unwrap();
    let refused = run_on_disk(&moved, &state);
    assert!(matches!(refused, Err(IdentityError::NotMounted { folder }) if folder == moved));
    assert_eq!(fs::read_dir(&moved).unwrap().count(), 0, "nothing was made there");
    forget_folder(&DirectoryRecords::new(&state), &moved).unwrap();
    assert_eq!(run(&moved), Assessment::Fresh);
}
