//! Another program acts in every single moment of a swap: what it wrote survives, and so does what it did not touch.

use std::sync::Arc;

use s4_core::local::LocalEntry;
use s4_core::traits::DiskTraits;
use s4_local::batch::{Batch, SwapError};
use s4_local::disk::Disk;
use s4_local::faulty::FaultyDisk;
use s4_local::folder::Folder;
use s4_local::memory::MemoryDisk;
use s4_local::trash::{LateWriter, TrashedEntry};

use super::world::{Crash, MemoryWorld, RealWorld, path, try_stage};

/// What stood at `d/a` and `d/other` when the swap was planned.
struct Planned {
    a: LocalEntry,
    other: Option<LocalEntry>,
}

/// A swap of `d/a`; returns what went to trash.
type Swap = fn(&Folder, &Batch, &Planned) -> Result<Option<TrashedEntry>, SwapError>;

const SWAPS: &[(&str, Swap)] = &[
    ("replace", |folder, batch, planned| {
        let mut staged = try_stage(folder, "d/a", "new")?;
        Ok(Some(batch.replace(&mut staged, &path("d/a"), &planned.a)?.trashed))
    }),
    ("remove", |_, batch, planned| Ok(Some(batch.remove(&path("d/a"), &planned.a)?))),
    ("keep both", |folder, batch, planned| {
        let mut staged = try_stage(folder, "d/a", "new")?;
        batch.replace_keeping(&mut staged, &path("d/a"), &planned.a, &path("d/b"))?;
        Ok(None)
    }),
    ("rename", |_, batch, planned| {
        batch.rename(&path("d/a"), &planned.a, &path("d/b"))?;
        Ok(None)
    }),
    ("change the case", |_, batch, planned| {
        batch.rename(&path("d/a"), &planned.a, &path("d/A"))?;
        Ok(None)
    }),
    ("exchange", |_, batch, planned| {
        let changed = || SwapError::Changed { path: path("d/other") };
        let other = planned.other.as_ref().ok_or_else(changed)?;
        batch.exchange_entries(&path("d/a"), &planned.a, &path("d/other"), other)?;
        Ok(None)
    }),
    ("create", |folder, batch, _| {
        batch.create(&mut try_stage(folder, "d/b", "new")?, &path("d/b"))?;
        Ok(None)
    }),
];

/// What the other program does; it always leaves the bytes `edit` somewhere.
type Writer = fn(&MemoryDisk);

/// Every way to save a file.
const WRITERS: &[(&str, Writer)] = &[
    ("writes in place", |disk| disk.write("d/a", b"edit")),
    ("saves by rename", |disk| disk.save("d/a", b"edit")),
    ("writes in place, mtime as before", |disk| {
        disk.write("d/a", b"edit");
        disk.touch("d/a", 1_700_000_000_001_000_000);
    }),
    ("takes the other name", |disk| disk.write("d/b", b"edit")),
    ("saves over both", |disk| {
        disk.save("d/a", b"edit");
        disk.save("d/b", b"edit");
    }),
    ("moves it away and saves another", |disk| {
        disk.move_over("d/a", "d/elsewhere");
        disk.write("d/a", b"edit");
    }),
    ("replaces it by a directory", |disk| {
        disk.delete("d/a");
        disk.write("d/a/inside", b"edit");
    }),
];

fn disks() -> [DiskTraits; 4] {
    let plain = DiskTraits { has_exchange: false, ..DiskTraits::LINUX };
    [
        DiskTraits::LINUX,
        plain.clone(),
        DiskTraits { case_sensitive: false, ..DiskTraits::LINUX },
        DiskTraits { case_sensitive: false, ..plain },
    ]
}

const FILES: &[(&str, &str)] = &[("d/a", "old!"), ("d/other", "other")];

fn planned(folder: &Folder) -> Planned {
    let look = |name| folder.look(&path(name)).unwrap();
    Planned { a: look("d/a").unwrap(), other: look("d/other") }
}

/// Ends a swap as the engine does: rescues what was parked, checks for late writers, resolves what is open.
fn finish(world: &MemoryWorld, batch: &Batch, outcome: Result<Option<TrashedEntry>, SwapError>) {
    let mut trashed = Vec::new();
    match outcome {
        Ok(entry) => trashed.extend(entry),
        Err(SwapError::Parked { kept, intent }) => {
            world.rescue(batch, &kept).unwrap();
            world.intents.clear([intent]);
        }
        Err(_) => {}
    }
    world.commit(batch).unwrap();
    trashed.extend(world.recover().unwrap());
    for entry in trashed {
        if batch.folder().late_writer(&entry).unwrap() == LateWriter::Changed {
            world.rescue(batch, &entry).unwrap();
        }
    }
}

#[test]
fn t40_what_another_program_wrote_in_any_moment_is_visible_afterwards() {
    let (mut races, mut hidden) = (0, 0);
    for traits in disks() {
        for (swap_name, swap) in SWAPS {
            for (writer_name, writer) in WRITERS {
                for moment in 0.. {
                    let world = MemoryWorld::new(traits.clone(), FILES);
                    let folder = world.folder();
                    let planned = planned(&folder);
                    let disk = world.disk.clone();
                    world.disk.race_after(moment, move || writer(&disk));
                    let batch = world.batch(&folder);
                    let outcome = swap(&folder, &batch, &planned);
                    if world.disk.call_off_race() {
                        break;
                    }
                    finish(&world, &batch, outcome);
                    let visible = world.visible();
                    let context = format!("{swap_name}, {writer_name} before call {moment}, {traits:?}");
                    let is_visible = visible.values().any(|content| content == "edit");
                    // Between the last look and the rename not even a stamp tells; then it stands in trash.
                    let lied = writer_name.contains("mtime")
                        && world.trash().values().any(|content| content == "edit");
                    hidden += u64::from(!is_visible);
                    assert!(is_visible || lied, "{context}: {visible:?}");
                    // After an exchange a write to the one name meets the other's file: that is the writer's doing.
                    let is_kept = visible.values().any(|content| content == "other");
                    assert!(is_kept || *swap_name == "exchange", "{context}: {visible:?}");
                    assert_eq!(world.intents.open(), [], "{context}");
                    assert_eq!(world.partials(), [""; 0], "{context}");
                    races += 1;
                }
            }
        }
    }
    assert!(races > 1000, "only {races} races");
    assert!(
        hidden <= 8,
        "{hidden} of {races} lies were believed: one moment for each disk and swap to trash"
    );
}

#[test]
fn a_write_in_any_moment_survives_a_crash_in_any_later_one() {
    for traits in disks() {
        for (swap_name, swap) in &SWAPS[..5] {
            for (writer_name, writer) in &WRITERS[..2] {
                for moment in 0.. {
                    let is_over = race_and_crash(&traits, *swap, *writer, moment, &|world, at| {
                        let visible = world.visible();
                        let context = format!(
                            "{swap_name}, {writer_name} before call {moment}, crash before {at}, {traits:?}"
                        );
                        assert!(visible.values().any(|content| content == "edit"), "{context}: {visible:?}");
                        assert_eq!(world.intents.open(), [], "{context}");
                    });
                    if is_over {
                        break;
                    }
                }
            }
        }
    }
}

/// Races in one moment and crashes before every later change; returns whether the moment never came.
fn race_and_crash(
    traits: &DiskTraits,
    swap: Swap,
    writer: Writer,
    moment: u64,
    judge: &dyn Fn(&MemoryWorld, u64),
) -> bool {
    for at in 0.. {
        let world = MemoryWorld::new(traits.clone(), FILES);
        let folder = world.folder();
        let planned = planned(&folder);
        let disk = world.disk.clone();
        world.disk.race_after(moment, move || {
            writer(&disk);
            disk.crash_after(at);
        });
        let batch = world.batch(&folder);
        let outcome = swap(&folder, &batch, &planned);
        if world.disk.call_off_race() {
            return true;
        }
        let was_crashed = world.disk.is_crashed();
        world.restart(Crash::Reboot);
        // What the interrupted run knew of trash and parking is gone with it.
        let outcome = if was_crashed { Err(SwapError::Changed { path: path("d/a") }) } else { outcome };
        finish(&world, &batch, outcome);
        judge(&world, at);
        if !was_crashed {
            return false;
        }
    }
    false
}

#[test]
fn a_program_that_holds_the_file_open_writes_into_a_conflict_copy() {
    for traits in disks() {
        for (swap_name, swap) in &SWAPS[..3] {
            let world = MemoryWorld::new(traits.clone(), FILES);
            let held = world.disk.hold_open("d/a");
            let folder = world.folder();
            let batch = world.batch(&folder);
            let trashed = swap(&folder, &batch, &planned(&folder)).unwrap();
            held.append(b" and late").unwrap();
            finish(&world, &batch, Ok(trashed));
            held.append(b", and later").unwrap();
            let visible = world.visible();
            let context = format!("{swap_name} {visible:?}");
            assert!(visible.values().any(|content| content == "old! and late, and later"), "{context}");
        }
    }
}

#[test]
fn on_the_real_disk_a_save_at_any_step_survives() {
    let steps = [
        "replace:before-exchange",
        "replace:exchanged",
        "replace:trashed",
        "replace:done",
        "remove:before",
        "remove:parked",
        "intent:before-record",
        "intent:recorded",
    ];
    let swaps: [(&str, Swap); 2] = [SWAPS[0], SWAPS[1]];
    for step in steps {
        for (swap_name, swap) in swaps {
            let root = Arc::new(std::sync::OnceLock::<std::path::PathBuf>::new());
            let for_hook = root.clone();
            let world = RealWorld::with(|disk| {
                let faulty = FaultyDisk::new(disk);
                faulty.on_step(move |name| {
                    if let Some(root) = for_hook.get().filter(|_| name == step) {
                        std::fs::write(root.join("d/.save"), "edit").unwrap();
                        std::fs::rename(root.join("d/.save"), root.join("d/a")).unwrap();
                    }
                });
                Arc::new(faulty) as Arc<dyn Disk>
            });
            std::fs::create_dir(world.file("d")).unwrap();
            world.write("d/a", "old");
            let batch = world.batch();
            let planned = planned(&world.folder);
            root.set(world.file("")).unwrap();
            let outcome = swap(&world.folder, &batch, &planned);
            if let Err(SwapError::Parked { kept, .. }) = &outcome {
                batch.rescue(&kept.place, &path("d/rescued")).unwrap();
            }
            let mut contents = std::fs::read_dir(world.file("d"))
                .unwrap()
                .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap());
            let never_reached = !step.starts_with(swap_name) && !step.starts_with("intent");
            assert!(
                never_reached || contents.any(|content| content == "edit"),
                "{swap_name} at {step}: {outcome:?}"
            );
        }
    }
}

#[test]
fn on_the_real_disk_a_held_descriptor_writes_into_a_conflict_copy() {
    use std::io::Write;

    let world = RealWorld::new();
    let old = world.write("a", "old");
    let mut held = std::fs::OpenOptions::new().append(true).open(world.file("a")).unwrap();
    let batch = world.batch();
    let replaced = batch.replace(&mut world.stage("a", "new"), &path("a"), &old).unwrap();
    assert_eq!(world.folder.late_writer(&replaced.trashed).unwrap(), LateWriter::Unchanged);
    held.write_all(b" and late").unwrap();
    assert_eq!(world.folder.late_writer(&replaced.trashed).unwrap(), LateWriter::Changed);
    batch.rescue(&replaced.trashed.place, &path("a (conflict)")).unwrap();
    held.write_all(b", and later").unwrap();
    assert_eq!(world.read("a (conflict)"), "old and late, and later");
    assert_eq!(world.read("a"), "new");
    assert_eq!(world.folder.late_writer(&replaced.trashed).unwrap(), LateWriter::Gone);
}
