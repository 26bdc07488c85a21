//! A model of everything a plan is made of: a disk, a bucket, a baseline, and clocks under the test's control.
//!
//! Notation: a path that ends with `/` is a directory (or its marker), a content `->x` is a link to `x`, and one
//! that begins with `+` is executable.

use std::collections::BTreeMap;

use crate::baseline::{Baseline, DirRow, FileRow, MarkerRow, RowContent, RowLastModified};
use crate::capabilities::Capabilities;
use crate::context::{ConflictPolicy, ConflictStamp, Context, DeleteLimits, GuardHistory};
use crate::digest::Digest;
use crate::facts::{Facts, LocalFact};
use crate::key::{ObjectKey, Place, Prefix};
use crate::local::{FileId, Fingerprint, LocalEntry, LocalFile, LocalSymlink, LocalTree, Unreadable};
use crate::path::{DiskPath, RelPath};
use crate::plan::{Examine, Plan};
use crate::reconcile::{Input, reconcile};
use crate::remote::{ETag, Metadata, ObjectHead, RemoteObject, RemoteTree, UnixMillis};
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
    pub(super) fn agreed(self, path: &str, content: &str) -> Self {
        self.base(path, content).local(path, content).remote(path, content)
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
            Tags::Md5 => {
                Digest::of(body.as_bytes()).md5.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
            }
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

    /// Returns what a scan sees.
    pub(super) fn scan(&self) -> LocalTree {
        let ignored =
            |path: &DiskPath, node: &Node| self.context.rules.is_ignored(path.as_str(), *node == Node::Dir);
        let entry = |path: &DiskPath, node: &Node| match node {
            Node::File { executable, print, .. } => LocalEntry::File(LocalFile {
                fingerprint: *print,
                executable: *executable && self.context.disk.has_executable_bit,
            }),
            Node::Symlink { target, print } => {
                LocalEntry::Symlink(LocalSymlink { fingerprint: *print, target: target.as_str().into() })
            }
            Node::Dir => LocalEntry::Dir {
                holds_ignored: self
                    .disk
                    .iter()
                    .any(|(below, node)| below.parent().as_ref() == Some(path) && ignored(below, node)),
            },
            Node::Special => LocalEntry::Special,
            Node::Unreadable => LocalEntry::Unreadable(Unreadable::Failed("refused".into())),
            Node::Mount => LocalEntry::Unreadable(Unreadable::Mount),
        };
        LocalTree {
            entries: self
                .disk
                .iter()
                .filter(|(path, node)| !ignored(path, node))
                .map(|(path, node)| (path.clone(), entry(path, node)))
                .collect(),
            unnameable: Vec::new(),
        }
    }

    /// Returns what a listing sees.
    pub(super) fn list(&self) -> RemoteTree {
        RemoteTree::build(&self.context.prefix, self.bucket.keys().map(|key| self.listed(key)))
    }

    pub(super) fn listed(&self, key: &str) -> RemoteObject {
        let object = &self.bucket[key];
        RemoteObject {
            key: ObjectKey::new(key),
            size: object.content.len() as u64,
            etag: object.etag.clone(),
            last_modified: object.last_modified,
        }
    }

    /// Plans with what is known.
    pub(super) fn plan_once(&self) -> Plan {
        let (local, remote) = (self.scan(), self.list());
        let input = Input {
            baseline: &self.baseline,
            local: &local,
            remote: &remote,
            facts: &self.facts,
            context: &self.context,
        };
        let plan = reconcile(input);
        assert_eq!(plan, reconcile(input), "the same input gives the same plan");
        plan
    }

    /// Plans, answering every question truly.
    pub(super) fn plan(&mut self) -> Plan {
        for _ in 0..6 {
            let plan = self.plan_once();
            if plan.examine.is_empty() {
                return plan;
            }
            for need in &plan.examine {
                self.answer(need);
            }
        }
        panic!("the planner never stops asking: {:?}", self.plan_once().examine);
    }

    pub(super) fn answer(&mut self, need: &Examine) {
        match need {
            Examine::LocalHash { disk } => {
                let read_time_ns = self.tick();
                let Node::File { content, print, .. } = &self.disk[disk] else {
                    panic!("only files have hashes: {disk}");
                };
                let digest = Digest::of(content.as_bytes());
                self.facts.learn_local(disk.clone(), LocalFact { fingerprint: *print, digest, read_time_ns });
            }
            Examine::Head { key } => {
                let object = &self.bucket[key.as_str()];
                let head = self.head(object);
                self.facts.learn_head(key.clone(), object.last_modified, head);
            }
            Examine::Content { key } => {
                let object = &self.bucket[key.as_str()];
                let digest = Digest::of(object.content.as_bytes());
                self.facts.learn_content(key.clone(), object.etag.clone(), digest);
            }
        }
    }

    fn head(&self, object: &Object) -> ObjectHead {
        let digest = Digest::of(object.content.as_bytes());
        ObjectHead {
            etag: object.etag.clone(),
            last_modified: object.last_modified,
            size: digest.size,
            version_id: None,
            crc64nvme: (self.tags == Tags::Checksummed).then_some(digest.crc64nvme),
            etag_is_md5: self.tags == Tags::Md5,
            metadata: Metadata {
                mtime_ns: object.mtime_ns,
                executable: object.executable,
                symlink: object.symlink,
                base: object.base.clone(),
            },
        }
    }

    /// Returns what the disk holds, by path.
    pub(super) fn local_view(&self) -> BTreeMap<String, String> {
        let mut view = BTreeMap::new();
        for (place, node) in &self.disk {
            if self.context.rules.is_ignored(place.as_str(), *node == Node::Dir) {
                continue;
            }
            let mapped = self.baseline.files.iter().find(|(_, row)| row.disk == *place);
            let path = mapped.map_or_else(|| rel(place.as_str()), |(path, _)| path.clone());
            match node {
                Node::File { content, .. } => view.insert(path.to_string(), content.clone()),
                Node::Symlink { target, .. } => view.insert(path.to_string(), format!("->{target}")),
                Node::Dir if self.baseline.dirs.get(&path).is_some_and(|row| row.kept) => None,
                Node::Dir => view.insert(format!("{}/", rel(place.as_str())), String::new()),
                Node::Special | Node::Unreadable | Node::Mount => None,
            };
        }
        view
    }

    /// Returns what the bucket holds, by path; directories that only keys imply are there.
    pub(super) fn remote_view(&self) -> BTreeMap<String, String> {
        let mut view = BTreeMap::new();
        for (key, object) in &self.bucket {
            let path = match self.context.prefix.place(&ObjectKey::new(key.as_str())) {
                Some(Place::File(path)) if self.context.rules.is_ignored(path.as_str(), false) => continue,
                Some(Place::File(path)) => {
                    let content =
                        if object.symlink { format!("->{}", object.content) } else { object.content.clone() };
                    view.insert(path.to_string(), content);
                    path
                }
                Some(Place::Directory(path)) => {
                    view.insert(format!("{path}/"), String::new());
                    path
                }
                Some(Place::Root | Place::Reserved | Place::Invalid(_)) | None => continue,
            };
            for above in path.ancestors() {
                view.insert(format!("{above}/"), String::new());
            }
        }
        view
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
