//! Stamps that lie: an edit in the tick of the last read leaves size, mtime and ctime as they were.

use std::sync::Arc;

use s4_core::capabilities::{Capabilities, Versioning};
use s4_core::path::DiskPath;
use s4_local::disk::Disk;
use s4_store::memory::MemoryStore;

use super::world::{Replica, WorldClock, bucket, memory_store};

/// Makes a computer whose disk gives every change the same stamps until time is told again.
fn still(name: &str, store: &MemoryStore, clock: &WorldClock) -> Replica {
    let replica = Replica::new(name, Arc::new(store.clone()), Capabilities::FULL, clock);
    replica.disk.set_tick(0);
    replica
}

/// Changes a file in place, within the tick.
fn edit(replica: &Replica, content: &[u8]) {
    let fingerprint = || replica.disk.lstat(&DiskPath::new("a.txt")).unwrap().unwrap().fingerprint;
    let before = fingerprint();
    replica.disk.write("a.txt", content);
    assert_eq!(fingerprint(), before, "the edit shows in no stamp");
}

#[tokio::test]
async fn t24_an_edit_in_the_tick_of_its_upload_is_found() {
    let clock = WorldClock::new();
    let store = memory_store(Versioning::Enabled, &clock);
    let laptop = still("laptop", &store, &clock);
    laptop.disk.write("a.txt", b"aaaa");
    laptop.sync().await.unwrap();
    for content in [b"bbbb", b"cccc"] {
        edit(&laptop, content);
        laptop.sync().await.unwrap();
        assert_eq!(bucket(&store)["a.txt"], content);
    }
    // What was hashed once its tick was over is not read again.
    clock.advance(60_000);
    laptop.tell_time();
    laptop.sync().await.unwrap();
    let report = laptop.sync().await.unwrap();
    assert!(report.done.is_empty() && report.examined.hashes == 0, "{report:?}");
}

#[tokio::test]
async fn t24_an_edit_in_the_tick_of_its_download_is_found() {
    let clock = WorldClock::new();
    let store = memory_store(Versioning::Enabled, &clock);
    let (laptop, desktop) = (still("laptop", &store, &clock), still("desktop", &store, &clock));
    // Its mtime is the desktop's present too, so that no stamp of the download is older than its edit.
    laptop.disk.write("a.txt", b"aaaa");
    laptop.sync().await.unwrap();
    desktop.sync().await.unwrap();
    edit(&desktop, b"bbbb");
    desktop.sync().await.unwrap();
    assert_eq!(bucket(&store)["a.txt"], b"bbbb");
}
