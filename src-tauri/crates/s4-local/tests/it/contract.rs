//! The contract, on every disk there is.

use s4_core::traits::{DiskTraits, NameRules};
use s4_local::contract;
use s4_local::disk::Disk;
use s4_local::memory::MemoryDisk;
use s4_local::real::RealDisk;

fn on_real(directory: Option<&std::path::Path>) {
    contract::run(|check| {
        let directory = match directory {
            Some(directory) => tempfile::tempdir_in(directory).unwrap(),
            None => tempfile::tempdir().unwrap(),
        };
        check(&RealDisk::open(directory.path()).unwrap());
    });
}

fn on_memory(traits: &DiskTraits, prepare: fn(&MemoryDisk)) {
    contract::run(|check| {
        let disk = MemoryDisk::new(traits.clone());
        prepare(&disk);
        check(&disk);
    });
}

#[test]
fn the_real_disk_keeps_the_contract() {
    on_real(None);
}

#[test]
fn tmpfs_keeps_the_contract_where_there_is_one() {
    let shared = std::path::Path::new("/dev/shm");
    if shared.is_dir() {
        on_real(Some(shared));
    }
}

#[test]
fn the_disk_in_memory_keeps_the_contract_with_any_traits() {
    on_memory(&DiskTraits::LINUX, |_| {});
    on_memory(&DiskTraits::LINUX, MemoryDisk::reuse_ids);
    on_memory(&DiskTraits { case_sensitive: false, normalizes_unicode: true, ..DiskTraits::LINUX }, |_| {});
    let fat = DiskTraits {
        case_sensitive: false,
        normalizes_unicode: false,
        names: NameRules::Windows,
        has_executable_bit: false,
        has_symlinks: false,
        has_exchange: false,
        granularity_ns: 2_000_000_000,
    };
    on_memory(&fat, |disk| disk.set_resolution(2_000_000_000));
}

#[test]
fn a_probe_tells_the_truth_and_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let disk = RealDisk::open(directory.path()).unwrap();
    let traits = disk.probe(&s4_local::disk::root()).unwrap();
    assert!(traits.has_executable_bit && traits.has_symlinks);
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    #[cfg(target_os = "linux")]
    assert_eq!(traits, DiskTraits::LINUX);
}
