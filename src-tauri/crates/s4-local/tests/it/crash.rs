//! Power cuts and crashes before every single change of the disk, and again within the recovery.
//!
//! After each: the old or the new state, whole; nothing lost; no intent and no partial left.

use std::collections::BTreeMap;

use s4_core::path::DiskPath;
use s4_core::traits::DiskTraits;
use s4_local::batch::{Batch, SwapError};
use s4_local::folder::Folder;
use s4_local::trash::LateWriter;

use super::world::{Crash, MemoryWorld, path, try_stage};

/// One operation, from staging to the commit.
struct Operation {
    name: &'static str,
    files: &'static [(&'static str, &'static str)],
    run: fn(&MemoryWorld, &Folder, &Batch) -> Result<(), SwapError>,
    /// The visible files that may stand afterwards: before, after, and whatever lies between.
    allowed: &'static [&'static [(&'static str, &'static str)]],
}

const OPERATIONS: &[Operation] = &[
    Operation {
        name: "create",
        files: &[("d/x", "x")],
        run: |_, folder, batch| {
            let mut staged = try_stage(folder, "d/a", "new")?;
            batch.create(&mut staged, &path("d/a")).map(|_| ())
        },
        allowed: &[&[("d/x", "x")], &[("d/a", "new"), ("d/x", "x")]],
    },
    Operation {
        name: "replace",
        files: &[("d/a", "old")],
        run: |_, folder, batch| {
            let old = looked(folder, "d/a")?;
            let mut staged = try_stage(folder, "d/a", "new")?;
            batch.replace(&mut staged, &path("d/a"), &old).map(|_| ())
        },
        allowed: &[&[("d/a", "old")], &[("d/a", "new")]],
    },
    Operation {
        name: "remove",
        files: &[("d/a", "old")],
        run: |_, folder, batch| batch.remove(&path("d/a"), &looked(folder, "d/a")?).map(|_| ()),
        allowed: &[&[("d/a", "old")], &[]],
    },
    Operation {
        name: "keep both",
        files: &[("d/a", "old")],
        run: |_, folder, batch| {
            let old = looked(folder, "d/a")?;
            let mut staged = try_stage(folder, "d/a", "new")?;
            batch.replace_keeping(&mut staged, &path("d/a"), &old, &path("d/b")).map(|_| ())
        },
        // After a power cut one inode may have both names; nothing is lost by that.
        allowed: &[&[("d/a", "old")], &[("d/a", "new"), ("d/b", "old")], &[("d/a", "old"), ("d/b", "old")]],
    },
    Operation {
        name: "rename",
        files: &[("d/a", "old"), ("e/x", "x")],
        run: |_, folder, batch| batch.rename(&path("d/a"), &looked(folder, "d/a")?, &path("e/b")).map(|_| ()),
        allowed: &[
            &[("d/a", "old"), ("e/x", "x")],
            &[("e/b", "old"), ("e/x", "x")],
            &[("d/a", "old"), ("e/b", "old"), ("e/x", "x")],
        ],
    },
    Operation {
        name: "rename a directory",
        files: &[("d/f", "old")],
        run: |_, folder, batch| batch.rename(&path("d"), &looked(folder, "d")?, &path("e")).map(|_| ()),
        allowed: &[&[("d/f", "old")], &[("e/f", "old")]],
    },
    Operation {
        name: "change the case",
        files: &[("d/a", "old")],
        run: |_, folder, batch| batch.rename(&path("d/a"), &looked(folder, "d/a")?, &path("d/A")).map(|_| ()),
        allowed: &[&[("d/a", "old")], &[("d/A", "old")], &[("d/A", "old"), ("d/a", "old")]],
    },
    Operation {
        name: "exchange across directories",
        files: &[("d/a", "one"), ("e/b", "two")],
        run: |_, folder, batch| {
            let (left, right) = (looked(folder, "d/a")?, looked(folder, "e/b")?);
            batch.exchange_entries(&path("d/a"), &left, &path("e/b"), &right).map(|_| ())
        },
        // After a power cut between two syncs of a disk without exchange the second name of one blocks the other.
        allowed: &[
            &[("d/a", "one"), ("e/b", "two")],
            &[("d/a", "two"), ("e/b", "one")],
            &[("d/a", "two"), ("e/b", "two"), ("rescued 0", "one")],
        ],
    },
    Operation {
        name: "two renames that cross",
        files: &[("d/a", "one"), ("e/b", "two")],
        run: |_, folder, batch| {
            batch.rename(&path("d/a"), &looked(folder, "d/a")?, &path("e/a"))?;
            batch.rename(&path("e/b"), &looked(folder, "e/b")?, &path("d/b")).map(|_| ())
        },
        allowed: &[
            &[("d/a", "one"), ("e/b", "two")],
            &[("e/a", "one"), ("e/b", "two")],
            &[("d/a", "one"), ("d/b", "two")],
            &[("d/b", "two"), ("e/a", "one")],
        ],
    },
    Operation {
        name: "write into a directory, then rename it",
        files: &[("d/a", "old")],
        run: |_, folder, batch| {
            let old = looked(folder, "d/a")?;
            let mut staged = try_stage(folder, "d/a", "new")?;
            batch.replace(&mut staged, &path("d/a"), &old)?;
            batch.rename(&path("d"), &looked(folder, "d")?, &path("e")).map(|_| ())
        },
        allowed: &[&[("d/a", "old")], &[("d/a", "new")], &[("e/a", "old")], &[("e/a", "new")]],
    },
    Operation {
        name: "exchange",
        files: &[("d/a", "one"), ("d/b", "two")],
        run: |_, folder, batch| {
            let (left, right) = (looked(folder, "d/a")?, looked(folder, "d/b")?);
            batch.exchange_entries(&path("d/a"), &left, &path("d/b"), &right).map(|_| ())
        },
        allowed: &[&[("d/a", "one"), ("d/b", "two")], &[("d/a", "two"), ("d/b", "one")]],
    },
];

fn looked(folder: &Folder, name: &str) -> Result<s4_core::local::LocalEntry, SwapError> {
    let changed = || SwapError::Changed { path: DiskPath::new(name) };
    folder.look(&path(name))?.ok_or_else(changed)
}

/// Every kind of disk that takes another way through the swaps.
fn kinds_of_disk() -> [DiskTraits; 4] {
    let plain = DiskTraits { has_exchange: false, ..DiskTraits::LINUX };
    [
        DiskTraits::LINUX,
        plain.clone(),
        DiskTraits { case_sensitive: false, ..DiskTraits::LINUX },
        DiskTraits { case_sensitive: false, ..plain },
    ]
}

/// Runs an operation and crashes before change `at`; returns `None` if it was complete before.
fn crashed(operation: &Operation, traits: &DiskTraits, at: u64, settled: Option<u64>) -> Option<MemoryWorld> {
    let world = MemoryWorld::new(traits.clone(), operation.files);
    let folder = world.folder();
    world.disk.crash_after(at);
    if let Some(settled) = settled {
        world.disk.settle_after(settled);
    }
    let batch = world.batch(&folder);
    let outcome = (operation.run)(&world, &folder, &batch).and_then(|()| world.commit(&batch));
    match outcome {
        Ok(()) => None,
        Err(error) => {
            assert!(world.disk.is_crashed(), "{}: {error}", operation.name);
            Some(world)
        }
    }
}

/// Recovers. Nobody wrote meanwhile, so nothing in trash may look as if somebody had.
#[track_caller]
fn recover(world: &MemoryWorld, context: &str) {
    for entry in world.recover().unwrap() {
        let found = world.folder().late_writer(&entry).unwrap();
        assert_eq!(found, LateWriter::Unchanged, "{context}: {entry:?}");
    }
}

#[track_caller]
fn judge(operation: &Operation, world: &MemoryWorld, context: &str) {
    let (mut visible, trash) = (world.visible(), world.trash());
    // Rescued twice, by two recoveries, is as good as once.
    if visible.get("rescued 1").is_some_and(|content| visible.get("rescued 0") == Some(content)) {
        visible.remove("rescued 1");
    }
    let allowed = |state: &&&[(&str, &str)]| {
        let state: BTreeMap<String, String> =
            state.iter().map(|(name, content)| ((*name).to_owned(), (*content).to_owned())).collect();
        state == visible
    };
    assert!(operation.allowed.iter().any(|state| allowed(&state)), "{context}: {visible:?}");
    for (_, content) in operation.files {
        let survives = visible.values().chain(trash.values()).any(|found| found == content);
        assert!(survives, "{context}: {content:?} is lost: {:?}", world.disk.paths());
    }
    assert_eq!(world.intents.open(), [], "{context}");
    assert_eq!(world.partials(), [""; 0], "{context}");
}

#[test]
fn a_crash_before_any_change_leaves_the_old_or_the_new_state() {
    let mut crashes = 0;
    for (operation, traits, crash) in cases() {
        for at in 0.. {
            let Some(world) = crashed(operation, &traits, at, None) else { break };
            world.restart(crash);
            let context = format!("{} {crash:?} before change {at} {traits:?}", operation.name);
            recover(&world, &context);
            judge(operation, &world, &context);
            crashes += 1;
        }
    }
    assert!(crashes > 300, "only {crashes} crashes");
}

#[test]
fn a_power_cut_after_any_commit_of_a_journal_leaves_the_old_or_the_new_state() {
    for operation in OPERATIONS {
        for traits in kinds_of_disk() {
            for at in 0.. {
                if crashed(operation, &traits, at, None).is_none() {
                    break;
                }
                for settled in 0..at {
                    let Some(world) = crashed(operation, &traits, at, Some(settled)) else { break };
                    world.disk.power_cut();
                    let context = format!("{} cut at {at}, journal at {settled} {traits:?}", operation.name);
                    recover(&world, &context);
                    judge(operation, &world, &context);
                }
            }
        }
    }
}

#[test]
fn a_crash_within_the_recovery_is_recovered_too() {
    for (operation, traits, crash) in cases() {
        for at in 0.. {
            if crashed(operation, &traits, at, None).is_none() {
                break;
            }
            for again in 0.. {
                let Some(world) = crashed(operation, &traits, at, None) else { break };
                world.restart(crash);
                world.disk.crash_after(again);
                if world.recover().is_ok() {
                    break;
                }
                world.restart(crash);
                let context = format!("{} {crash:?} before {at}, then {again} {traits:?}", operation.name);
                recover(&world, &context);
                judge(operation, &world, &context);
            }
        }
    }
}

fn cases() -> Vec<(&'static Operation, DiskTraits, Crash)> {
    let mut cases = Vec::new();
    for operation in OPERATIONS {
        for traits in kinds_of_disk() {
            for crash in [Crash::Reboot, Crash::PowerCut] {
                cases.push((operation, traits.clone(), crash));
            }
        }
    }
    cases
}
