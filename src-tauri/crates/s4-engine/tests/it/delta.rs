//! Large files of which little changed: little moves, and whatever stands in the way, nothing wrong arrives.

use std::collections::BTreeMap;
use std::sync::Arc;

use s4_core::capabilities::{Capabilities, Versioning};
use s4_core::key::ObjectKey;
use s4_engine::db::StateDb;
use s4_store::error::StoreErrorKind;
use s4_store::faulty::{Fault, FaultyStore, Operation, Rule};
use s4_store::memory::{MemoryStore, OutsideWrite};
use s4_store::store::{Condition, ObjectAttributes, Store};

use super::world::{Replica, WorldClock, bucket, memory_store};

const MIB: usize = 1 << 20;
/// Four chunks. The whole is fetched by four ranges of 8 MiB, a chunk by two or three of 4 MiB.
const LARGE: usize = 32 * MIB - 1000;
const DAY: i64 = 24 * 60 * 60 * 1000;

/// Two computers, a bucket that tells what was asked of it, and a file that both have.
struct Two {
    clock: WorldClock,
    store: MemoryStore,
    faulty: FaultyStore<MemoryStore>,
    a: Replica,
    b: Replica,
}

/// Content without repetition.
fn noise(seed: u8, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    blake3::Hasher::new().update(&[seed]).finalize_xof().fill(&mut bytes);
    bytes
}

/// A large file, and the same with something changed in the middle.
fn large() -> (Vec<u8>, Vec<u8>) {
    let old = noise(1, LARGE);
    let mut new = old.clone();
    new[LARGE / 2..][..8].copy_from_slice(b"changed!");
    (old, new)
}

impl Two {
    fn with(capabilities: Capabilities) -> Self {
        let clock = WorldClock::new();
        let store = memory_store(capabilities.versioning, &clock);
        let faulty = FaultyStore::obedient(store.clone());
        let a = Replica::new("laptop", Arc::new(faulty.clone()), capabilities.clone(), &clock);
        let b = Replica::new("desktop", Arc::new(faulty.clone()), capabilities, &clock);
        Self { clock, store, faulty, a, b }
    }

    /// Both have `x` with this content.
    async fn sharing(capabilities: Capabilities, content: &[u8]) -> Self {
        let two = Self::with(capabilities);
        two.a.disk.write("x", content);
        two.settle().await;
        assert_eq!(two.b.disk.read("x").unwrap(), content);
        two.count();
        two
    }

    fn pass(&self, milliseconds: i64) {
        self.clock.advance(milliseconds);
        self.a.tell_time();
        self.b.tell_time();
    }

    async fn settle(&self) {
        for _ in 0..6 {
            self.pass(60_000);
            let a = self.a.sync().await.unwrap();
            let b = self.b.sync().await.unwrap();
            if a.done.is_empty() && b.done.is_empty() {
                return;
            }
        }
        panic!("they do not settle: {:?} {:?}", self.a.heard, self.b.heard);
    }

    /// Notes every request that moves or copies content from now on; faults that are to happen are added before.
    fn count(&self) {
        for operation in [
            Operation::Get,
            Operation::Put,
            Operation::UploadPart,
            Operation::UploadPartCopy,
            Operation::CompleteUpload,
            Operation::Delete,
            Operation::DeleteVersion,
        ] {
            self.faulty.add_rule(Rule::new(operation, Fault::Yields(0)));
        }
    }

    /// Returns how often each was asked for, of keys that hold files.
    fn counted(&self) -> BTreeMap<Operation, usize> {
        let mut counts = BTreeMap::new();
        for one in self.faulty.trace() {
            if !one.subject.starts_with("p/.s4/") {
                *counts.entry(one.operation).or_default() += 1;
            }
        }
        counts
    }

    fn times(&self, operation: Operation) -> usize {
        self.counted().get(&operation).copied().unwrap_or_default()
    }

    fn descriptions(&self) -> Vec<ObjectKey> {
        self.store.objects().into_keys().filter(|key| key.as_str().starts_with("p/.s4/delta/")).collect()
    }

    #[track_caller]
    fn all_hold(&self, content: &[u8]) {
        assert!(self.a.disk.read("x").unwrap() == content, "the laptop");
        assert!(self.b.disk.read("x").unwrap() == content, "the desktop");
        assert!(bucket(&self.store)["x"] == content, "the bucket");
    }

    /// Returns the version of `x`.
    async fn head(&self) -> s4_core::remote::ObjectHead {
        self.store.head(&ObjectKey::new("p/x"), None).await.unwrap()
    }
}

#[tokio::test]
async fn eight_bytes_in_the_middle_move_a_chunk_each_way() {
    let (old, new) = large();
    let two = Two::sharing(Capabilities::FULL, &old).await;
    two.a.disk.save("x", &new);
    two.settle().await;
    two.all_hold(&new);
    assert_eq!(two.times(Operation::UploadPart), 1, "{:?}", two.counted());
    assert_eq!(two.times(Operation::UploadPartCopy), 2);
    assert!((1..=3).contains(&two.times(Operation::Get)), "{:?}", two.counted());
    assert_eq!(two.descriptions().len(), 1);
    // What was copied is as good a base as what was sent: the next edit goes the other way.
    let mut newer = new.clone();
    newer.splice(26 * MIB..26 * MIB, *b"more");
    two.b.disk.save("x", &newer);
    two.settle().await;
    two.all_hold(&newer);
    assert_eq!(two.times(Operation::UploadPart), 2);
    // Of what is in no row any more no chunks are kept.
    let known = |content: &[u8]| two.a.db.chunks(blake3::hash(content).as_bytes()).unwrap();
    assert!(known(&newer).is_some_and(|chunks| chunks.size() == newer.len() as u64));
    assert_eq!((known(&old), known(&new)), (None, None));
}

#[tokio::test]
async fn an_insertion_at_the_front_moves_a_chunk_each_way() {
    let (old, _) = large();
    let new = [b"twenty-one bytes here".as_slice(), &old].concat();
    let two = Two::sharing(Capabilities::FULL, &old).await;
    two.a.disk.save("x", &new);
    two.settle().await;
    two.all_hold(&new);
    assert_eq!(two.times(Operation::UploadPart), 1, "{:?}", two.counted());
    assert_eq!(two.times(Operation::UploadPartCopy), 1);
    assert!((1..=3).contains(&two.times(Operation::Get)), "{:?}", two.counted());
}

#[tokio::test]
async fn a_replica_that_missed_versions_follows_the_chain() {
    let (old, _) = large();
    let two = Two::sharing(Capabilities::FULL, &old).await;
    let mut content = old;
    for round in 0..3 {
        content.splice(5..9, noise(round, 10));
        two.a.disk.save("x", &content);
        two.pass(60_000);
        two.a.sync().await.unwrap();
    }
    assert_eq!(two.descriptions().len(), 3);
    two.settle().await;
    two.all_hold(&content);
    assert!((1..=3).contains(&two.times(Operation::Get)), "{:?}", two.counted());
    for round in 0..9_u8 {
        content[LARGE / 2] = round;
        two.a.disk.save("x", &content);
        two.pass(60_000);
        two.a.sync().await.unwrap();
    }
    // Nine links are one too many.
    let before = two.times(Operation::Get);
    two.settle().await;
    two.all_hold(&content);
    assert_eq!(two.times(Operation::Get) - before, 4);
}

#[tokio::test]
async fn what_was_rewritten_moves_whole() {
    let two = Two::sharing(Capabilities::FULL, &noise(1, LARGE)).await;
    let new = noise(2, LARGE);
    two.a.disk.save("x", &new);
    two.settle().await;
    two.all_hold(&new);
    assert_eq!(two.times(Operation::UploadPartCopy), 0);
    assert_eq!(two.descriptions(), []);
}

#[tokio::test]
async fn a_store_that_checks_or_copies_nothing_gets_the_whole() {
    let (old, new) = large();
    let lacking: [fn(&mut Capabilities); 2] =
        [|store| store.crc64nvme = false, |store| store.upload_part_copy = false];
    for lack in lacking {
        let mut capabilities = Capabilities::FULL;
        lack(&mut capabilities);
        let two = Two::sharing(capabilities, &old).await;
        two.a.disk.save("x", &new);
        two.settle().await;
        two.all_hold(&new);
        assert_eq!(two.times(Operation::UploadPartCopy), 0);
        assert_eq!(two.descriptions(), []);
    }
}

#[tokio::test]
async fn without_conditions_what_changed_is_still_enough() {
    let (old, new) = large();
    let capabilities = Capabilities { upload_part_copy: true, crc64nvme: true, ..Capabilities::NONE };
    let two = Two::sharing(capabilities, &old).await;
    two.a.disk.save("x", &new);
    two.settle().await;
    two.all_hold(&new);
    assert_eq!(two.times(Operation::UploadPart), 1, "{:?}", two.counted());
}

#[tokio::test]
async fn copies_that_fail_cost_time_only() {
    let (old, new) = large();
    for kind in [StoreErrorKind::Unsupported, StoreErrorKind::PreconditionFailed, StoreErrorKind::Missing] {
        let two = Two::sharing(Capabilities::FULL, &old).await;
        two.faulty.calm();
        two.faulty.add_rule(Rule::new(Operation::UploadPartCopy, Fault::Refused(kind)));
        two.count();
        two.a.disk.save("x", &new);
        two.settle().await;
        two.all_hold(&new);
        assert_eq!(two.descriptions(), []);
        assert_eq!(two.a.db.open_uploads().unwrap(), []);
        assert!(two.store.pending_uploads("").await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn chunks_that_lie_are_found_out_by_the_store() {
    let (old, new) = large();
    let two = Two::sharing(Capabilities::FULL, &old).await;
    // The laptop believes that its base begins with what it is about to insert.
    let lie = two.a.db.chunks(blake3::hash(&old).as_bytes()).unwrap().unwrap();
    let mut shuffled = lie.clone();
    shuffled.0.swap(0, 1);
    two.a.db.learn_chunks(&[(*blake3::hash(&old).as_bytes(), shuffled)]).unwrap();
    two.a.disk.save("x", &new);
    two.settle().await;
    two.all_hold(&new);
    assert_eq!(two.descriptions(), [], "the whole was sent");
}

#[tokio::test]
async fn a_version_that_came_between_is_no_base() {
    let (old, new) = large();
    for deleted in [false, true] {
        let two = Two::sharing(Capabilities::FULL, &old).await;
        two.faulty.calm();
        // When the laptop has planned and begins, another tool changes the object, to one of the same size.
        let (key, foreign) = (ObjectKey::new("p/x"), noise(9, old.len()));
        two.faulty.add_rule(Rule::new(Operation::CreateUpload, Fault::Yields(100)).times(1));
        two.a.disk.save("x", &new);
        two.pass(60_000);
        let outsider = async {
            while two.times(Operation::CreateUpload) == 0 {
                tokio::task::yield_now().await;
            }
            if deleted {
                two.store.delete_outside(&key);
            } else {
                two.store.write_outside(&key, foreign.clone(), OutsideWrite::Whole);
            }
        };
        let (synced, ()) = futures::join!(two.a.sync(), outsider);
        synced.unwrap();
        two.settle().await;
        let contents: Vec<Vec<u8>> = bucket(&two.store).into_values().collect();
        assert!(contents.contains(&new), "the edit stands");
        assert!(deleted || contents.contains(&foreign), "so does the other tool's");
        assert_eq!(two.a.tree(), two.b.tree());
    }
}

#[tokio::test]
async fn a_description_that_lies_is_found_out() {
    let (old, new) = large();
    type Damage = fn(&[u8]) -> Vec<u8>;
    let damages: [Damage; 3] =
        [|packed| packed[..packed.len() / 2].to_vec(), |_| b"no gzip at all".to_vec(), |_| Vec::new()];
    for damage in damages {
        let two = Two::sharing(Capabilities::FULL, &old).await;
        two.a.disk.save("x", &new);
        two.pass(60_000);
        two.a.sync().await.unwrap();
        let key = two.descriptions().pop().unwrap();
        let packed = two.store.objects()[&key].clone();
        two.store.write_outside(&key, damage(&packed), OutsideWrite::Whole);
        two.settle().await;
        two.all_hold(&new);
    }
    // One that fits, but of another content: the same ranges, elsewhere.
    let two = Two::sharing(Capabilities::FULL, &old).await;
    two.a.disk.save("x", &new);
    two.pass(60_000);
    two.a.sync().await.unwrap();
    let key = two.descriptions().pop().unwrap();
    let other = Two::sharing(Capabilities::FULL, &old).await;
    let mut elsewhere = old.clone();
    elsewhere[2 * MIB] ^= 1;
    other.a.disk.save("x", &elsewhere);
    other.pass(60_000);
    other.a.sync().await.unwrap();
    let lie = other.store.objects()[&other.descriptions().pop().unwrap()].clone();
    two.store.write_outside(&key, lie, OutsideWrite::Whole);
    two.settle().await;
    two.all_hold(&new);
}

#[tokio::test]
async fn a_wrong_bit_on_the_way_is_found_out() {
    let (old, new) = large();
    let two = Two::sharing(Capabilities::FULL, &old).await;
    two.a.disk.save("x", &new);
    two.pass(60_000);
    two.a.sync().await.unwrap();
    two.faulty.calm();
    two.faulty.add_rule(Rule::new(Operation::Get, Fault::CorruptBody).of("p/x").times(1));
    two.settle().await;
    two.all_hold(&new);
}

#[tokio::test]
async fn an_edit_while_it_arrives_is_kept() {
    let (old, new) = large();
    let two = Two::sharing(Capabilities::FULL, &old).await;
    two.a.disk.save("x", &new);
    two.pass(60_000);
    two.a.sync().await.unwrap();
    let mut local = old.clone();
    local[5] ^= 1;
    let (disk, edited) = (two.b.disk.clone(), local.clone());
    let once = std::sync::Once::new();
    two.b.faulty.on_step(move |step| {
        if step == "stage:before-finish" {
            once.call_once(|| disk.save("x", &edited));
        }
    });
    two.b.sync().await.unwrap();
    two.settle().await;
    let contents: Vec<Vec<u8>> = two.b.tree().into_values().collect();
    assert!(contents.contains(&new) && contents.contains(&local), "both stand");
    assert_eq!(two.a.tree(), two.b.tree());
}

#[tokio::test]
async fn the_original_s4_sees_no_descriptions() {
    let (old, new) = large();
    let two = Two::sharing(Capabilities::FULL, &old).await;
    two.store.write_outside(&ObjectKey::new("p/.index"), b"{}".to_vec(), OutsideWrite::Whole);
    two.a.disk.save("x", &new);
    two.settle().await;
    two.all_hold(&new);
    assert_eq!(two.times(Operation::UploadPart), 1, "up goes what changed all the same");
    assert_eq!(two.descriptions(), []);
}

#[tokio::test]
async fn a_third_computer_gets_the_whole() {
    let (old, new) = large();
    let two = Two::sharing(Capabilities::FULL, &old).await;
    two.a.disk.save("x", &new);
    two.settle().await;
    let third = Replica::new("tower", Arc::new(two.faulty.clone()), Capabilities::FULL, &two.clock);
    third.sync().await.unwrap();
    assert!(third.disk.read("x").unwrap() == new);
}

#[tokio::test]
async fn a_rename_with_an_edit_arrives() {
    let (old, new) = large();
    let two = Two::sharing(Capabilities::FULL, &old).await;
    two.a.disk.move_over("x", "y");
    two.a.disk.save("y", &new);
    two.settle().await;
    assert_eq!(two.a.tree(), two.b.tree());
    assert!(bucket(&two.store)["y"] == new && !bucket(&two.store).contains_key("x"));
}

#[tokio::test]
async fn descriptions_go_after_a_month_and_nothing_else_does() {
    let (old, new) = large();
    for versioning in [Versioning::Off, Versioning::Enabled] {
        let two = Two::sharing(Capabilities { versioning, ..Capabilities::FULL }, &old).await;
        let put = |key: &str| {
            let key = ObjectKey::new(key);
            let store = two.store.clone();
            async move {
                let attributes = ObjectAttributes::default();
                let crc = s4_core::digest::crc64nvme(b"x");
                store.put(&key, "x".into(), crc, &attributes, &Condition::Absent).await.unwrap();
            }
        };
        put("p/.s4/delta/not one of ours").await;
        two.a.disk.save("x", &new);
        two.settle().await;
        let first = two.descriptions();
        assert_eq!(first.len(), 2);
        two.pass(31 * DAY);
        let mut newer = new.clone();
        newer[26 * MIB] ^= 1;
        two.a.disk.save("x", &newer);
        two.settle().await;
        two.all_hold(&newer);
        let left = two.descriptions();
        assert_eq!(left.len(), 2, "{left:?}");
        assert!(left.contains(&ObjectKey::new("p/.s4/delta/not one of ours")));
        let gone = first.iter().find(|key| !left.contains(key)).unwrap();
        assert!(two.store.versions(gone).await.unwrap().is_empty(), "no version of it stays");
    }
}

#[tokio::test]
async fn what_is_there_is_checked_by_the_store_again() {
    let (old, new) = large();
    let two = Two::sharing(Capabilities::FULL, &old).await;
    two.a.disk.save("x", &new);
    two.settle().await;
    let head = two.head().await;
    assert_eq!(head.crc64nvme, Some(s4_core::digest::crc64nvme(&new)));
    assert_eq!(head.metadata.base.len(), 1);
}
