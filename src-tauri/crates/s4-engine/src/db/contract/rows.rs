//! The baseline, and whose it is.

use s4_core::baseline::{FileRow, RowLastModified};
use s4_core::path::{DiskPath, RelPath};
use s4_core::plan::RowChange;
use s4_core::remote::UnixMillis;
use s4_local::intent::{Expected, Intent, IntentKind};
use s4_local::trash::TrashedEntry;

use super::Place;
use super::samples::{binding, change, dir, file, fingerprint, local_fact, odd_file, path, rows_at};
use crate::db::{Activity, ActivityKind, Binding, Commit, Identity, Learned};

/// Every field of a row comes back, before the first binding too.
pub fn rows_come_back_as_they_were(place: &dyn Place) {
    for bound in [false, true] {
        let db = place.open();
        if bound {
            db.bind(&binding("r")).unwrap();
        }
        let mut rows: Vec<RowChange> = (0..6).map(|n| change(&format!("dir/{n}"), n)).collect();
        rows.push(RowChange::File(path("café"), Box::new(odd_file(9))));
        rows.push(RowChange::Dir(path("dir"), dir(&path("dir"), 1)));
        rows.push(RowChange::Dir(path("kept"), dir(&path("kept"), 2)));
        rows.push(change("gone", 7));
        rows.push(RowChange::Dir(path("gone"), dir(&path("gone"), 3)));
        db.commit(&rows_at(1, rows)).unwrap();
        let commits = db.outline(UnixMillis(1)).unwrap().commits;
        assert_eq!(db.commits(), commits);
        let later = vec![
            RowChange::ForgetFile(path("gone")),
            RowChange::ForgetDir(path("gone")),
            RowChange::ForgetFile(path("never was")),
            change("dir/0", 100),
        ];
        db.commit(&rows_at(2, later)).unwrap();
        assert_eq!(db.commits(), commits + 1, "whoever read before is told");
        drop(db);

        let baseline = place.open().load(UnixMillis(3)).unwrap().baseline;
        assert_eq!(baseline.files.len(), 7);
        assert_eq!(baseline.files.get(&path("dir/0")), Some(&file(&path("dir/0"), 100)), "the last stands");
        for n in 1..6 {
            let path = path(&format!("dir/{n}"));
            assert_eq!(baseline.files.get(&path), Some(&file(&path, n)));
        }
        assert_eq!(baseline.files.get(&path("café")), Some(&odd_file(9)));
        let outline = place.open().outline(UnixMillis(3)).unwrap();
        assert_eq!((outline.files > 0, &outline.dirs), (true, &baseline.dirs));
        let dirs: Vec<_> = baseline.dirs.into_iter().collect();
        assert_eq!(dirs, [(path("dir"), dir(&path("dir"), 1)), (path("kept"), dir(&path("kept"), 2))]);
    }
}

/// A time of change is noted only where there was but a bound.
pub fn times_are_noted_where_only_a_bound_was_known(place: &dyn Place) {
    let db = place.open();
    let own = |n: i64| RowLastModified::NotAfter(UnixMillis(n));
    let rows = [("own", own(5)), ("other", RowLastModified::Known(UnixMillis(3))), ("later", own(9))];
    let rows = rows.map(|(name, last_modified)| {
        let row = FileRow { last_modified, ..file(&path(name), 1) };
        RowChange::File(path(name), Box::new(row))
    });
    db.commit(&rows_at(1, rows.to_vec())).unwrap();
    let before = db.commits();
    db.note_times(&[]).unwrap();
    let noted = ["own", "other", "gone"].map(|name| (path(name), UnixMillis(4)));
    db.note_times(&noted).unwrap();
    assert_eq!(db.commits(), before, "it tells nobody to look anew");
    let files = db.load(UnixMillis(2)).unwrap().baseline.files;
    let time = |name: &str| files.get(&path(name)).unwrap().last_modified;
    assert_eq!(time("own"), RowLastModified::Known(UnixMillis(4)));
    assert_eq!(time("other"), RowLastModified::Known(UnixMillis(3)));
    assert_eq!(time("later"), own(9));
    assert_eq!(files.len(), 3);
}

/// What lies below a directory follows it directly.
pub fn rows_are_in_the_order_of_paths(place: &dyn Place) {
    let db = place.open();
    let rows = ["b", "a-b", "a/c", "a.txt", "a/b/c", "ab", "a\u{1}", "ä/b"].map(|text| change(text, 1));
    db.commit(&rows_at(1, rows.to_vec())).unwrap();
    let baseline = db.load(UnixMillis(1)).unwrap().baseline;
    let found: Vec<&str> = baseline.files.keys().map(RelPath::as_str).collect();
    assert_eq!(found, ["a/b/c", "a/c", "a\u{1}", "a-b", "a.txt", "ab", "b", "ä/b"]);
    let mut one_by_one = Vec::new();
    db.each_file(&mut |path, row| one_by_one.push((path, row))).unwrap();
    assert_eq!(one_by_one, baseline.files.into_iter().collect::<Vec<_>>());
}

/// The same binding changes nothing; any other drops what was agreed on.
pub fn another_binding_voids(place: &dyn Place) {
    let first = binding("r");
    let others = [
        Binding { endpoint: "https://other".to_owned(), ..first.clone() },
        Binding { bucket: "other".to_owned(), ..first.clone() },
        Binding { prefix: "other/".to_owned(), ..first.clone() },
        Binding { root_id: "other".to_owned(), ..first.clone() },
    ];
    assert_eq!(place.open().binding().unwrap(), None);
    for other in others {
        let db = place.open();
        db.bind(&first).unwrap();
        db.commit(&rows_at(1, vec![change("a", 1)])).unwrap();
        db.bind(&first).unwrap();
        assert_eq!(db.load(UnixMillis(1)).unwrap().baseline.files.len(), 1);
        assert_eq!(db.binding().unwrap(), Some(first.clone()));

        db.bind(&other).unwrap();
        drop(db);
        let db = place.open();
        assert_eq!(db.binding().unwrap(), Some(other));
        assert!(db.load(UnixMillis(1)).unwrap().baseline.is_empty());
    }
}

/// What both sides agreed on goes; what is under way, was moved aside or was done stays.
pub fn voiding_keeps_what_is_under_way(place: &dyn Place) {
    let db = place.open();
    db.bind(&binding("r")).unwrap();
    db.set_identity(&Identity { replica_id: "me".to_owned(), generation: 3 }).unwrap();
    let intent = Intent {
        path: DiskPath::new("a"),
        parked_at: DiskPath::new(".s4/trash/1-0/a"),
        expected: Expected::Entry(fingerprint(1)),
        kind: IntentKind::Remove,
    };
    db.record_intent(&intent).unwrap();
    let fact = local_fact(1);
    db.learn(&[Learned::Local(DiskPath::new("new"), fact.clone())]).unwrap();
    let trashed = TrashedEntry {
        place: DiskPath::new(".s4/trash/1-0/b"),
        original: DiskPath::new("b"),
        fingerprint: None,
    };
    let done =
        Activity { at: UnixMillis(1), path: path("b"), kind: ActivityKind::DeletedLocal, bytes: u64::MAX };
    let rows = vec![change("a", 1), RowChange::Dir(path("d"), dir(&path("d"), 1))];
    let commit = Commit { trashed: vec![trashed.clone()], activity: vec![done.clone()], ..rows_at(1, rows) };
    db.commit(&commit).unwrap();

    db.void().unwrap();
    drop(db);
    let db = place.open();
    let loaded = db.load(UnixMillis(1)).unwrap();
    assert!(loaded.baseline.is_empty());
    let outline = db.outline(UnixMillis(1)).unwrap();
    assert!(outline.files == 0 && outline.dirs.is_empty());
    assert_eq!(loaded.facts.local(&DiskPath::new("new"), &fact.fingerprint), None);
    assert_eq!(db.binding().unwrap(), Some(binding("r")));
    assert_eq!(db.identity().unwrap().unwrap().generation, 3);
    assert_eq!(db.intents().unwrap().len(), 1);
    assert_eq!(db.trashed_since(UnixMillis(0)).unwrap(), [(UnixMillis(1), trashed)]);
    assert_eq!(db.activity(9).unwrap(), [done]);
}

/// The identity is what was set last.
pub fn who_it_is_stays(place: &dyn Place) {
    let db = place.open();
    assert_eq!(db.identity().unwrap(), None);
    for generation in [1, u64::MAX] {
        let identity = Identity { replica_id: format!("replica {generation}"), generation };
        db.set_identity(&identity).unwrap();
        assert_eq!(db.identity().unwrap(), Some(identity));
    }
    drop(db);
    assert_eq!(place.open().identity().unwrap().unwrap().generation, u64::MAX);
}

/// Calls from several threads wait for each other; none is lost.
pub fn many_threads_may_write(place: &dyn Place) {
    let db = place.open();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let db = &db;
            scope.spawn(move || {
                for n in 0..8 {
                    db.commit(&rows_at(1, vec![change(&format!("{thread}/{n}"), n)])).unwrap();
                    db.load(UnixMillis(1)).unwrap();
                }
            });
        }
    });
    assert_eq!(db.load(UnixMillis(1)).unwrap().baseline.files.len(), 32);
}
