//! Any operation of the disk fails by chance, before or after it was made: nothing is lost, and recovery ends it.

use std::sync::Arc;

use s4_core::traits::DiskTraits;
use s4_local::batch::{Batch, SwapError};
use s4_local::error::DiskErrorKind;
use s4_local::faulty::{Fault, FaultyDisk, Operation, When};
use s4_local::folder::{Folder, Mounts};

use super::world::{MemoryWorld, path, try_stage};

type Swap = fn(&Folder, &Batch) -> Result<(), SwapError>;

const FILES: &[(&str, &str)] = &[("d/a", "old"), ("d/b", "other")];

const SWAPS: &[(&str, Swap)] = &[
    ("create", |folder, batch| batch.create(&mut try_stage(folder, "d/c", "new")?, &path("d/c")).map(|_| ())),
    ("replace", |folder, batch| {
        let old = looked(folder, "d/a")?;
        batch.replace(&mut try_stage(folder, "d/a", "new")?, &path("d/a"), &old).map(|_| ())
    }),
    ("keep both", |folder, batch| {
        let old = looked(folder, "d/a")?;
        let mut staged = try_stage(folder, "d/a", "new")?;
        batch.replace_keeping(&mut staged, &path("d/a"), &old, &path("d/k")).map(|_| ())
    }),
    ("remove", |folder, batch| batch.remove(&path("d/a"), &looked(folder, "d/a")?).map(|_| ())),
    ("rename", |folder, batch| batch.rename(&path("d/a"), &looked(folder, "d/a")?, &path("d/k")).map(|_| ())),
    ("change the case", |folder, batch| {
        batch.rename(&path("d/a"), &looked(folder, "d/a")?, &path("d/A")).map(|_| ())
    }),
    ("exchange", |folder, batch| {
        let (left, right) = (looked(folder, "d/a")?, looked(folder, "d/b")?);
        batch.exchange_entries(&path("d/a"), &left, &path("d/b"), &right).map(|_| ())
    }),
];

fn looked(folder: &Folder, name: &str) -> Result<s4_core::local::LocalEntry, SwapError> {
    folder.look(&path(name))?.ok_or(SwapError::Changed { path: path(name) })
}

fn disks() -> [DiskTraits; 3] {
    [
        DiskTraits::LINUX,
        DiskTraits { has_exchange: false, ..DiskTraits::LINUX },
        DiskTraits { has_exchange: false, case_sensitive: false, ..DiskTraits::LINUX },
    ]
}

/// Runs a swap on a disk that `break_it` made faulty, mends the disk, recovers, and judges.
fn survive(traits: &DiskTraits, swap: &(&str, Swap), context: &str, break_it: &dyn Fn(&FaultyDisk)) {
    let world = MemoryWorld::new(traits.clone(), FILES);
    let faulty = Arc::new(FaultyDisk::new(Arc::new(world.disk.clone())));
    let folder = Folder::open(faulty.clone(), Mounts::Stay).unwrap();
    let batch = world.batch(&folder);
    break_it(&faulty);
    let outcome = (swap.1)(&folder, &batch);
    faulty.heal();
    if let Err(SwapError::Parked { kept, intent }) = &outcome {
        world.rescue(&batch, kept).unwrap();
        world.intents.clear([*intent]);
    }
    world.commit(&batch).unwrap();
    world.recover().unwrap();
    let (visible, trash) = (world.visible(), world.trash());
    let context = format!("{} {context} {traits:?}: {outcome:?} {visible:?} {trash:?}", swap.0);
    for (_, content) in FILES {
        assert!(
            visible.values().chain(trash.values()).any(|found| found == content),
            "{content} of {context}"
        );
    }
    let is_there = ["d/a", "d/A", "d/k"].iter().any(|name| visible.contains_key(*name));
    assert!(is_there || (swap.0 == "remove" && outcome.is_ok()), "{context}");
    assert_eq!(world.intents.open(), [], "{context}");
    assert_eq!(world.partials(), [""; 0], "{context}");
}

#[test]
fn any_chance_of_failure_loses_nothing() {
    for traits in disks() {
        for swap in SWAPS {
            for seed in 0..150 {
                survive(&traits, swap, &format!("seed {seed}"), &|disk| disk.by_chance(seed * 7919 + 1, 5));
            }
        }
    }
}

#[test]
fn each_operation_may_fail_before_or_after_it_was_made() {
    let operations = [
        Operation::Lstat,
        Operation::Rename,
        Operation::Exchange,
        Operation::SetStamps,
        Operation::Sync,
        Operation::MakeDir,
        Operation::Create,
        Operation::SyncDir,
    ];
    for traits in disks() {
        for swap in SWAPS {
            for operation in operations {
                for when in [When::Before, When::After] {
                    // The first, the second, … of its kind, below `.s4` and in the tree.
                    for (below, skipped) in
                        [".s4/", "d/"].iter().flat_map(|below| (0..5).map(move |n| (below, n)))
                    {
                        let context = format!("{operation:?} {when:?} {below} {skipped}");
                        survive(&traits, swap, &context, &|disk| {
                            let kind = DiskErrorKind::Other;
                            let fault = Fault { operation, path: (*below).into(), kind, when, times: 1 };
                            disk.fail_after(skipped, fault);
                        });
                    }
                }
            }
        }
    }
}
