//! What large transfers remember: uploads and downloads under way, and chunks.

use s4_core::chunk::{Chunk, Chunks};
use s4_core::digest::Digest;
use s4_core::key::ObjectKey;
use s4_core::path::DiskPath;
use s4_core::plan::RowChange;
use s4_core::remote::{ETag, UnixMillis};
use s4_store::store::UploadId;

use super::Place;
use super::samples::{binding, change, fingerprint, local_fact, path, rows_at};
use crate::db::{Commit, Learned, OpenDownload, OpenUpload, UploadSource};

/// An upload is known until it ends; in another bucket it means nothing.
pub fn uploads_stay_until_they_end(place: &dyn Place) {
    let source = UploadSource {
        disk: DiskPath::new("a"),
        fingerprint: fingerprint(6),
        replaces: Some(ETag::new("old")),
        part_bytes: u64::MAX,
    };
    let upload = |key: &str, id: &str, source: Option<UploadSource>| OpenUpload {
        key: ObjectKey::new(key),
        id: UploadId(id.to_owned()),
        source,
        begun: UnixMillis(-7),
    };
    let of_new = UploadSource { replaces: None, part_bytes: 0, ..source.clone() };
    let (first, second) = (upload("p/a", "1", Some(source)), upload("p/a", "2", None));
    let (other, copy) = (upload("p/b", "1", Some(of_new)), upload("p/c", "1", None));
    let db = place.open();
    db.bind(&binding("r")).unwrap();
    for begun in [&copy, &other, &second, &first, &first] {
        db.begin_upload(begun).unwrap();
    }
    db.end_upload(&second).unwrap();
    db.end_upload(&second).unwrap();
    db.void().unwrap();
    db.bind(&binding("r")).unwrap();
    drop(db);
    let db = place.open();
    assert_eq!(db.open_uploads().unwrap(), [first, other, copy]);
    db.bind(&binding("elsewhere")).unwrap();
    assert!(db.open_uploads().unwrap().is_empty());
}

/// A download is known by its partial, with what was said of it last; in another bucket it means nothing.
pub fn downloads_stay_until_they_end(place: &dyn Place) {
    let download = |partial: &str, durable: u64| OpenDownload {
        partial: partial.to_owned(),
        disk: DiskPath::new("d/a"),
        key: ObjectKey::new("p/d/a"),
        etag: ETag::new("e"),
        durable,
    };
    let db = place.open();
    db.bind(&binding("r")).unwrap();
    for recorded in [download("3", 1), download("1", 0), download("1", u64::MAX), download("2", 2)] {
        db.record_download(&recorded).unwrap();
    }
    db.end_download("2").unwrap();
    db.end_download("never was").unwrap();
    db.void().unwrap();
    db.bind(&binding("r")).unwrap();
    drop(db);
    let db = place.open();
    assert_eq!(db.open_downloads().unwrap(), [download("1", u64::MAX), download("3", 1)]);
    db.bind(&binding("elsewhere")).unwrap();
    assert!(db.open_downloads().unwrap().is_empty());
}

/// Chunks are known by the content they make up, whether a row or a fact has it; what nothing has any more goes
/// when it is asked for.
pub fn chunks_stay_while_a_row_or_a_fact_has_their_content(place: &dyn Place) {
    let of_row = Digest::of(&1_u64.to_le_bytes()).blake3;
    let of_object = Digest::of(b"object").blake3;
    let (of_file, of_nothing) = (local_fact(1).digest.blake3, [0xff; 32]);
    let chunk = |n: u8| Chunk { size: u32::MAX - u32::from(n), blake3: [n; 32] };
    let list = |n: u8| Chunks(vec![chunk(n), chunk(0), chunk(n)]);
    let db = place.open();
    assert_eq!(db.chunks(&of_row).unwrap(), None);
    db.forget_unused_chunks().unwrap();
    db.learn(&[
        Learned::Local(DiskPath::new("new"), local_fact(1)),
        Learned::Content(ObjectKey::new("p/new"), ETag::new("e"), Digest::of(b"object")),
    ])
    .unwrap();
    db.learn_chunks(&[]).unwrap();
    db.learn_chunks(&[(of_file, list(1)), (of_object, Chunks::default()), (of_nothing, list(3))]).unwrap();
    db.learn_chunks(&[(of_object, list(2))]).unwrap();
    let commit = Commit { chunks: vec![(of_row, list(4))], ..rows_at(1, vec![change("row", 1)]) };
    assert!(!Commit { rows: Vec::new(), ..commit.clone() }.is_empty());
    db.commit(&commit).unwrap();
    let known = |expected: [bool; 4]| {
        let db = place.open();
        let all = [(of_file, 1), (of_object, 2), (of_nothing, 3), (of_row, 4)];
        for ((blake3, n), expected) in all.into_iter().zip(expected) {
            assert_eq!(db.chunks(&blake3).unwrap(), expected.then(|| list(n)), "{n}");
        }
    };
    drop(db);
    known([true, true, true, true]);
    place.open().forget_unused_chunks().unwrap();
    known([true, true, false, true]);

    let db = place.open();
    db.commit(&rows_at(2, vec![RowChange::ForgetFile(path("row"))])).unwrap();
    drop(db);
    known([true, true, false, true]);
    place.open().forget_unused_chunks().unwrap();
    known([true, true, false, false]);
    place.open().void().unwrap();
    known([false, false, false, false]);
}
