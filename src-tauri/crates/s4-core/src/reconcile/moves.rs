//! Renames: which delete and which create are one move, so that no content travels.
//!
//! - An inode number proves nothing alone, inodes are recycled: here it counts only with size, mtime and ctime
//!   (a directory above was renamed), or with size, mtime and birth time; else the content hash decides.
//! - A rename in the bucket is known by its tag and size, or by its checksums.
//! - A move is always a copy, confirmed, and then a delete: whoever carries it out can stop anywhere.

use std::collections::{BTreeMap, BTreeSet};

use crate::baseline::{FileRow, RowContent};
use crate::local::{Fingerprint, LocalEntry};
use crate::path::{MAX_PORTABLE_TARGET, RelPath};
use crate::plan::RemoteExpectation;
use crate::remote::{ObjectHead, RemoteObject};
use crate::traits::DiskTraits;

use super::judge::Verdict;
use super::sameness::{self, Answer, RemoteChange};
use super::sides::Sides;
use super::{Case, Input};

/// Turns pairs of verdicts into moves.
pub(super) fn find(input: Input<'_>, sides: &Sides<'_>, cases: &mut [Case<'_>]) {
    find_local_renames(input, cases);
    find_remote_renames(input, sides, cases);
}

/// Returns whether nothing in the bucket must go before `path` is written. Else a copy might wait for the delete of
/// its own source, which waits for the copy: such a file is uploaded.
fn is_key_free(input: Input<'_>, path: &RelPath) -> bool {
    let is_in_the_way = |other: Option<(&RelPath, &RemoteObject)>| {
        other.is_some_and(|(other, _)| other == path || other.is_below(path))
    };
    !is_in_the_way(input.remote.objects.range_from(path).next())
        && !is_in_the_way(input.remote.markers.range_from(path).next())
        && path.ancestors().all(|above| !input.remote.objects.contains(&above))
}

/// Returns whether nothing on disk but the file itself must go before it is put at `path`: the same, the other way.
fn is_place_free(
    sides: &Sides<'_>,
    disk: &DiskTraits,
    (taken, taken_dirs): &(Folded, Folded),
    path: &RelPath,
    source: &RelPath,
) -> bool {
    let fold = |path: &RelPath| disk.fold(path.as_str()).into_owned();
    let is_free_of_folds = || {
        let own = fold(path);
        (!taken.contains(&own) || own == fold(source))
            && !taken_dirs.contains(&own)
            && path.ancestors().all(|above| !taken.contains(&fold(&above)))
    };
    !sides.dirs.contains(path)
        && path.ancestors().all(|above| !sides.files.contains(&above))
        && (!disk.folds() || is_free_of_folds())
}

/// The folded paths of what is on a disk that folds; empty on any other.
type Folded = BTreeSet<String>;

/// Returns whether the store can copy with conditions on both ends, one way or the other.
fn can_copy(input: Input<'_>) -> bool {
    let store = &input.context.store;
    let by_copy =
        store.copy_source_if_match && store.copy_if_none_match != crate::capabilities::CopyCondition::None;
    let by_parts = store.upload_part_copy && store.complete_if_none_match;
    by_copy || by_parts
}

/// Files renamed here: their objects are copied in the bucket.
fn find_local_renames(input: Input<'_>, cases: &mut [Case<'_>]) {
    if !can_copy(input) {
        return;
    }
    // What no longer holds its content: deleted, or replaced by another file.
    let mut by_inode: BTreeMap<(u64, u64, i64), usize> = BTreeMap::new();
    let mut gone_by_size: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for (index, case) in cases.iter().enumerate() {
        let (Some(row), Some(_)) = (case.row, case.remote) else { continue };
        let RowContent::File { digest, .. } = &row.content else { continue };
        let is_gone = case.verdict == Verdict::DeleteRemote;
        let is_replaced =
            matches!(case.verdict, Verdict::Upload { replaces: RemoteExpectation::Version(_), .. })
                && holds_row(input, case);
        let granularity = input.context.disk.granularity_ns;
        let is_trusted = !row.fingerprint.is_racy(row.read_time_ns, granularity);
        if digest.size > 0 && is_trusted && (is_gone || is_replaced) {
            let print = &row.fingerprint;
            by_inode.insert((print.file_id.0, print.size, print.mtime_ns), index);
        }
        if digest.size > 0 && is_gone {
            gone_by_size.entry(digest.size).or_default().push(index);
        }
    }
    if by_inode.is_empty() && gone_by_size.is_empty() {
        return;
    }
    let mut moved = BTreeSet::new();
    for index in 0..cases.len() {
        let case = &cases[index];
        let created = matches!(case.verdict, Verdict::Upload { replaces: RemoteExpectation::Absent, .. });
        let (true, Some(node)) = (created && is_key_free(input, &case.path), &case.local) else { continue };
        let LocalEntry::File(file) = node.entry else { continue };
        let print = &file.fingerprint;
        let same_inode = by_inode
            .get(&(print.file_id.0, print.size, print.mtime_ns))
            .filter(|source| cases[**source].row.is_some_and(|row| was_renamed(&row.fingerprint, print)));
        let source = match (same_inode, gone_by_size.get(&print.size)) {
            (Some(source), _) => Some(*source),
            (None, None) => None,
            (None, Some(candidates)) => match sameness::local_fact(input, node) {
                Answer::Known(fact) => candidates
                    .iter()
                    .copied()
                    .find(|source| blake3_of(cases[*source].row) == Some(fact.digest.blake3)),
                Answer::Ask(need) => {
                    cases[index].verdict = Verdict::Examine(vec![need]);
                    None
                }
                Answer::Failed(_) => None,
            },
        };
        if let Some(source) = source {
            cases[index].verdict = Verdict::CopyRemote { from: cases[source].path.clone() };
            moved.insert(source);
        }
    }
    for source in moved {
        if cases[source].verdict == Verdict::DeleteRemote {
            cases[source].verdict = Verdict::DeleteMoved;
        }
    }
}

/// Returns whether the object of a file that was edited here still has the content of its row: the winner of a
/// conflict replaces another one.
fn holds_row(input: Input<'_>, case: &Case<'_>) -> bool {
    let (Some(row), Some(object)) = (case.row, case.remote) else { return false };
    match sameness::remote_change(input, row, object) {
        Answer::Known(RemoteChange::None | RemoteChange::Noted(_) | RemoteChange::Mode(..)) => true,
        Answer::Known(RemoteChange::Content) | Answer::Ask(_) | Answer::Failed(_) => false,
    }
}

/// Returns whether one inode, seen under two names, holds the content it held: its parent was renamed, or it was
/// itself and was born at the same time.
fn was_renamed(before: &Fingerprint, now: &Fingerprint) -> bool {
    let same_change = before.ctime_ns.is_some() && before.ctime_ns == now.ctime_ns;
    let same_birth = before.birth_ns.is_some() && before.birth_ns == now.birth_ns;
    before.same_but_renamed(now) && (same_change || same_birth)
}

fn blake3_of(row: Option<&FileRow>) -> Option<[u8; 32]> {
    match &row?.content {
        RowContent::File { digest, .. } => Some(digest.blake3),
        RowContent::Symlink { .. } => None,
    }
}

/// Objects renamed there: their files are renamed here.
fn find_remote_renames(input: Input<'_>, sides: &Sides<'_>, cases: &mut [Case<'_>]) {
    let mut gone_by_size: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for (index, case) in cases.iter().enumerate() {
        let (Verdict::DeleteLocal, Some(row)) = (&case.verdict, case.row) else { continue };
        if matches!(row.content, RowContent::File { .. }) && row.size() > 0 {
            gone_by_size.entry(row.size()).or_default().push(index);
        }
    }
    if gone_by_size.is_empty() {
        return;
    }
    let disk = &input.context.disk;
    let fold = |path: &RelPath| disk.folds().then(|| disk.fold(path.as_str()).into_owned());
    let taken: (Folded, Folded) =
        (sides.files.keys().filter_map(fold).collect(), sides.dirs.keys().filter_map(fold).collect());
    for index in 0..cases.len() {
        let case = &cases[index];
        let (Verdict::Download { .. }, None, None, Some(object)) =
            (&case.verdict, case.row, &case.local, case.remote)
        else {
            continue;
        };
        let Some(candidates) = gone_by_size.get_mut(&object.size) else { continue };
        let found = match find_source(input, cases, candidates, object) {
            Answer::Known(found) => found,
            Answer::Ask(need) => {
                cases[index].verdict = Verdict::Examine(vec![need]);
                None
            }
            Answer::Failed(_) => None,
        };
        if let Some(source) = found
            .filter(|source| is_place_free(sides, disk, &taken, &cases[index].path, &cases[*source].path))
        {
            candidates.retain(|candidate| *candidate != source);
            cases[index].verdict = Verdict::MoveLocal { from: cases[source].path.clone() };
            cases[source].verdict = Verdict::MovedAway;
        }
    }
}

/// Returns which of the vanished objects `object` is.
fn find_source(
    input: Input<'_>,
    cases: &[Case<'_>],
    candidates: &[usize],
    object: &RemoteObject,
) -> Answer<Option<usize>> {
    let row_of = |index: &usize| cases[*index].row;
    let same_tag = |index: &&usize| row_of(index).is_some_and(|row| row.etag == object.etag);
    if candidates.is_empty() {
        return Answer::Known(None);
    }
    // What is short enough may be a link, whose text has the tag of a file with that content: only a HEAD tells.
    let may_be_link = object.size <= MAX_PORTABLE_TARGET as u64;
    if let (false, Some(source)) = (may_be_link, candidates.iter().find(same_tag)) {
        return Answer::Known(Some(*source));
    }
    let same_content = |head: &ObjectHead, index: &&usize| {
        matches!(row_of(index).map(|row| &row.content),
            Some(RowContent::File { digest, .. }) if sameness::agree(digest, head) == Some(true))
    };
    match sameness::head(input, object) {
        Answer::Known(head) if head.metadata.symlink => Answer::Known(None),
        Answer::Known(head) => {
            let found = candidates
                .iter()
                .find(same_tag)
                .or_else(|| candidates.iter().find(|index| same_content(head, index)));
            Answer::Known(found.copied())
        }
        Answer::Ask(need) => Answer::Ask(need),
        Answer::Failed(reason) => Answer::Failed(reason),
    }
}
