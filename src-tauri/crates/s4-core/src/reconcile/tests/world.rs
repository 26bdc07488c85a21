//! A model of everything a plan is made of: a disk, a bucket, a baseline, and clocks under the test's control.
//!
//! Notation: a path that ends with `/` is a directory (or its marker), a content `->x` is a link to `x`, and one
//! that begins with `+` is executable.

use std::collections::BTreeMap;

use crate::baseline::{Baseline, DirRow, FileRow, MarkerRow, RowContent, RowLastModified};
use crate::capabilities::Capabilities;
use crate::context::{ConflictPolicy, ConflictStamp, Context, DeleteLimits, GuardHistory};
use crate::digest::Digest;
use crate::facts::Facts;
use crate::key::{ObjectKey, Prefix};
use crate::local::{FileId, Fingerprint};
use crate::path::{DiskPath, RelPath};
use crate::remote::{ETag, UnixMillis};
use crate::rules::Rules;
use crate::traits::DiskTraits;

/// What stands at one place of the disk.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    File { content: String, executable: bool, print: Fingerprint },
    Symlink { target: String, print: Fingerprint },
    Dir,
    Special,
    Unreadable,
    Mount,
}

/// One object.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Object {
    pub(super) content: String,
    pub(super) symlink: bool,
    pub(super) executable: bool,
    pub(super) etag: ETag,
    pub(super) last_modified: UnixMillis,
    pub(super) base: Vec<ETag>,
    pub(super) mtime_ns: Option<i64>,
}

/// What the bucket's tags tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tags {
    /// The MD5 of the body.
    Md5,
    /// Nothing, but a HEAD tells a checksum.
    Checksummed,
    /// Nothing at all: only a full read tells.
    Opaque,
}

#[derive(Clone)]
pub(super) struct World {
    pub(super) baseline: Baseline,
    pub(super) disk: BTreeMap<DiskPath, Node>,
    pub(super) bucket: BTreeMap<String, Object>,
    /// Contents that are recoverable: trash on both sides.
    pub(super) trash: Vec<String>,
    /// Objects that descend from no version that they replaced, as a GET told.
    pub(super) strangers: Vec<ObjectKey>,
    pub(super) context: Context,
    pub(super) facts: Facts,
    pub(super) tags: Tags,
    /// Seconds; every stamp is one of its own, so that nothing is racy unless a test says so.
    pub(super) clock: i64,
    next_id: u64,
}

impl std::fmt::Debug for World {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let rows: Vec<_> = self.baseline.files.iter().map(|(path, row)| (path, &row.disk)).collect();
        let dirs: Vec<_> =
            self.baseline.dirs.iter().map(|(path, row)| (path, row.marker.is_some())).collect();
        let disk: Vec<_> = self
            .disk
            .iter()
            .map(|(place, node)| match node {
                Node::File { content, .. } => format!("{place} = {content}"),
                Node::Symlink { target, .. } => format!("{place} -> {target}"),
                other @ (Node::Dir | Node::Special | Node::Unreadable | Node::Mount) => {
                    format!("{place}: {other:?}")
                }
            })
            .collect();
        let bucket: Vec<_> =
            self.bucket.iter().map(|(key, object)| format!("{key} = {}", object.content)).collect();
        write!(formatter, "rows {rows:?}\ndirs {dirs:?}\ndisk {disk:?}\nbucket {bucket:?}")
    }
}

pub(super) fn rel(text: &str) -> RelPath {
    RelPath::parse(text).unwrap()
}

pub(super) fn disk(text: &str) -> DiskPath {
    DiskPath::new(text)
}

impl World {
    pub(super) fn new() -> Self {
        Self {
            baseline: Baseline::default(),
            disk: BTreeMap::new(),
            bucket: BTreeMap::new(),
            trash: Vec::new(),
            strangers: Vec::new(),
            context: Context {
                disk: DiskTraits::LINUX,
                store: Capabilities::FULL,
                prefix: Prefix::new("p"),
                policy: ConflictPolicy::KeepBoth,
                rules: Rules::built_in(),
                prune_ignored: false,
                bucket_trash: true,
                limits: DeleteLimits::Unlimited,
                guard: GuardHistory::default(),
                now: UnixMillis(1_000_000_000),
                stamp: ConflictStamp { date: "2026-11-20".to_owned(), host: "here".to_owned() },
            },
            facts: Facts::default(),
            tags: Tags::Md5,
            clock: 1000,
            next_id: 0,
        }
    }

    /// Puts an entry on the disk; what the baseline has with the same content is untouched since.
    pub(super) fn local(mut self, path: &str, content: &str) -> Self {
        self.write(path, content);
        self
    }

    /// Puts an object in the bucket; what the baseline has with the same content is untouched since.
    pub(super) fn remote(mut self, path: &str, content: &str) -> Self {
        self.put(path, content);
        self
    }

    /// Says that both sides agreed on this.
    pub(super) fn base(mut self, path: &str, content: &str) -> Self {
        let (disk, bucket) = (self.disk.clone(), self.bucket.clone());
        self.write(path, content);
        self.put(path, content);
        self.agree_on(path);
        (self.disk, self.bucket) = (disk, bucket);
        self
    }

    /// Says that all three are this.
    pub(super) fn agreed(mut self, path: &str, content: &str) -> Self {
        self.write(path, content);
        self.put(path, content);
        self.agree_on(path);
        self
    }

    pub(super) fn with(mut self, change: impl FnOnce(&mut Context)) -> Self {
        change(&mut self.context);
        self
    }

    pub(super) fn edit(mut self, change: impl FnOnce(&mut World)) -> Self {
        change(&mut self);
        self
    }

    pub(super) fn tick(&mut self) -> i64 {
        self.clock += 1;
        self.clock * 1_000_000_000
    }

    pub(super) fn fresh_print(&mut self, size: usize) -> Fingerprint {
        let now = self.tick();
        self.next_id += 1;
        Fingerprint {
            size: size as u64,
            mtime_ns: now,
            ctime_ns: Some(now),
            birth_ns: Some(now),
            file_id: FileId(self.next_id),
        }
    }

    pub(super) fn write(&mut self, path: &str, content: &str) {
        if let Some(directory) = path.strip_suffix('/') {
            self.make_parents(directory);
            self.disk.entry(disk(directory)).or_insert(Node::Dir);
            return;
        }
        self.make_parents(path);
        let agreed = RelPath::parse(path).ok().and_then(|path| self.baseline.files.get(&path).cloned());
        let agreed = agreed.filter(|row| row.content == content_of(content) && row.disk.as_str() == path);
        let (body, symlink, executable) = parts(content);
        let print = match agreed {
            Some(row) => row.fingerprint,
            None => self.fresh_print(body.len()),
        };
        let node = if symlink {
            Node::Symlink { target: body.to_owned(), print }
        } else {
            Node::File { content: body.to_owned(), executable, print }
        };
        self.disk.insert(disk(path), node);
    }

    /// Renames a file as a program would: only its ctime changes.
    pub(super) fn move_on_disk(&mut self, from: &str, to: &str) {
        let now = self.tick();
        let mut node = self.disk.remove(&disk(from)).unwrap();
        self.make_parents(to);
        if let Node::File { print, .. } | Node::Symlink { print, .. } = &mut node {
            print.ctime_ns = Some(now);
        }
        self.disk.insert(disk(to), node);
    }

    pub(super) fn change_print(&mut self, path: &str, change: impl FnOnce(&mut Fingerprint)) {
        match self.disk.get_mut(&disk(path)) {
            Some(Node::File { print, .. } | Node::Symlink { print, .. }) => change(print),
            other => panic!("{other:?} has no stamps"),
        }
    }

    pub(super) fn fingerprint(&mut self, path: &str) -> Fingerprint {
        let mut found = None;
        self.change_print(path, |print| found = Some(*print));
        found.unwrap()
    }

    fn make_parents(&mut self, path: &str) {
        for (end, _) in path.match_indices('/') {
            self.disk.entry(disk(&path[..end])).or_insert(Node::Dir);
        }
    }

    pub(super) fn put(&mut self, path: &str, content: &str) {
        let (body, symlink, executable) = parts(content);
        let key = format!("{}{path}", self.context.prefix.as_str());
        let agreed = RelPath::parse(path).ok().and_then(|path| self.baseline.files.get(&path).cloned());
        let agreed = agreed.filter(|row| row.content == content_of(content) && row.key.as_str() == key);
        let mut object = self.object(body, symlink, executable);
        if let Some(FileRow { etag, last_modified: RowLastModified::Known(time), .. }) = agreed {
            (object.etag, object.last_modified) = (etag, time);
        }
        if let Some(directory) = path.strip_suffix('/') {
            let row = self.baseline.dirs.get(&rel(directory)).and_then(|row| row.marker.clone());
            object.etag = row.map_or(object.etag, |row| row.etag);
        }
        self.bucket.insert(key, object);
    }

    /// Makes an object as a store would at this moment.
    pub(super) fn object(&mut self, body: &str, symlink: bool, executable: bool) -> Object {
        let now = self.tick();
        let etag = match self.tags {
            Tags::Md5 => Digest::of(body.as_bytes())
                .md5
                .unwrap()
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>(),
            Tags::Checksummed | Tags::Opaque => format!("v{now}-1"),
        };
        Object {
            content: body.to_owned(),
            symlink,
            executable,
            etag: ETag::new(&etag),
            last_modified: UnixMillis(now / 1_000_000),
            base: Vec::new(),
            mtime_ns: None,
        }
    }

    /// Enters rows for what both sides have at `path`.
    pub(super) fn agree_on(&mut self, path: &str) {
        let marker = |world: &World, directory: &str| {
            let key = format!("{}{directory}/", world.context.prefix.as_str());
            let object = world.bucket.get(&key)?;
            Some(MarkerRow { key: ObjectKey::new(key), etag: object.etag.clone() })
        };
        let own = path.strip_suffix('/');
        let ends = path.match_indices('/').map(|(end, _)| &path[..end]);
        for directory in ends.chain(own) {
            let row = DirRow { disk: disk(directory), marker: marker(self, directory), kept: false };
            self.baseline.dirs.insert(rel(directory), row);
        }
        if own.is_none() {
            let key = format!("{}{path}", self.context.prefix.as_str());
            let row = self.row(&key, &disk(path), false);
            self.baseline.files.insert(rel(path), row);
        }
    }

    /// Returns the row of two sides that are the same.
    pub(super) fn row(&mut self, key: &str, disk: &DiskPath, own_write: bool) -> FileRow {
        let read_time_ns = self.tick();
        let object = &self.bucket[key];
        let (content, fingerprint) = match &self.disk[disk] {
            Node::File { content, executable, print } => {
                let digest = Digest::of(content.as_bytes());
                (RowContent::File { digest, executable: *executable }, *print)
            }
            Node::Symlink { target, print } => {
                (RowContent::Symlink { target: target.as_str().into() }, *print)
            }
            other => panic!("{other:?} has no row"),
        };
        FileRow {
            key: ObjectKey::new(key),
            disk: disk.clone(),
            content,
            fingerprint,
            read_time_ns,
            etag: object.etag.clone(),
            last_modified: match own_write {
                true => RowLastModified::NotAfter(object.last_modified),
                false => RowLastModified::Known(object.last_modified),
            },
            version_id: None,
            own_write,
        }
    }
}

/// Takes a content apart: its body, whether it is a link, whether it is executable.
pub(super) fn parts(content: &str) -> (&str, bool, bool) {
    match (content.strip_prefix("->"), content.strip_prefix('+')) {
        (Some(target), _) => (target, true, false),
        (None, Some(body)) => (body, false, true),
        (None, None) => (content, false, false),
    }
}

fn content_of(content: &str) -> RowContent {
    match parts(content) {
        (target, true, _) => RowContent::Symlink { target: target.into() },
        (body, false, executable) => RowContent::File { digest: Digest::of(body.as_bytes()), executable },
    }
}
