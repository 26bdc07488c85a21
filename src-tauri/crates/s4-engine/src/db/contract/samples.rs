//! Values that use every field, extremes included.

use s4_core::baseline::{DirRow, FileRow, MarkerRow, RowContent, RowLastModified};
use s4_core::digest::Digest;
use s4_core::facts::LocalFact;
use s4_core::key::ObjectKey;
use s4_core::local::{FileId, Fingerprint};
use s4_core::path::{DiskPath, RelPath};
use s4_core::plan::RowChange;
use s4_core::remote::{ETag, Metadata, ObjectHead, UnixMillis, VersionId};

use crate::db::{Binding, Commit};

/// A binding below `root_id`.
pub(super) fn binding(root_id: &str) -> Binding {
    Binding {
        endpoint: "https://s3.example".to_owned(),
        bucket: "bucket".to_owned(),
        prefix: "p/".to_owned(),
        root_id: root_id.to_owned(),
    }
}

pub(super) fn path(text: &str) -> RelPath {
    RelPath::parse(text).unwrap()
}

/// A fingerprint that differs for every `n`.
pub(super) fn fingerprint(n: u64) -> Fingerprint {
    Fingerprint {
        size: n,
        mtime_ns: -5,
        ctime_ns: n.is_multiple_of(2).then_some(i64::MAX),
        birth_ns: n.is_multiple_of(3).then_some(i64::MIN),
        file_id: FileId(u64::MAX - n),
    }
}

/// A row with the usual names.
pub(super) fn file(path: &RelPath, n: u64) -> FileRow {
    FileRow {
        key: ObjectKey::new(format!("p/{path}")),
        disk: DiskPath::from(path),
        content: RowContent::File { digest: Digest::of(&n.to_le_bytes()), executable: n % 2 == 1 },
        fingerprint: fingerprint(n),
        read_time_ns: i64::MAX,
        etag: ETag::new("e"),
        last_modified: RowLastModified::Known(UnixMillis(-1)),
        version_id: None,
        own_write: false,
    }
}

/// A row with unusual names, and everything else the other way round.
pub(super) fn odd_file(n: u64) -> FileRow {
    FileRow {
        key: ObjectKey::new("p/cafe\u{301}"),
        disk: DiskPath::new("caf\u{e9} (clash 12345678)"),
        content: RowContent::Symlink { target: "../elsewhere".into() },
        fingerprint: fingerprint(n),
        read_time_ns: i64::MIN,
        etag: ETag::new("d41d8cd98f00b204e9800998ecf8427e-3"),
        last_modified: RowLastModified::NotAfter(UnixMillis(i64::MAX)),
        version_id: Some(VersionId("v1".into())),
        own_write: true,
    }
}

/// A directory, with a marker for odd `n` and kept for the others.
pub(super) fn dir(path: &RelPath, n: u64) -> DirRow {
    let marker = MarkerRow { key: ObjectKey::new(format!("p/{path}/")), etag: ETag::new("m") };
    DirRow { disk: DiskPath::from(path), marker: (n % 2 == 1).then_some(marker), kept: n.is_multiple_of(2) }
}

pub(super) fn change(text: &str, n: u64) -> RowChange {
    let path = path(text);
    let row = file(&path, n);
    RowChange::File(path, Box::new(row))
}

pub(super) fn rows_at(at: i64, rows: Vec<RowChange>) -> Commit {
    Commit { rows, at: UnixMillis(at), ..Commit::default() }
}

pub(super) fn local_fact(n: u64) -> LocalFact {
    LocalFact { fingerprint: fingerprint(n), digest: Digest::of(b"fact"), read_time_ns: 7 }
}

/// What a HEAD said: everything, or as little as it can.
pub(super) fn head(is_full: bool) -> ObjectHead {
    let metadata = Metadata {
        mtime_ns: Some(-1),
        executable: true,
        symlink: true,
        base: vec![ETag::new("b1"), ETag::new("b2")],
    };
    ObjectHead {
        etag: ETag::new("h"),
        last_modified: UnixMillis(12),
        size: if is_full { u64::MAX } else { 0 },
        version_id: is_full.then(|| VersionId("v".into())),
        crc64nvme: is_full.then_some(u64::MAX),
        etag_is_md5: is_full,
        metadata: if is_full { metadata } else { Metadata::default() },
    }
}
