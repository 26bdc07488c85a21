//! What is under way, what was done, and what waits for a person.

use s4_core::context::Deletions;
use s4_core::key::ObjectKey;
use s4_core::local::{FileId, LocalEntry, LocalFile, LocalSymlink, Unreadable};
use s4_core::path::DiskPath;
use s4_core::plan::{Conflict, Problem, ProblemReason, RowChange, Side};
use s4_core::remote::{ETag, RemoteObject, UnixMillis};
use s4_local::intent::{Expected, Intent, IntentId, IntentKind, Staging};
use s4_local::trash::TrashedEntry;

use super::Place;
use super::samples::{change, fingerprint, path, rows_at};
use crate::db::{ACTIVITY_LINES, Activity, ActivityKind, Commit};

const MINUTE: i64 = 60_000;

/// Intents come back in the order in which they were recorded; an id is never used again.
pub fn intents_stay_until_they_are_settled(place: &dyn Place) {
    let disk = DiskPath::new;
    let staged = Staging { at: disk(".s4/partial/1"), fingerprint: fingerprint(2) };
    let kinds = [
        IntentKind::Remove,
        IntentKind::Replace { staged: staged.clone(), trash: disk(".s4/trash/1-0/a") },
        IntentKind::KeepBoth { staged, keep_as: disk("a (conflict)") },
        IntentKind::Rename { to: disk("b") },
        IntentKind::Exchange { other: disk("c") },
    ];
    let intents = kinds.map(|kind| Intent {
        path: disk("a"),
        parked_at: disk("parked"),
        expected: Expected::Entry(fingerprint(3)),
        kind,
    });
    let of_dir = Intent { expected: Expected::Dir(FileId(u64::MAX)), ..intents[0].clone() };
    let intents: Vec<Intent> = intents.into_iter().chain([of_dir]).collect();

    let db = place.open();
    let mut recorded: Vec<(IntentId, Intent)> = Vec::new();
    for intent in &intents {
        recorded.push((db.record_intent(intent).unwrap(), intent.clone()));
    }
    drop(db);
    let db = place.open();
    assert_eq!(db.intents().unwrap(), recorded);

    let settled: Vec<IntentId> = recorded.drain(3..).map(|(id, _)| id).collect();
    db.commit(&Commit { settled: settled.clone(), ..Commit::default() }).unwrap();
    drop(db);
    let db = place.open();
    assert_eq!(db.intents().unwrap(), recorded);
    let next = db.record_intent(&intents[0]).unwrap();
    assert!(settled.iter().all(|id| *id < next), "the id of a settled intent stands for nothing else");
}

/// A trash record stays with the time of its batch, until it is forgotten.
pub fn trash_is_remembered_with_its_time(place: &dyn Place) {
    let entry = |n: u64| TrashedEntry {
        place: DiskPath::new(format!(".s4/trash/{n}-0/a")),
        original: DiskPath::new("a"),
        fingerprint: (n > 1).then(|| fingerprint(n)),
    };
    let db = place.open();
    for n in [3, 1, 2] {
        let at = UnixMillis(i64::try_from(n).unwrap());
        db.commit(&Commit { trashed: vec![entry(n)], at, ..Commit::default() }).unwrap();
    }
    drop(db);
    let db = place.open();
    let all = [1, 2, 3].map(|n: u64| (UnixMillis(i64::try_from(n).unwrap()), entry(n)));
    assert_eq!(db.trashed_since(UnixMillis(i64::MIN)).unwrap(), all);
    assert_eq!(db.trashed_since(UnixMillis(2)).unwrap(), all[1..]);
    db.forget_trashed(&entry(2).place).unwrap();
    db.forget_trashed(&DiskPath::new("never was")).unwrap();
    assert_eq!(db.trashed_since(UnixMillis(2)).unwrap(), all[2..]);
}

/// The guards see deletions by side, against the tree before the first of them.
pub fn deletions_add_up_until_ten_minutes_are_quiet(place: &dyn Place) {
    let db = place.open();
    let rows = (0..10).map(|n| change(&n.to_string(), n)).collect();
    db.commit(&rows_at(0, rows)).unwrap();
    for (minute, name) in [(1, "1"), (9, "2")] {
        let commit = Commit {
            deletions: vec![(Side::Local, 1), (Side::Remote, 0)],
            ..rows_at(minute * MINUTE, vec![RowChange::ForgetFile(path(name))])
        };
        db.commit(&commit).unwrap();
    }
    drop(db);
    let db = place.open();
    for (minute, count, tree_then) in [(9, 2, 10), (18, 2, 10), (0, 2, 10), (19, 0, 0)] {
        let guard = db.load(UnixMillis(minute * MINUTE)).unwrap().guard;
        assert_eq!(guard.local, Deletions { count, tree_then }, "minute {minute}");
        assert_eq!(guard.remote, Deletions::default(), "minute {minute}");
    }
    let commit =
        Commit { deletions: vec![(Side::Local, 3), (Side::Remote, 4)], ..rows_at(19 * MINUTE, Vec::new()) };
    db.commit(&commit).unwrap();
    let guard = db.load(UnixMillis(20 * MINUTE)).unwrap().guard;
    assert_eq!(guard.local, Deletions { count: 3, tree_then: 8 });
    assert_eq!(guard.remote, Deletions { count: 4, tree_then: 8 });
}

/// The log is read from its end, and its beginning is dropped.
pub fn the_log_keeps_the_latest_lines(place: &dyn Place) {
    let kinds = [
        ActivityKind::Uploaded,
        ActivityKind::Downloaded,
        ActivityKind::DeletedRemote,
        ActivityKind::DeletedLocal,
        ActivityKind::MovedRemote,
        ActivityKind::MovedLocal,
        ActivityKind::KeptBoth,
        ActivityKind::Adjusted,
        ActivityKind::Rescued,
    ];
    let line = |n: usize| Activity {
        at: UnixMillis(i64::try_from(n).unwrap()),
        path: path(&format!("dir/{n}")),
        kind: kinds[n % kinds.len()],
        bytes: n as u64,
    };
    let written = ACTIVITY_LINES + 20;
    let db = place.open();
    db.commit(&Commit { activity: (0..20).map(line).collect(), ..Commit::default() }).unwrap();
    db.commit(&Commit { activity: (20..written).map(line).collect(), ..Commit::default() }).unwrap();
    drop(db);
    let db = place.open();
    let latest: Vec<Activity> = (written - 9..written).rev().map(line).collect();
    assert_eq!(db.activity(9).unwrap(), latest);
    let all = db.activity(usize::MAX).unwrap();
    assert_eq!((all.len(), all.last()), (ACTIVITY_LINES, Some(&line(20))));
}

/// Of conflicts and problems the last lists stand.
pub fn standing_lists_are_replaced(place: &dyn Place) {
    let entries = [
        LocalEntry::File(LocalFile { fingerprint: fingerprint(1), executable: true }),
        LocalEntry::Symlink(LocalSymlink { fingerprint: fingerprint(2), target: "t".into() }),
        LocalEntry::Dir { holds_ignored: true },
        LocalEntry::Special,
        LocalEntry::Unreadable(Unreadable::Mount),
        LocalEntry::Unreadable(Unreadable::Failed("refused".into())),
    ];
    let conflicts: Vec<Conflict> = entries
        .into_iter()
        .enumerate()
        .map(|(n, local)| Conflict {
            path: path(&format!("c/{n}")),
            disk: DiskPath::new(format!("C/{n}")),
            local,
            object: RemoteObject {
                key: ObjectKey::new("p/c"),
                size: u64::MAX,
                etag: ETag::new("e"),
                last_modified: UnixMillis(-1),
            },
        })
        .collect();
    let problem = |subject: &str| Problem { subject: subject.to_owned(), reason: ProblemReason::Special };
    let words = ProblemReason::Special.to_string();

    let db = place.open();
    db.set_standing(&conflicts, &[problem("z"), problem("a")]).unwrap();
    let standing = db.standing().unwrap();
    assert_eq!(standing.conflicts, conflicts);
    assert_eq!(standing.problems, [("z".to_owned(), words.clone()), ("a".to_owned(), words.clone())]);
    db.set_standing(&conflicts[..1], &[problem("b")]).unwrap();
    drop(db);
    let db = place.open();
    let standing = db.standing().unwrap();
    assert_eq!((standing.conflicts.len(), standing.problems), (1, vec![("b".to_owned(), words)]));
    db.void().unwrap();
    let standing = db.standing().unwrap();
    assert!(standing.conflicts.is_empty() && standing.problems.is_empty());
}
