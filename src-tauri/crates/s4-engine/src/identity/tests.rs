mod real;
mod runs;
mod world;

use super::*;

fn record(generation: u64, machine_id: &str) -> Record {
    Record {
        root_id: "root".to_owned(),
        generation,
        machine_id: machine_id.to_owned(),
        folder: "/docs".to_owned(),
    }
}

/// Assesses a marked folder on the computer `here`, which is recorded at its own path.
#[track_caller]
fn check(inside: Option<u64>, outside: Option<(u64, &str)>, occupant: Occupant, expected: Assessment) {
    let record = outside.map(|(generation, machine)| record(generation, machine));
    let evidence = Evidence {
        is_marked: true,
        inside,
        record: record.as_ref(),
        occupant,
        is_recorded_here: record.is_some(),
        machine_id: "here",
    };
    assert_eq!(assess(evidence), expected, "inside {inside:?}, outside {outside:?}, there {occupant:?}");
}

#[test]
fn t51_t67_what_a_folder_is_follows_from_its_counts() {
    use Assessment::{Continue, Forgotten, Fresh, NoRecord, RestoredOrCopied, Twin, UsedElsewhere};
    let (same, other) = ("here", "elsewhere");
    for there in [Occupant::This, Occupant::Gone] {
        check(Some(5), Some((5, same)), there, Continue);
        check(Some(6), Some((5, same)), there, UsedElsewhere);
        check(Some(4), Some((5, same)), there, RestoredOrCopied);
        check(Some(5), Some((5, other)), there, RestoredOrCopied);
        check(Some(4), Some((5, other)), there, RestoredOrCopied);
        check(Some(6), Some((5, other)), there, NoRecord);
        check(None, Some((5, same)), there, Forgotten);
        check(None, Some((5, other)), there, Forgotten);
        check(Some(5), None, there, NoRecord);
        check(None, None, there, Fresh);
    }
    for inside in [None, Some(4), Some(5), Some(6)] {
        for machine in [same, other] {
            check(inside, Some((5, machine)), Occupant::Twin, Twin);
        }
    }
}

#[test]
fn t51_a_folder_without_a_mark_is_not_mounted_if_any_record_says_it_was_here() {
    let known = record(5, "here");
    for inside in [None, Some(5)] {
        for (is_recorded_here, expected) in [(true, Assessment::NotMounted), (false, Assessment::Fresh)] {
            for record in [None, Some(&known)] {
                let evidence = Evidence {
                    is_marked: false,
                    inside,
                    record,
                    occupant: Occupant::Gone,
                    is_recorded_here,
                    machine_id: "here",
                };
                assert_eq!(assess(evidence), expected, "{evidence:?}");
            }
        }
    }
}

#[test]
fn whatever_is_not_told_keeps_its_rows() {
    use Assessment::{
        Continue, Forgotten, Fresh, NoRecord, NotMounted, RestoredOrCopied, Twin, UsedElsewhere,
    };
    for assessment in
        [Fresh, Continue, UsedElsewhere, NoRecord, Forgotten, RestoredOrCopied, Twin, NotMounted]
    {
        assert_eq!(assessment.keeps_baseline(), assessment.notice().is_none(), "{assessment:?}");
        // One name for two replicas would let one of them pass over what the other did.
        assert!(assessment.keeps_baseline() || !assessment.keeps_replica_id(), "{assessment:?}");
    }
}
