//! Facts and decisions.

use s4_core::digest::Digest;
use s4_core::facts::{Decision, Facts, Keep};
use s4_core::key::ObjectKey;
use s4_core::path::DiskPath;
use s4_core::plan::RowChange;
use s4_core::remote::{ETag, UnixMillis};

use super::Place;
use super::samples::{binding, change, dir, fingerprint, head, local_fact, path, rows_at};
use crate::db::{FACT_MILLIS, Learned};

/// The facts of one path: its local hashes, a HEAD, and the hashes of its object.
fn learned(name: &str, is_full: bool) -> [Learned; 3] {
    let key = ObjectKey::new(format!("p/{name}"));
    [
        Learned::Local(DiskPath::new(name), local_fact(4)),
        Learned::Head(key.clone(), UnixMillis(11), head(is_full)),
        Learned::Content(key, ETag::new("h"), Digest::of(b"content")),
    ]
}

/// Asserts that the facts of a path are all there, or none.
#[track_caller]
fn check(facts: &Facts, name: &str, is_full: bool, known: bool) {
    let key = ObjectKey::new(format!("p/{name}"));
    let (local, head) = (local_fact(4), head(is_full));
    let found = facts.local(&DiskPath::new(name), &local.fingerprint);
    assert_eq!(found, known.then_some(&local), "{name}");
    assert_eq!(facts.head(&key, &head.etag, UnixMillis(11)), known.then_some(&head), "{name}");
    assert_eq!(facts.content(&key, &head.etag), known.then_some(&Digest::of(b"content")), "{name}");
}

/// Every field of a fact comes back; of two the later stands.
pub fn facts_come_back(place: &dyn Place) {
    let db = place.open();
    db.learn(&[]).unwrap();
    db.learn(&learned("a", false)).unwrap();
    db.learn(&learned("a", true)).unwrap();
    db.learn(&learned("b", false)).unwrap();
    // A durable write carries what was written before it along.
    db.commit(&rows_at(1, Vec::new())).unwrap();
    drop(db);
    let facts = place.open().load(UnixMillis(1)).unwrap().facts;
    check(&facts, "a", true, true);
    check(&facts, "b", false, true);
    check(&facts, "c", true, false);
}

/// A row knows what the facts of its path knew; what no row took over goes after thirty days.
pub fn facts_go_when_rows_know_or_after_thirty_days(place: &dyn Place) {
    let db = place.open();
    db.bind(&binding("r")).unwrap();
    db.load(UnixMillis(1000)).unwrap();
    for name in ["row", "forgotten", "dir", "other"] {
        db.learn(&learned(name, true)).unwrap();
    }
    let rows = vec![
        change("row", 1),
        RowChange::ForgetFile(path("forgotten")),
        RowChange::Dir(path("dir"), dir(&path("dir"), 1)),
    ];
    db.commit(&rows_at(2000, rows)).unwrap();
    db.learn(&learned("later", true)).unwrap();
    let facts = db.load(UnixMillis(1000 + FACT_MILLIS)).unwrap().facts;
    for (name, known) in
        [("row", false), ("forgotten", false), ("dir", true), ("other", true), ("later", true)]
    {
        check(&facts, name, true, known);
    }
    for _ in 0..2 {
        let facts = db.load(UnixMillis(1001 + FACT_MILLIS)).unwrap().facts;
        check(&facts, "other", true, false);
        check(&facts, "later", true, true);
    }
}

/// A decision holds for the pair it was made for, until a row of its path changes.
pub fn a_row_settles_the_decision_of_its_path(place: &dyn Place) {
    let db = place.open();
    let etag = ETag::new("remote");
    let decision = |keep| Decision { local: fingerprint(5), etag: etag.clone(), keep };
    let keeps = [("local", Keep::Local), ("remote", Keep::Remote), ("a/both", Keep::Both)];
    for (name, keep) in keeps {
        db.decide(&path(name), &decision(Keep::Both)).unwrap();
        db.decide(&path(name), &decision(keep)).unwrap();
    }
    drop(db);
    let db = place.open();
    let facts = db.load(UnixMillis(1)).unwrap().facts;
    for (name, keep) in keeps {
        assert_eq!(facts.decision(&path(name), &fingerprint(5), &etag), Some(keep));
        assert_eq!(facts.decision(&path(name), &fingerprint(6), &etag), None);
    }
    let rows = vec![change("local", 1), RowChange::ForgetFile(path("remote")), change("a", 1)];
    db.commit(&rows_at(2, rows)).unwrap();
    let facts = db.load(UnixMillis(2)).unwrap().facts;
    for (name, keep) in [("local", None), ("remote", None), ("a/both", Some(Keep::Both))] {
        assert_eq!(facts.decision(&path(name), &fingerprint(5), &etag), keep, "{name}");
    }
}
