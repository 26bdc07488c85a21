//! Objects renamed there: their files are renamed here.
//!
//! - A rename is told by what a HEAD says of the new object: the checksums of a row whose object is gone or was
//!   replaced, else its tag. A link, or another executable bit, is no rename: such an object is brought.
//! - A file is moved only while it has the content of its row, and to a place that is free, or that its own file leaves
//!   by a move of this plan.

use std::collections::{BTreeMap, BTreeSet};

use crate::baseline::{FileRow, RowContent};
use crate::path::RelPath;
use crate::remote::{ObjectHead, RemoteObject};
use crate::traits::DiskTraits;

use super::super::judge::Verdict;
use super::super::sameness::{self, Answer, LocalChange};
use super::super::sides::Sides;
use super::super::{Case, Input};
use super::cycles;

/// Turns downloads into renames.
pub(super) fn find(input: Input<'_>, sides: &Sides<'_>, cases: &mut [Case<'_>]) {
    let mut sources: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for (index, case) in cases.iter().enumerate() {
        if let (true, Some(row)) = (can_leave(input, case), case.row) {
            sources.entry(row.size()).or_default().push(index);
        }
    }
    // What is gone is taken before what stays under its name with another content.
    for candidates in sources.values_mut() {
        candidates.sort_by_key(|index| cases[*index].verdict != Verdict::DeleteLocal);
    }
    if sources.is_empty() {
        return;
    }
    let taken = Taken::of(input, sides);
    let mut from: BTreeMap<usize, usize> = BTreeMap::new();
    for index in 0..cases.len() {
        match source_of(input, sides, &taken, cases, &mut sources, index) {
            Some(Ok(source)) => drop(from.insert(index, source)),
            Some(Err(asking)) => cases[index].verdict = asking,
            None => {}
        }
    }
    leave_out_blocked(cases, &mut from);
    enter(cases, from);
}

/// Returns whether a case's file is where the content of its row is, and is not needed there any longer.
fn can_leave(input: Input<'_>, case: &Case<'_>) -> bool {
    let (Some(row), Some(node)) = (case.row, &case.local) else { return false };
    if !matches!(row.content, RowContent::File { .. }) || row.size() == 0 {
        return false;
    }
    match case.verdict {
        Verdict::DeleteLocal => true,
        // It stands under its own name, so that no other name waits for it.
        Verdict::Download { .. } => {
            node.disk.name() == case.path.name()
                && matches!(
                    sameness::local_change(input, row, node),
                    Answer::Known(LocalChange::None | LocalChange::Touched(_) | LocalChange::Mode(..))
                )
        }
        _ => false,
    }
}

/// Returns which case's file has the content that an object would bring, or what must be known to tell.
fn source_of(
    input: Input<'_>,
    sides: &Sides<'_>,
    taken: &Taken,
    cases: &[Case<'_>],
    sources: &mut BTreeMap<u64, Vec<usize>>,
    index: usize,
) -> Option<Result<usize, Verdict>> {
    let case = &cases[index];
    let (Verdict::Download { .. }, Some(object)) = (&case.verdict, case.remote) else { return None };
    let candidates = sources.get_mut(&object.size)?;
    if case.local.is_some() && !can_leave(input, case) {
        return None;
    }
    let may_be = |source: &&usize| {
        **source != index && cases[**source].row.is_some_and(|row| may_be_content(row, object))
    };
    if !candidates.iter().any(|source| may_be(&source)) {
        return None;
    }
    let head = match sameness::head(input, object) {
        Answer::Known(head) => head,
        Answer::Ask(need) => return Some(Err(Verdict::Examine(vec![need]))),
        Answer::Failed(_) => return None,
    };
    let source = candidates.iter().filter(may_be).copied().find(|source| {
        cases[*source].row.is_some_and(|row| is_content(row, object, head))
            && (case.local.is_some()
                || is_place_free(sides, &input.context.disk, taken, &case.path, &cases[*source].path))
    })?;
    candidates.retain(|candidate| *candidate != source);
    Some(Ok(source))
}

/// Returns whether a listing leaves it open that `object` has the content of `row`, which is as long. Where the tag
/// of the row is the MD5 of its content, the tag of a copy would be as well: such a bucket need not be asked.
fn may_be_content(row: &FileRow, object: &RemoteObject) -> bool {
    let RowContent::File { digest, .. } = &row.content else { return false };
    let is_md5 = digest.md5.is_some() && row.etag.possible_md5() == digest.md5;
    let has_md5_tags = is_md5 && object.etag.possible_md5().is_some();
    row.etag == object.etag || !has_md5_tags
}

/// Returns whether `object` has the content of `row`, and its executable bit.
fn is_content(row: &FileRow, object: &RemoteObject, head: &ObjectHead) -> bool {
    let RowContent::File { digest, executable } = &row.content else { return false };
    let is_same = match sameness::agree(digest, head) {
        Some(answer) => answer,
        // The text of a short link has the tag of a file with that content, but it is none.
        None => row.etag == object.etag,
    };
    is_same && !head.metadata.symlink && head.metadata.executable == *executable
}

/// Drops moves to places that are taken: by a file that is not moved on itself, which may free no other place then.
fn leave_out_blocked(cases: &[Case<'_>], from: &mut BTreeMap<usize, usize>) {
    loop {
        let leaving: BTreeSet<usize> = from.values().copied().collect();
        let before = from.len();
        from.retain(|target, _| cases[*target].local.is_none() || leaving.contains(target));
        if from.len() == before {
            return;
        }
    }
}

/// Enters the moves into the cases.
fn enter(cases: &mut [Case<'_>], mut from: BTreeMap<usize, usize>) {
    for cycle in cycles::of(&from) {
        for target in cycle {
            if let Some(source) = from.remove(&target) {
                cases[target].verdict = Verdict::TurnLocal { from: cases[source].path.clone() };
            }
        }
    }
    for (target, source) in &from {
        cases[*target].verdict = Verdict::MoveLocal { from: cases[*source].path.clone() };
    }
    for source in from.into_values() {
        match &cases[source].verdict {
            Verdict::DeleteLocal => cases[source].verdict = Verdict::MovedAway,
            Verdict::Download { must_descend_from } => {
                let must_descend_from = must_descend_from.clone();
                cases[source].verdict = Verdict::Refill { must_descend_from };
            }
            _ => {}
        }
    }
}

/// The folded paths of what is on a disk that folds; empty on any other.
struct Taken {
    files: BTreeSet<String>,
    dirs: BTreeSet<String>,
}

impl Taken {
    fn of(input: Input<'_>, sides: &Sides<'_>) -> Self {
        let disk = &input.context.disk;
        let fold = |path: &RelPath| disk.folds().then(|| disk.fold(path.as_str()).into_owned());
        Self {
            files: sides.files.keys().filter_map(fold).collect(),
            dirs: sides.dirs.keys().filter_map(fold).collect(),
        }
    }
}

/// Returns whether nothing on disk but the file itself must go before it is put at `path`. Else a move might wait for
/// room that only it makes: such a file is brought anew.
fn is_place_free(
    sides: &Sides<'_>,
    disk: &DiskTraits,
    taken: &Taken,
    path: &RelPath,
    source: &RelPath,
) -> bool {
    let fold = |path: &RelPath| disk.fold(path.as_str()).into_owned();
    let is_free_of_folds = || {
        let own = fold(path);
        (!taken.files.contains(&own) || own == fold(source))
            && !taken.dirs.contains(&own)
            && path.ancestors().all(|above| !taken.files.contains(&fold(&above)))
    };
    !sides.dirs.contains(path)
        && path.ancestors().all(|above| !sides.files.contains(&above))
        && (!disk.folds() || is_free_of_folds())
}
