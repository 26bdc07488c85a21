//! Writes plans as short lines, and compares them with rows of data.

use crate::path::RelPath;
use crate::plan::{Action, DeleteReason, Examine, Plan, RemoteExpectation, RowChange, Step};

use super::world::World;

/// Checks the plan of `world`, every question answered, against lines in any order.
///
/// Afterwards the plan is carried out, and nothing may be left to do in the end.
#[track_caller]
pub(super) fn check(world: World, expected: &[&str]) {
    let mut world = world;
    let plan = world.plan();
    assert_lines(&plan, expected);
    world.sync();
}

/// As [`check`], without carrying it out.
#[track_caller]
pub(super) fn check_plan(world: World, expected: &[&str]) {
    let mut world = world;
    let plan = world.plan();
    assert_lines(&plan, expected);
}

/// Checks what is asked for before anything is known.
#[track_caller]
pub(super) fn check_questions(world: &World, expected: &[&str]) {
    let plan = world.plan_once();
    let asked: Vec<String> = plan.examine.iter().map(question).collect();
    assert_eq!(asked, expected, "{:?}", lines(&plan));
}

/// Checks that of each pair of lines the first stands, directly or not, before the second.
#[track_caller]
pub(super) fn check_order(world: World, expected: &[(&str, &str)]) {
    let mut world = world;
    let plan = world.plan();
    let lines: Vec<String> = plan.steps.iter().map(line).collect();
    let index_of = |text: &str| {
        lines.iter().position(|line| line == text).unwrap_or_else(|| panic!("no {text:?} in {lines:#?}"))
    };
    for (first, second) in expected {
        let mut open = vec![index_of(second)];
        let mut before = Vec::new();
        while let Some(index) = open.pop() {
            before.push(index);
            open.extend(plan.steps[index].after.iter().map(|step| step.0));
        }
        assert!(before.contains(&index_of(first)), "{first:?} does not come before {second:?}: {lines:#?}");
    }
    world.sync();
}

#[track_caller]
fn assert_lines(plan: &Plan, expected: &[&str]) {
    let mut lines = lines(plan);
    let mut expected = expected.to_vec();
    lines.sort_unstable();
    expected.sort_unstable();
    assert_eq!(lines, expected);
}

/// Returns a plan as lines.
pub(super) fn lines(plan: &Plan) -> Vec<String> {
    let halt = plan.halt.iter().map(|halt| format!("halt: {halt}"));
    let questions = plan.examine.iter().map(question);
    let rows = plan.rows.iter().map(|row| match row {
        RowChange::File(path, _) => format!("row {path}"),
        RowChange::Dir(path, row) if row.kept => format!("keep {path}/"),
        RowChange::Dir(path, _) => format!("row {path}/"),
        RowChange::ForgetFile(path) => format!("forget {path}"),
        RowChange::ForgetDir(path) => format!("forget {path}/"),
    });
    let conflicts = plan.conflicts.iter().map(|conflict| format!("conflict {}", conflict.path));
    let problems =
        plan.problems.iter().map(|problem| format!("problem {}: {}", problem.subject, problem.reason));
    halt.chain(questions)
        .chain(rows)
        .chain(plan.steps.iter().map(line))
        .chain(conflicts)
        .chain(problems)
        .collect()
}

fn question(need: &Examine) -> String {
    match need {
        Examine::LocalHash { disk } => format!("hash {disk}"),
        Examine::Head { key } => format!("head {key}"),
        Examine::Content { key } => format!("read {key}"),
    }
}

/// Returns a step as a line; where it lies on disk is named only if that is not its path.
pub(super) fn line(step: &Step) -> String {
    let path = &step.path;
    let place = |disk: &crate::path::DiskPath| {
        let own = RelPath::parse(disk.as_str()).is_ok_and(|own| own == *path);
        if own { path.to_string() } else { format!("{path} at {disk}") }
    };
    let over = |replaces: &RemoteExpectation| match replaces {
        RemoteExpectation::Absent => "",
        RemoteExpectation::Version(_) => " over",
    };
    let bit = |executable: &bool| if *executable { "+x" } else { "-x" };
    match &step.action {
        Action::Upload { disk, replaces, trash_replaced, .. } => {
            let trash = if *trash_replaced { " trashed" } else { "" };
            format!("upload {}{}{trash}", place(disk), over(replaces))
        }
        Action::Download { disk, replaces, must_descend_from, .. } => {
            let over = if replaces.is_some() { " over" } else { "" };
            let lineage = if must_descend_from.is_some() { " descendant" } else { "" };
            format!("download {}{over}{lineage}", place(disk))
        }
        Action::KeepBoth { disk, conflict, .. } => format!("keep both {} and {conflict}", place(disk)),
        Action::DeleteRemote { reason, .. } => match reason {
            DeleteReason::DeletedLocally => format!("delete remote {path}"),
            DeleteReason::Moved => format!("delete moved {path}"),
            DeleteReason::Ignored => format!("delete ignored {path}"),
        },
        Action::DeleteLocal { disk, .. } => format!("delete local {}", place(disk)),
        Action::CopyRemote { from, replaces, .. } => format!("copy {from} to {path}{}", over(replaces)),
        Action::RotateRemote { turns } => {
            let paths: Vec<&str> = turns.iter().map(|turn| turn.path.as_str()).collect();
            format!("rotate remote {}", paths.join(" < "))
        }
        Action::RotateLocal { turns } => {
            let paths: Vec<&str> = turns.iter().map(|turn| turn.path.as_str()).collect();
            format!("rotate local {}", paths.join(" > "))
        }
        Action::MoveLocal { from, disk, .. } => format!("move {from} to {}", place(disk)),
        Action::RenameOnDisk { from, to, .. } => format!("rename {from} to {to}"),
        Action::SetRemoteMode { executable, .. } => format!("publish {}{path}", bit(executable)),
        Action::SetLocalMode { executable, .. } => format!("chmod {}{path}", bit(executable)),
        Action::PutMarker { .. } => format!("put marker {path}/"),
        Action::DeleteMarker { .. } => format!("delete marker {path}/"),
        Action::RecordDir { .. } => format!("record {path}/"),
        Action::CreateDir { disk, .. } => format!("mkdir {}/", place(disk)),
        Action::RemoveDir { disk } => format!("rmdir {}/", place(disk)),
    }
}
