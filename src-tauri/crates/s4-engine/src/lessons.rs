//! What a run learned in one round and must know in the next: above all which paths fail.

use s4_core::facts::Facts;
use s4_core::plan::{Action, Side};

use crate::execute::{Cause, Executed, Failure};
use crate::report::Report;

/// What a run learned in one round and must know in the next: above all which paths fail.
#[derive(Default)]
pub(crate) struct Lessons(Vec<Failure>);

impl Lessons {
    /// Keeps what a round taught; returns whether another round may do better.
    pub(crate) fn learn(&mut self, executed: Executed, report: &mut Report) -> bool {
        let learned = executed.failed.iter().any(|failure| matches!(failure.cause, Cause::Learned(_)));
        for failure in &executed.failed {
            if let Cause::Refused(_, why) = &failure.cause {
                report.failed.push((failure.work.clone(), why.clone()));
            }
        }
        report.done.extend(executed.done);
        self.0.extend(executed.failed);
        executed.follow_up || learned || !executed.again.is_empty()
    }

    /// Enters into the facts what failed before, so that it is a problem now and not tried again in this run.
    pub(crate) fn teach(&self, facts: &mut Facts) {
        for failure in &self.0 {
            match (&failure.cause, &failure.action) {
                (Cause::Learned(head), Action::Download { object, .. }) => {
                    facts.learn_head(object.key.clone(), object.last_modified, (**head).clone());
                }
                (Cause::Learned(_), _) => {}
                (Cause::Refused(Side::Local | Side::Remote, why), action) => fail(facts, action, why),
            }
        }
    }
}

/// Enters the failure of a transfer, bound to what was to be moved. Other steps are cheap to try again.
fn fail(facts: &mut Facts, action: &Action, why: &str) {
    match action {
        Action::Upload { disk, local, .. } | Action::CopyRemote { disk, local, .. } => {
            if let Some(fingerprint) = local.fingerprint() {
                facts.fail_local(disk.clone(), *fingerprint, why.to_owned());
            }
        }
        Action::Download { object, .. } | Action::KeepBoth { object, .. } => {
            facts.fail_remote(object.key.clone(), object.etag.clone(), why.to_owned());
        }
        Action::RotateRemote { turns } => {
            for turn in turns {
                if let Some(fingerprint) = turn.local.fingerprint() {
                    facts.fail_local(turn.disk.clone(), *fingerprint, why.to_owned());
                }
            }
        }
        Action::DeleteRemote { .. }
        | Action::DeleteLocal { .. }
        | Action::MoveLocal { .. }
        | Action::RotateLocal { .. }
        | Action::RenameOnDisk { .. }
        | Action::SetRemoteMode { .. }
        | Action::SetLocalMode { .. }
        | Action::PutMarker { .. }
        | Action::DeleteMarker { .. }
        | Action::RecordDir { .. }
        | Action::CreateDir { .. }
        | Action::RemoveDir { .. } => {}
    }
}
