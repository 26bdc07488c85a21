//! How a run came out: what is told of it, and the exit status.

use s4_core::plan::{Action, Conflict, Plan, Problem, ProblemReason, Side};
use s4_engine::report::{Examined, Halted, Report};

use crate::exit::Exit;
use crate::output::Output;
use crate::output::text::{self, Sides, count, shown};

/// Returns the exit status for a run.
pub(crate) fn exit_of(report: &Report) -> Exit {
    let mut exit = Exit::InSync;
    if !report.conflicts.is_empty() {
        exit = exit.or_worse(Exit::Conflicts);
    }
    if report.unsettled > 0 || !report.failed.is_empty() || report.problems.iter().any(is_unsynced) {
        exit = exit.or_worse(Exit::Problems);
    }
    if report.halt.is_some() {
        exit = exit.or_worse(Exit::Halted);
    }
    exit
}

/// Returns whether a problem keeps its path from being synced. One that has another name on this disk is synced.
fn is_unsynced(problem: &Problem) -> bool {
    !matches!(problem.reason, ProblemReason::Clash(_))
}

/// Returns two runs as one: what was done in both, and how things stand after the second.
pub(super) fn joined(first: Report, mut second: Report) -> Report {
    let Report { mut done, notices, examined, .. } = first;
    done.append(&mut second.done);
    for notice in notices.into_iter().rev() {
        if !second.notices.contains(&notice) {
            second.notices.insert(0, notice);
        }
    }
    let examined = Examined {
        hashes: examined.hashes + second.examined.hashes,
        heads: examined.heads + second.examined.heads,
        bodies: examined.bodies + second.examined.bodies,
    };
    Report { done, examined, ..second }
}

/// Returns why a plan would stop, with what it would delete.
pub(super) fn halt_of(plan: &Plan) -> Option<Halted> {
    let deletions = plan.steps.iter().filter_map(|step| match step.action {
        Action::DeleteRemote { .. } => Some((Side::Remote, step.path.clone())),
        Action::DeleteLocal { .. } => Some((Side::Local, step.path.clone())),
        _ => None,
    });
    Some(Halted { reason: plan.halt.clone()?, deletions: deletions.collect() })
}

/// Tells how a run came out.
pub(crate) fn tell(output: &Output, sides: &Sides, report: &Report) {
    tell_what_waits(output, sides, report);
    match text::counted(&report.done) {
        Some(counted) => output.say(&format!("Done: {counted}")),
        None if report.halt.is_none() => output.say("Nothing to update"),
        None => {}
    }
}

/// Tells what a run left: halts, conflicts, problems.
pub(crate) fn tell_what_waits(output: &Output, sides: &Sides, report: &Report) {
    for notice in &report.notices {
        output.warn(&shown(notice));
    }
    for (work, why) in &report.failed {
        output.warn(&format!("`{}` could not be synced: {}", shown(work.path.as_str()), shown(why)));
    }
    for problem in &report.problems {
        let is_told = report.failed.iter().any(|(work, _)| work.path.as_str() == problem.subject);
        if !is_told {
            let reason = shown(&problem.reason.to_string());
            output.warn(&format!("`{}` is not synced as it is: {reason}", shown(&problem.subject)));
        }
    }
    if report.unsettled > 0 {
        let files =
            count(report.unsettled, "path could not be settled and is", "paths could not be settled and are");
        output.warn(&format!("{files} left for the next sync"));
    }
    if !report.conflicts.is_empty() {
        tell_conflicts(output, sides, &report.conflicts);
    }
    if let Some(halted) = &report.halt {
        let (message, hint) = text::halted(&sides.name, halted);
        output.error(&message, None);
        let deletions = halted.deletions.iter().map(|(_, path)| shown(path.as_str()));
        for line in text::first_of(deletions) {
            output.say(&line);
        }
        output.hint(&hint);
    }
}

fn tell_conflicts(output: &Output, sides: &Sides, conflicts: &[Conflict]) {
    let files = count(conflicts.len(), "file has", "files have");
    output.warn(&format!("{files} two versions; both stay as they are:"));
    for line in text::first_of(conflicts.iter().map(|conflict| shown(conflict.path.as_str()))) {
        output.say(&line);
    }
    output.hint(&format!(
        "`s4 resolve '{}' PATH --keep local|remote|both` chooses, `s4 diff '{}' PATH` shows how they differ",
        sides.name, sides.name
    ));
}

#[cfg(test)]
mod tests {
    use s4_core::path::RelPath;
    use s4_core::plan::Halt;
    use s4_engine::report::{Verb, Work};

    use super::*;

    fn problem(reason: ProblemReason) -> Problem {
        Problem { subject: "x".to_owned(), reason }
    }

    #[test]
    fn exit_status_is_that_of_the_worst() {
        assert_eq!(exit_of(&Report::default()), Exit::InSync);
        let clash =
            Report { problems: vec![problem(ProblemReason::Clash("y".to_owned()))], ..Report::default() };
        assert_eq!(exit_of(&clash), Exit::InSync);
        let special = Report { problems: vec![problem(ProblemReason::Special)], ..Report::default() };
        assert_eq!(exit_of(&special), Exit::Problems);
        assert_eq!(exit_of(&Report { unsettled: 1, ..Report::default() }), Exit::Problems);
        let halt = Some(Halted { reason: Halt::LocalEmptied { tracked: 2 }, deletions: Vec::new() });
        assert_eq!(exit_of(&Report { halt, ..special }), Exit::Halted);
    }

    #[test]
    fn two_runs_are_told_as_one() {
        let work = |path: &str| Work {
            path: RelPath::parse(path).unwrap(),
            verb: Verb::Create,
            side: Side::Local,
            bytes: 1,
        };
        let first = Report {
            done: vec![work("a")],
            notices: vec!["n".to_owned()],
            unsettled: 3,
            ..Report::default()
        };
        let second = Report { done: vec![work("b")], notices: vec!["n".to_owned()], ..Report::default() };
        let joined = joined(first, second);
        assert_eq!(joined.done, [work("a"), work("b")]);
        assert_eq!((joined.notices.len(), joined.unsettled), (1, 0));
    }
}
