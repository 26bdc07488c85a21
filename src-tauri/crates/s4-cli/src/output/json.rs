//! What is printed for programs: one document each, built from values.
//!
//! - Times are UTC in ISO 8601, lengths in bytes, paths as below the folder.
//! - A field that has nothing to say is there all the same, empty.

use s4_core::capabilities::Capabilities;
use s4_core::plan::{Conflict, Halt, Side};
use s4_engine::connect::capabilities;
use s4_engine::report::{Report, Verb, Work};
use serde_json::{Value, json};

use super::text::Sides;
use super::words;
use crate::exit::Exit;
use crate::hints::Told;
use crate::moment;

/// Returns the part of a document that says which target it is about.
pub(crate) fn sides(sides: &Sides, exit: Exit) -> Value {
    json!({
        "name": sides.name,
        "local": sides.local,
        "remote": sides.remote,
        "status": status(exit),
        "exit": exit.code(),
    })
}

/// Returns how a target stands, in a word.
fn status(exit: Exit) -> &'static str {
    match exit {
        Exit::InSync => "in-sync",
        Exit::Failed => "failed",
        Exit::Usage => "unusable",
        Exit::Conflicts => "conflicts",
        Exit::Halted => "halted",
        Exit::Problems => "problems",
        Exit::Locked => "locked",
    }
}

/// Returns what a run did.
pub(crate) fn report(report: &Report) -> Value {
    let failed = report.failed.iter().map(|(step, why)| {
        let mut step = work(step);
        step["why"] = json!(why);
        step
    });
    json!({
        "done": report.done.iter().map(work).collect::<Vec<_>>(),
        "conflicts": report.conflicts.iter().map(conflict).collect::<Vec<_>>(),
        "problems": report.problems.iter()
            .map(|problem| json!({"path": problem.subject, "reason": problem.reason.to_string()}))
            .collect::<Vec<_>>(),
        "failed": failed.collect::<Vec<_>>(),
        "halt": report.halt.as_ref().map(|halted| json!({
            "reason": halt(&halted.reason),
            "message": halted.reason.to_string(),
            "deletions": halted.deletions.iter()
                .map(|(from, path)| json!({"path": path.as_str(), "side": side(*from)}))
                .collect::<Vec<_>>(),
        })),
        "notices": report.notices,
        "examined": {
            "hashes": report.examined.hashes,
            "heads": report.examined.heads,
            "bodies": report.examined.bodies,
        },
        "unsettled": report.unsettled,
    })
}

/// Returns one step.
pub(crate) fn work(work: &Work) -> Value {
    json!({
        "path": work.path.as_str(),
        "action": match work.verb {
            Verb::Create => "create",
            Verb::Update => "update",
            Verb::Delete => "delete",
            Verb::Move => "move",
            Verb::KeepBoth => "keep-both",
            Verb::Adjust => "adjust",
        },
        "side": side(work.side),
        "bytes": work.bytes,
    })
}

/// Returns one conflict.
pub(crate) fn conflict(conflict: &Conflict) -> Value {
    let local = conflict.local.fingerprint();
    json!({
        "path": conflict.path.as_str(),
        "local": local.map(|local| json!({
            "size": local.size,
            "modified": moment::iso(moment::of_stamp(local.mtime_ns)),
        })),
        "remote": {
            "key": conflict.object.key.as_str(),
            "size": conflict.object.size,
            "modified": moment::iso(conflict.object.last_modified),
            "etag": conflict.object.etag.as_str(),
        },
    })
}

/// Returns a failure.
pub(crate) fn error(told: &Told) -> Value {
    json!({"message": told.message, "hint": told.hint})
}

/// Returns what a store can do, for programs and in words.
pub(crate) fn store(store: &Capabilities) -> Value {
    json!({
        "probed": capabilities::to_json(store),
        "summary": words::summary(store),
        "can": words::abilities(store).iter()
            .map(|ability| json!({"ability": ability.words, "is_there": ability.is_there}))
            .collect::<Vec<_>>(),
        "weaker": words::weaker_guarantees(store),
    })
}

fn side(side: Side) -> &'static str {
    match side {
        Side::Local => "local",
        Side::Remote => "remote",
    }
}

fn halt(reason: &Halt) -> &'static str {
    match reason {
        Halt::LocalEmptied { .. } => "local-emptied",
        Halt::RemoteEmptied { .. } => "remote-emptied",
        Halt::MassDeletion { .. } => "mass-deletion",
    }
}
