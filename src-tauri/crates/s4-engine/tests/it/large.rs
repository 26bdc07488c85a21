//! Large files: sent by parts, fetched by ranges, gone on with after whatever broke a run off.

use std::sync::Arc;

use s4_core::capabilities::{Capabilities, Versioning};
use s4_core::key::ObjectKey;
use s4_core::path::DiskPath;
use s4_engine::db::{OpenUpload, StateDb};
use s4_local::disk::{Disk, EntryName};
use s4_store::faulty::{Fault, FaultyStore, Operation, Rule};
use s4_store::memory::{MemoryStore, OutsideWrite};
use s4_store::store::{ObjectAttributes, Store, UploadId};

use super::world::{Replica, WorldClock, bucket, memory_store};

const MIB: usize = 1 << 20;
const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

/// A computer with a store that can be made to fail, and that counts what it is asked.
pub(super) struct One {
    pub(super) clock: WorldClock,
    pub(super) store: MemoryStore,
    pub(super) faulty: FaultyStore<MemoryStore>,
    pub(super) replica: Replica,
}

impl One {
    pub(super) fn new() -> Self {
        Self::on(Capabilities::FULL)
    }

    /// Begins with a store of which this much is known.
    pub(super) fn on(capabilities: Capabilities) -> Self {
        let clock = WorldClock::new();
        let store = memory_store(Versioning::Enabled, &clock);
        let faulty = FaultyStore::obedient(store.clone());
        let replica = Replica::new("laptop", Arc::new(faulty.clone()), capabilities, &clock);
        Self { clock, store, faulty, replica }
    }

    pub(super) fn pass(&self, milliseconds: i64) {
        self.clock.advance(milliseconds);
        self.replica.tell_time();
    }

    /// Fails requests of a kind after the first `count`, as if the network had gone.
    pub(super) fn lose_network_after(&self, operation: Operation, count: u32) {
        self.faulty.add_rule(Rule::new(operation, Fault::Offline).of("p/large").after(count));
    }

    /// Runs into the fault, and mends it.
    pub(super) async fn is_broken_off(&self) {
        self.replica.sync().await.unwrap_err();
        self.faulty.calm();
        self.pass(MINUTE);
    }

    /// Syncs, and returns how many requests of a kind that took.
    pub(super) async fn requests_of_sync(&self, operation: Operation) -> usize {
        // A fault that only delays, so that each request leaves a trace.
        self.faulty.add_rule(Rule::new(operation, Fault::Yields(0)).of("p/large"));
        let before = self.faulty.trace().len();
        self.replica.sync().await.unwrap();
        let count = self.faulty.trace().len() - before;
        self.faulty.calm();
        count
    }

    pub(super) async fn uploads_under_way(&self) -> usize {
        self.store.pending_uploads("").await.unwrap().len()
    }

    pub(super) fn partials(&self) -> usize {
        let mut count = 0;
        let directory = DiskPath::new(".s4/partial");
        let visit = &mut |item: s4_local::disk::DirItem| {
            count += usize::from(matches!(item.name, EntryName::Text(_)));
        };
        self.replica.disk.read_dir(&directory, visit).unwrap();
        count
    }

    #[track_caller]
    pub(super) fn has_in_bucket(&self, expected: &[u8]) {
        assert!(bucket(&self.store)["large"] == expected, "the object differs");
    }

    #[track_caller]
    pub(super) fn has_on_disk(&self, expected: &[u8]) {
        assert!(self.replica.disk.read("large").unwrap() == expected, "the file differs");
    }

    /// Puts an object there that another computer sent.
    pub(super) async fn is_given(&self, content: &[u8]) {
        let other = Replica::new("desktop", Arc::new(self.store.clone()), Capabilities::FULL, &self.clock);
        other.disk.write("large", content);
        other.sync().await.unwrap();
    }
}

/// Returns content of which no two stretches of 64 KiB are the same.
pub(super) fn content(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut number = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    let block: Vec<u8> = (0..8 << 10).flat_map(|_| number()).collect();
    let mut content = Vec::with_capacity(length + block.len());
    while content.len() < length {
        let start = content.len();
        content.extend_from_slice(&block);
        content[start..start + 8].copy_from_slice(&number());
    }
    content.truncate(length);
    content
}

#[tokio::test]
async fn t59_a_large_file_arrives_as_it_was_and_a_second_run_does_nothing() {
    let one = One::new();
    let large = content(1, 41 * MIB + 7);
    one.is_given(&large).await;
    one.has_in_bucket(&large);
    one.replica.sync().await.unwrap();
    one.has_on_disk(&large);
    assert_eq!((one.uploads_under_way().await, one.partials()), (0, 0));
    let report = one.replica.sync().await.unwrap();
    assert!(report.done.is_empty() && report.examined.hashes == 0, "{report:?}");
}

#[tokio::test]
async fn chunks_of_what_moved_are_remembered_on_both_sides() {
    let one = One::new();
    let large = content(2, 20 * MIB);
    let blake3 = s4_core::digest::Digest::of(&large).blake3;
    let mut chunker = s4_core::chunk::Chunker::new();
    chunker.update(&large);
    let chunks = chunker.finish();
    one.replica.disk.write("large", &large);
    one.replica.sync().await.unwrap();
    assert_eq!(one.replica.db.chunks(&blake3).unwrap().as_ref(), Some(&chunks));
    let other = Replica::new("desktop", Arc::new(one.store.clone()), Capabilities::FULL, &one.clock);
    other.sync().await.unwrap();
    assert_eq!(other.db.chunks(&blake3).unwrap().as_ref(), Some(&chunks));
}

#[tokio::test]
async fn t60_an_upload_that_lost_the_network_is_gone_on_with() {
    let one = One::new();
    let large = content(3, 64 * MIB);
    one.replica.disk.write("large", &large);
    one.lose_network_after(Operation::UploadPart, 5);
    one.is_broken_off().await;
    assert_eq!((one.uploads_under_way().await, bucket(&one.store).len()), (1, 0));
    assert_eq!(one.requests_of_sync(Operation::UploadPart).await, 3);
    one.has_in_bucket(&large);
    assert_eq!(one.uploads_under_way().await, 0);
    assert!(one.replica.db.open_uploads().unwrap().is_empty());
}

#[tokio::test]
async fn a_part_that_is_not_what_is_read_now_is_sent_again() {
    let one = One::new();
    let large = content(4, 40 * MIB);
    one.replica.disk.write("large", &large);
    one.lose_network_after(Operation::UploadPart, 3);
    one.is_broken_off().await;
    let pending = one.store.pending_uploads("").await.unwrap().remove(0);
    let number = one.store.parts(&pending.key, &pending.id).await.unwrap()[0].number;
    let other = content(5, 8 * MIB);
    let crc = s4_core::digest::crc64nvme(&other);
    one.store.upload_part(&pending.key, &pending.id, number, other.into(), crc).await.unwrap();
    assert_eq!(one.requests_of_sync(Operation::UploadPart).await, 3);
    one.has_in_bucket(&large);
}

#[tokio::test]
async fn an_upload_is_begun_anew_when_its_file_changed_or_the_store_forgot_it() {
    let one = One::new();
    one.replica.disk.write("large", &content(6, 40 * MIB));
    one.lose_network_after(Operation::UploadPart, 2);
    one.is_broken_off().await;
    let changed = content(7, 40 * MIB);
    one.replica.disk.write("large", &changed);
    one.lose_network_after(Operation::UploadPart, 2);
    one.is_broken_off().await;
    assert_eq!(one.uploads_under_way().await, 1, "the one for the old content was given up");
    let pending = one.store.pending_uploads("").await.unwrap().remove(0);
    one.store.abort_upload(&pending.key, &pending.id).await.unwrap();
    assert_eq!(one.requests_of_sync(Operation::UploadPart).await, 5);
    one.has_in_bucket(&changed);
    assert_eq!(one.uploads_under_way().await, 0);
}

#[tokio::test]
async fn t60_only_what_no_run_can_go_on_with_is_given_up_and_nothing_of_others() {
    let one = One::new();
    one.replica.disk.write("large", &content(8, 40 * MIB));
    one.replica.disk.write("vanishing", &content(9, 40 * MIB));
    let key = ObjectKey::new("p/from elsewhere");
    let elsewhere = one.store.create_upload(&key, &ObjectAttributes::default()).await.unwrap();
    let copy = ObjectKey::new("p/copy");
    let id = one.store.create_upload(&copy, &ObjectAttributes::default()).await.unwrap();
    let begun = s4_engine::clock::Clock::now(&one.clock);
    let copied = OpenUpload { key: copy, id, source: None, begun };
    one.replica.db.begin_upload(&copied).unwrap();
    one.faulty.add_rule(Rule::new(Operation::UploadPart, Fault::Offline).after(2));
    one.is_broken_off().await;
    let open = one.replica.db.open_uploads().unwrap();
    assert!(!open.is_empty() && open.iter().all(|upload| upload.source.is_some()), "{open:?}");
    one.replica.disk.delete("vanishing");
    // The network goes again before anything is done: only what is useless is given up.
    one.faulty.add_rule(Rule::new(Operation::List, Fault::Offline));
    one.is_broken_off().await;
    let kept = |open: Vec<OpenUpload>| open.iter().all(|upload| upload.key.as_str() == "p/large");
    assert!(kept(one.replica.db.open_uploads().unwrap()));
    one.pass(25 * HOUR);
    one.faulty.add_rule(Rule::new(Operation::List, Fault::Offline));
    one.is_broken_off().await;
    assert!(one.replica.db.open_uploads().unwrap().is_empty(), "a day later nobody waits for it");
    let pending: Vec<UploadId> =
        one.store.pending_uploads("").await.unwrap().into_iter().map(|pending| pending.id).collect();
    assert_eq!(pending, [elsewhere]);
}

#[tokio::test]
async fn t60_a_download_that_lost_the_network_is_gone_on_with() {
    let one = One::new();
    let large = content(10, 88 * MIB);
    one.is_given(&large).await;
    one.lose_network_after(Operation::Get, 10);
    one.is_broken_off().await;
    assert_eq!((one.partials(), one.replica.db.open_downloads().unwrap().len()), (1, 1));
    // The power goes too: what was recorded must be there.
    one.replica.disk.power_cut();
    let gets = one.requests_of_sync(Operation::Get).await;
    assert_eq!(gets, 3, "64 of 88 MiB were safe");
    one.has_on_disk(&large);
    assert_eq!((one.partials(), one.replica.db.open_downloads().unwrap().len()), (0, 0));
}

#[tokio::test]
async fn what_an_earlier_run_fetched_of_another_version_is_of_no_use() {
    let one = One::new();
    one.is_given(&content(11, 80 * MIB)).await;
    one.lose_network_after(Operation::Get, 9);
    one.is_broken_off().await;
    assert_eq!(one.partials(), 1);
    let changed = content(12, 80 * MIB);
    one.store.write_outside(&ObjectKey::new("p/large"), changed.clone(), OutsideWrite::Whole);
    one.pass(MINUTE);
    assert_eq!(one.requests_of_sync(Operation::Get).await, 10);
    one.has_on_disk(&changed);
    assert_eq!((one.partials(), one.replica.db.open_downloads().unwrap().len()), (0, 0));
}

#[tokio::test]
async fn a_partial_that_was_damaged_meanwhile_is_found_by_its_checksum() {
    let one = One::new();
    let large = content(13, 80 * MIB);
    one.is_given(&large).await;
    one.lose_network_after(Operation::Get, 9);
    one.is_broken_off().await;
    let record = one.replica.db.open_downloads().unwrap().remove(0);
    let path = format!(".s4/partial/{}", record.partial);
    let mut damaged = one.replica.disk.read(&path).unwrap();
    damaged[5 * MIB] ^= 1;
    one.replica.disk.write(&path, &damaged);
    assert_eq!(one.requests_of_sync(Operation::Get).await, 2 + 10);
    one.has_on_disk(&large);
    assert_eq!(one.partials(), 0);
}

#[tokio::test]
async fn a_download_that_nobody_goes_on_with_is_forgotten_with_the_trash() {
    let one = One::new();
    one.is_given(&content(14, 72 * MIB)).await;
    one.lose_network_after(Operation::Get, 8);
    one.is_broken_off().await;
    assert_eq!(one.partials(), 1);
    one.store.delete(&ObjectKey::new("p/large"), &s4_store::store::Condition::None).await.unwrap();
    one.replica.disk.write("other", b"keeps both sides from being empty");
    one.replica.sync().await.unwrap();
    assert_eq!(one.partials(), 1, "the object might come back");
    one.pass(31 * 24 * HOUR);
    one.replica.sync().await.unwrap();
    one.replica.sync().await.unwrap();
    assert_eq!((one.partials(), one.replica.db.open_downloads().unwrap().len()), (0, 0));
}
