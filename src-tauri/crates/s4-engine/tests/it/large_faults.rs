//! Large files under bad conditions: what changes while it is read or fetched, what is cut, damaged or lost.

use s4_core::capabilities::Capabilities;
use s4_core::key::ObjectKey;
use s4_engine::report::Report;
use s4_store::error::StoreErrorKind;
use s4_store::faulty::{Fault, Operation, Rule};
use s4_store::memory::OutsideWrite;

use super::large::{One, content};
use super::world::bucket;

const MIB: usize = 1 << 20;
const MINUTE: i64 = 60_000;

/// What a program does to a file while it is sent.
#[derive(Clone, Copy, Debug)]
enum Act {
    Overwrites,
    Shrinks,
    Grows,
    Replaces,
    Removes,
}

impl Act {
    /// Returns what the file holds afterwards.
    fn result(self, before: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Overwrites | Self::Replaces => Some(content(99, before.len())),
            Self::Shrinks => Some(before[..17 * MIB].to_vec()),
            Self::Grows => Some([before, &content(98, MIB)].concat()),
            Self::Removes => None,
        }
    }
}

/// Lets a program act in the middle of an upload, and shows that the bucket never has a mix of two versions.
async fn never_a_mix(act: Act) {
    let before = content(20, 18 * MIB);
    // A scan takes some calls, reading takes about seventy: from its first piece to after its last.
    for calls in [40, 75, 88] {
        let one = One::new();
        one.replica.disk.write("large", &before);
        let (disk, after) = (one.replica.disk.clone(), act.result(&before));
        let next = after.clone();
        one.replica.disk.race_after(calls, move || match (act, next) {
            (Act::Replaces, Some(next)) => disk.save("large", &next),
            (_, Some(next)) => disk.write("large", &next),
            (_, None) => disk.delete("large"),
        });
        one.replica.sync().await.unwrap();
        assert!(!one.replica.disk.call_off_race(), "{act:?} after {calls} calls: nothing happened");
        let is_whole = |found: &Vec<u8>| *found == before || Some(found) == after.as_ref();
        for version in one.store.history(&ObjectKey::new("p/large")) {
            assert!(is_whole(&version.to_vec()), "{act:?} after {calls} calls: a mix");
        }
        one.pass(MINUTE);
        let force = s4_engine::settings::SyncOptions {
            limits: Some(s4_core::context::DeleteLimits::Unlimited),
            ..Default::default()
        };
        one.replica.sync_with(&force).await.unwrap();
        let settled = bucket(&one.store).get("large").cloned();
        assert!(settled == one.replica.disk.read("large"), "{act:?} after {calls} calls");
        assert_eq!(one.uploads_under_way().await, 0, "{act:?} after {calls} calls");
    }
}

#[tokio::test]
async fn t29_a_file_that_is_overwritten_while_it_is_sent_is_sent_whole_or_not_at_all() {
    never_a_mix(Act::Overwrites).await;
}

#[tokio::test]
async fn t30_a_file_that_shrinks_while_it_is_sent_is_sent_whole_or_not_at_all() {
    never_a_mix(Act::Shrinks).await;
}

#[tokio::test]
async fn t29_a_file_that_grows_while_it_is_sent_is_sent_whole_or_not_at_all() {
    never_a_mix(Act::Grows).await;
}

#[tokio::test]
async fn t29_a_file_that_is_replaced_while_it_is_sent_is_sent_whole_or_not_at_all() {
    never_a_mix(Act::Replaces).await;
}

#[tokio::test]
async fn t30_a_file_that_vanishes_while_it_is_sent_leaves_no_parts() {
    never_a_mix(Act::Removes).await;
}

#[tokio::test]
async fn bodies_that_break_off_are_gone_on_with_where_they_did() {
    let one = One::new();
    let large = content(21, 24 * MIB);
    one.is_given(&large).await;
    one.faulty.add_rule(Rule::new(Operation::Get, Fault::CutBody).of("p/large").times(12));
    one.replica.sync().await.unwrap();
    one.has_on_disk(&large);
    assert_eq!(one.faulty.trace().len(), 12);
}

#[tokio::test]
async fn damage_on_the_way_is_found_and_the_whole_fetched_once_more() {
    let one = One::new();
    let large = content(22, 24 * MIB);
    one.is_given(&large).await;
    one.faulty.add_rule(Rule::new(Operation::Get, Fault::CorruptBody).of("p/large").times(1));
    let report = one.replica.sync().await.unwrap();
    assert!(report.failed.is_empty(), "{report:?}");
    one.has_on_disk(&large);
    assert_eq!(one.partials(), 0);
}

#[tokio::test]
async fn damage_that_stays_is_a_problem_and_never_a_file() {
    let one = One::new();
    one.is_given(&content(23, 20 * MIB)).await;
    one.faulty.add_rule(Rule::new(Operation::Get, Fault::CorruptBody).of("p/large"));
    let report: Report = one.replica.sync().await.unwrap();
    assert_eq!(report.failed.len(), 1, "{report:?}");
    assert_eq!((one.replica.disk.read("large"), one.partials()), (None, 0));
}

#[tokio::test]
async fn an_object_that_is_replaced_while_it_is_fetched_is_one_version_afterwards() {
    let after = content(25, 20 * MIB);
    for calls in [60, 80] {
        let one = One::new();
        let before = content(24, 20 * MIB);
        one.is_given(&before).await;
        let (store, next) = (one.store.clone(), after.clone());
        one.replica.disk.race_after(calls, move || {
            store.write_outside(&ObjectKey::new("p/large"), next, OutsideWrite::Whole);
        });
        one.replica.sync().await.unwrap();
        let found = one.replica.disk.read("large").unwrap();
        assert!(found == before || found == after, "a mix after {calls} calls");
        one.replica.disk.call_off_race();
        one.pass(MINUTE);
        one.replica.sync().await.unwrap();
        assert!(one.replica.disk.read("large").unwrap() == bucket(&one.store)["large"]);
        assert_eq!(one.partials(), 0);
    }
}

#[tokio::test]
async fn what_another_wrote_while_parts_were_sent_is_not_replaced_where_nothing_is_enforced() {
    let mut caught = 0;
    for calls in [14, 17, 40, 80, 97] {
        let weak =
            Capabilities { complete_if_none_match: false, complete_if_match: false, ..Capabilities::FULL };
        let one = One::on(weak);
        one.faulty.ignore_conditions(Operation::CompleteUpload);
        one.replica.disk.write("large", &content(27, 20 * MIB));
        let (store, theirs) = (one.store.clone(), content(28, MIB));
        let next = theirs.clone();
        one.replica.disk.race_after(calls, move || {
            store.write_outside(&ObjectKey::new("p/large"), next, OutsideWrite::Whole);
        });
        one.replica.sync().await.unwrap();
        let versions = one.store.history(&ObjectKey::new("p/large"));
        let is_whole = |found: &[u8]| found == theirs;
        let heard = format!("{:?}", one.replica.heard.lock().unwrap());
        caught += usize::from(heard.contains("while the parts were sent"));
        // Either theirs came after ours, or ours was not written.
        assert!(
            versions.len() == 1 || is_whole(versions.last().unwrap()),
            "replaced unseen after {calls} calls"
        );
    }
    assert!(caught > 0, "never in the middle");
}

#[tokio::test]
async fn a_store_that_sends_no_ranges_is_read_in_one_stream() {
    let one = One::new();
    let large = content(26, 20 * MIB);
    one.is_given(&large).await;
    let refused = Fault::Refused(StoreErrorKind::Unsupported);
    one.faulty.add_rule(Rule::new(Operation::Get, refused).of("p/large").times(1));
    one.replica.sync().await.unwrap();
    one.has_on_disk(&large);
    assert_eq!(one.partials(), 0);
}

#[tokio::test]
async fn objects_of_others_arrive_whatever_their_tag_is() {
    for how in [OutsideWrite::Whole, OutsideWrite::Parts(5 * MIB)] {
        let one = One::new();
        let large = content(27, 33 * MIB);
        one.store.write_outside(&ObjectKey::new("p/large"), large.clone(), how);
        one.replica.sync().await.unwrap();
        one.has_on_disk(&large);
        let report = one.replica.sync().await.unwrap();
        assert!(report.done.is_empty(), "{report:?}");
    }
}

#[tokio::test]
async fn t64_a_lost_reply_to_the_last_request_doubles_nothing() {
    for fault in [Fault::AnsweredTwice, Fault::LostReply] {
        let one = One::new();
        let large = content(28, 24 * MIB);
        one.replica.disk.write("large", &large);
        one.faulty.add_rule(Rule::new(Operation::CompleteUpload, fault.clone()).times(1));
        // Offline ends the run; the next one finds its own object.
        let is_over = one.replica.sync().await.is_ok();
        assert_eq!(is_over, fault == Fault::AnsweredTwice);
        one.pass(MINUTE);
        let report = one.replica.sync().await.unwrap();
        assert!(report.conflicts.is_empty() && report.failed.is_empty(), "{report:?}");
        one.has_in_bucket(&large);
        assert_eq!(one.store.history(&ObjectKey::new("p/large")).len(), 1);
        assert_eq!(one.uploads_under_way().await, 0);
        assert_eq!(one.replica.tree().len(), 1);
    }
}

#[tokio::test]
async fn a_wrong_part_is_refused_by_the_store_and_the_file_sent_anew() {
    let one = One::new();
    let large = content(29, 24 * MIB);
    one.replica.disk.write("large", &large);
    let refused = Fault::Refused(StoreErrorKind::Corrupt);
    one.faulty.add_rule(Rule::new(Operation::CompleteUpload, refused).times(1));
    let report = one.replica.sync().await.unwrap();
    assert_eq!((report.failed.len(), one.uploads_under_way().await), (1, 0), "{report:?}");
    one.pass(MINUTE);
    one.replica.sync().await.unwrap();
    one.has_in_bucket(&large);
}
