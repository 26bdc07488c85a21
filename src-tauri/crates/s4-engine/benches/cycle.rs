//! What a cycle with nothing to do is made of, each part alone: `cargo bench --package s4-engine`.
//!
//! - 100,000 files in 1,000 directories, all settled: loading the baseline, scanning the folder, reconciling.
//! - What a cycle does of that, with 100,000 and 1,000,000 files: leaving out what is settled while the rows are read,
//!   and reconciling the rest.
//! - Everything is made before the clock runs. What is measured is checked once: a plan with steps, or a scan that saw
//!   less, would be fast for a wrong reason.

use std::path::Path;
use std::sync::Arc;

use divan::Bencher;
use s4_core::baseline::{Baseline, DirRow, FileRow, RowContent, RowLastModified};
use s4_core::capabilities::Capabilities;
use s4_core::context::{ConflictPolicy, ConflictStamp, Context, DeleteLimits, GuardHistory};
use s4_core::digest::Digest;
use s4_core::facts::Facts;
use s4_core::focus::{Focused, LocalEntries, RemoteEntries, Seen, focus};
use s4_core::key::Prefix;
use s4_core::local::{FileId, Fingerprint, LocalEntry, LocalFile, LocalTree};
use s4_core::path::{DiskPath, RelPath};
use s4_core::plan::RowChange;
use s4_core::reconcile::{Input, reconcile};
use s4_core::remote::{ETag, RemoteObject, RemoteTree, UnixMillis};
use s4_core::rules::Rules;
use s4_core::traits::DiskTraits;
use s4_engine::db::sqlite::open;
use s4_engine::db::{Binding, Commit, Outline, StateDb};
use s4_local::folder::{Folder, Mounts};
use s4_local::real::RealDisk;
use s4_local::scan::IgnoreNothing;

const DIRECTORIES: u64 = 1_000;
const FILES_IN_EACH: u64 = 100;
const FILES: u64 = DIRECTORIES * FILES_IN_EACH;
/// Long before every read, so that no stamp is too fresh.
const WRITTEN_NS: i64 = 1_700_000_000_000_000_000;

fn main() {
    divan::main();
}

/// Returns the directories, and the files in them, in order.
fn names() -> impl Iterator<Item = (String, Vec<String>)> {
    (0..DIRECTORIES).map(|directory| {
        let name = format!("photos {directory:04}");
        let files = (0..FILES_IN_EACH).map(|file| format!("{name}/picture {file:04}.jpg")).collect();
        (name, files)
    })
}

/// Three trees that agree on everything.
struct Settled {
    rows: Vec<RowChange>,
    baseline: Baseline,
    local: LocalTree,
    remote: RemoteTree,
    context: Context,
}

impl Settled {
    fn new() -> Self {
        let prefix = Prefix::new("prefix");
        let (mut rows, mut entries, mut objects) = (Vec::new(), Vec::new(), Vec::new());
        for (directory, files) in names() {
            entries.push((DiskPath::new(directory), LocalEntry::Dir { holds_ignored: false }));
            for name in files {
                let path = RelPath::parse(&name).expect("the name is a path");
                let row = row(&prefix, &path, entries.len() as u64);
                let file = LocalFile { fingerprint: row.fingerprint, executable: false };
                entries.push((row.disk.clone(), LocalEntry::File(file)));
                objects.push(RemoteObject {
                    key: row.key.clone(),
                    size: row.size(),
                    etag: row.etag.clone(),
                    last_modified: UnixMillis(0),
                });
                rows.push(RowChange::File(path, Box::new(row)));
            }
        }
        let local = LocalTree { entries: entries.into_iter().collect(), ..LocalTree::default() };
        let remote = RemoteTree::build(&prefix, objects);
        let mut settled =
            Self { rows, baseline: Baseline::default(), local, remote, context: context(prefix) };
        settled.agree();
        settled
    }

    /// Takes every row into the baseline, those of directories as the planner itself asks for them.
    fn agree(&mut self) {
        self.baseline.files = self.rows.iter().filter_map(file_row).collect();
        let dirs = reconcile(self.input(&Facts::default())).rows;
        self.baseline.dirs = dirs
            .iter()
            .filter_map(|change| match change {
                RowChange::Dir(path, row) => Some((path.clone(), row.clone())),
                _ => None,
            })
            .collect();
        self.rows.extend(dirs);
        let plan = reconcile(self.input(&Facts::default()));
        assert!(
            plan.steps.is_empty() && plan.examine.is_empty() && plan.rows.is_empty(),
            "nothing is to be done"
        );
    }

    fn input<'a>(&'a self, facts: &'a Facts) -> Input<'a> {
        Input {
            baseline: &self.baseline,
            local: &self.local,
            remote: &self.remote,
            facts,
            context: &self.context,
        }
    }
}

fn file_row(change: &RowChange) -> Option<(RelPath, FileRow)> {
    match change {
        RowChange::File(path, row) => Some((path.clone(), FileRow::clone(row))),
        _ => None,
    }
}

fn row(prefix: &Prefix, path: &RelPath, id: u64) -> FileRow {
    let digest = Digest::of(path.as_str().as_bytes());
    FileRow {
        key: prefix.file_key(path),
        disk: DiskPath::new(path.as_str()),
        content: RowContent::File { digest, executable: false },
        fingerprint: Fingerprint {
            size: digest.size,
            mtime_ns: WRITTEN_NS,
            ctime_ns: Some(WRITTEN_NS),
            birth_ns: Some(WRITTEN_NS),
            file_id: FileId(id),
        },
        read_time_ns: WRITTEN_NS + 60_000_000_000,
        etag: ETag::new(&format!("{id:032x}")),
        last_modified: RowLastModified::Known(UnixMillis(0)),
        version_id: None,
        own_write: true,
    }
}

fn binding(prefix: &Prefix) -> Binding {
    Binding {
        endpoint: "http://store".to_owned(),
        bucket: "bucket".to_owned(),
        prefix: prefix.as_str().to_owned(),
        root_id: "root".to_owned(),
    }
}

fn context(prefix: Prefix) -> Context {
    Context {
        disk: DiskTraits::LINUX,
        store: Capabilities::FULL,
        prefix,
        policy: ConflictPolicy::KeepBoth,
        rules: Rules::built_in(),
        prune_ignored: false,
        bucket_trash: false,
        limits: DeleteLimits::Default,
        guard: GuardHistory::default(),
        now: UnixMillis(WRITTEN_NS / 1_000_000),
        stamp: ConflictStamp { date: "2000-01-01".to_owned(), host: "here".to_owned() },
    }
}

#[divan::bench]
fn reconcile_settled(bencher: Bencher<'_, '_>) {
    let settled = Settled::new();
    let facts = Facts::default();
    bencher.bench(|| reconcile(settled.input(&facts)));
}

#[divan::bench]
fn load_baseline(bencher: Bencher<'_, '_>) {
    let place = tempfile::tempdir().expect("a directory can be made");
    let settled = Settled::new();
    let db = open(&place.path().join("state.db"), settled.context.now).expect("a database can be made").db;
    db.bind(&binding(&settled.context.prefix)).expect("a new database can be bound");
    db.commit(&Commit { rows: settled.rows.clone(), ..Commit::default() }).expect("rows can be kept");
    let load = || db.load(settled.context.now).expect("the baseline can be read").baseline;
    assert_eq!(load(), settled.baseline, "all rows are there");
    bencher.bench(load);
}

#[divan::bench]
fn scan_folder(bencher: Bencher<'_, '_>) {
    let place = tempfile::tempdir().expect("a directory can be made");
    fill(place.path());
    let disk = Arc::new(RealDisk::open(place.path()).expect("the folder can be opened"));
    let folder = Folder::open(disk, Mounts::Stay).expect("the folder can be laid out");
    let scan = || folder.scan(&IgnoreNothing).expect("the folder can be scanned").entries;
    assert_eq!(scan().len() as u64, DIRECTORIES + FILES, "everything is seen");
    bencher.bench(scan);
}

/// From the database and what both sides showed to an empty plan.
#[divan::bench(args = [100_000, 1_000_000], sample_count = 5)]
fn focus_and_reconcile_settled(bencher: Bencher<'_, '_>, files: u64) {
    let place = tempfile::tempdir().expect("a directory can be made");
    let context = context(Prefix::new("prefix"));
    let db = open(&place.path().join("state.db"), context.now).expect("a database can be made").db;
    db.bind(&binding(&context.prefix)).expect("a new database can be bound");
    let mut local = LocalEntries::default();
    let mut remote = RemoteEntries::new(context.prefix.clone());
    for directory in 0..files / FILES_IN_EACH {
        let name = format!("photos {directory:05}");
        let path = RelPath::parse(&name).expect("the name is a path");
        let dir = DirRow { disk: DiskPath::from(&path), marker: None, kept: false };
        let mut rows = vec![RowChange::Dir(path, dir)];
        let mut page = Vec::new();
        local.push(&name, &LocalEntry::Dir { holds_ignored: false });
        for file in 0..FILES_IN_EACH {
            let path = RelPath::parse(&format!("{name}/picture {file:04}.jpg")).expect("the name is a path");
            let row = row(&context.prefix, &path, directory * FILES_IN_EACH + file);
            let entry = LocalFile { fingerprint: row.fingerprint, executable: false };
            local.push(path.as_str(), &LocalEntry::File(entry));
            page.push(RemoteObject {
                key: row.key.clone(),
                size: row.size(),
                etag: row.etag.clone(),
                last_modified: UnixMillis(0),
            });
            rows.push(RowChange::File(path, Box::new(row)));
        }
        remote.add(page);
        db.commit(&Commit { rows, ..Commit::default() }).expect("rows can be kept");
    }
    remote.sort();
    let look = || {
        let Outline { dirs, facts, .. } = db.outline(context.now).expect("the outline can be read");
        let seen = Seen { local: &local, remote: &remote, disk: &context.disk };
        let focused = focus(seen, dirs, |visit| db.each_file(visit)).expect("the rows can be read");
        let Focused { baseline, local, remote, .. } = &focused;
        let plan = reconcile(Input { baseline, local, remote, facts: &facts, context: &context });
        assert!(plan.is_empty() && baseline.tracked() == files, "nothing is to be done");
    };
    bencher.bench(look);
}

fn fill(folder: &Path) {
    for (directory, files) in names() {
        std::fs::create_dir(folder.join(directory)).expect("a directory can be made");
        for name in files {
            std::fs::write(folder.join(name), "x").expect("a file can be written");
        }
    }
}
