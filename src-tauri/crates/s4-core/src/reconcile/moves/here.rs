//! Files renamed here: their objects are copied in the bucket.
//!
//! - An inode number proves nothing alone, inodes are recycled: here it counts only with size, mtime and ctime
//!   (a directory above was renamed), or with size, mtime and birth time; else the content hash decides. Where the
//!   hash is known it decides alone.
//! - A source is an object that still has the content of its row, whose file was deleted or replaced here.

use std::collections::BTreeMap;

use crate::baseline::{FileRow, RowContent};
use crate::capabilities::CopyCondition;
use crate::local::{Fingerprint, LocalEntry, LocalFile};
use crate::path::RelPath;
use crate::plan::{MAX_COPY_BYTES, RemoteExpectation};
use crate::remote::RemoteObject;

use super::super::judge::Verdict;
use super::super::sameness::{self, Answer, RemoteChange};
use super::super::{Case, Input};
use super::cycles;

/// What may have been renamed: cases by what their rows are known by.
#[derive(Default)]
struct Sources {
    by_inode: BTreeMap<(u64, u64, i64), usize>,
    /// Those whose file is gone come first.
    by_hash: BTreeMap<[u8; 32], usize>,
    /// How many have no file any more, by size.
    gone_by_size: BTreeMap<u64, usize>,
}

/// Turns uploads into copies.
pub(super) fn find(input: Input<'_>, cases: &mut [Case<'_>]) {
    let sources = Sources::of(input, cases);
    if sources.by_inode.is_empty() && sources.by_hash.is_empty() {
        return;
    }
    let mut from: BTreeMap<usize, usize> = BTreeMap::new();
    for index in 0..cases.len() {
        match sources.source_of(input, cases, index) {
            Some(Ok(source)) => drop(from.insert(index, source)),
            Some(Err(asking)) => cases[index].verdict = asking,
            None => {}
        }
    }
    for cycle in cycles::of(&from) {
        for target in cycle {
            if let Some(source) = from.remove(&target) {
                cases[target].verdict = Verdict::TurnRemote { from: cases[source].path.clone() };
            }
        }
    }
    for (target, source) in from {
        if let Verdict::Upload { replaces, .. } = &cases[target].verdict {
            let replaces = replaces.clone();
            cases[target].verdict = Verdict::CopyRemote { from: cases[source].path.clone(), replaces };
        }
        if cases[source].verdict == Verdict::DeleteRemote {
            cases[source].verdict = Verdict::DeleteMoved;
        }
    }
}

impl Sources {
    fn of(input: Input<'_>, cases: &[Case<'_>]) -> Self {
        let mut sources = Self::default();
        let granularity = input.context.disk.granularity_ns;
        for (index, case) in cases.iter().enumerate() {
            let (Some(row), Some(_)) = (case.row, case.remote) else { continue };
            let RowContent::File { digest, .. } = &row.content else { continue };
            let is_gone = case.verdict == Verdict::DeleteRemote;
            if digest.size == 0 || !(is_gone || is_replaced(input, case)) {
                continue;
            }
            if !row.fingerprint.is_racy(row.read_time_ns, granularity) {
                sources.by_inode.insert(inode(&row.fingerprint), index);
            }
            if is_gone {
                *sources.gone_by_size.entry(digest.size).or_default() += 1;
                let first = sources.by_hash.get(&digest.blake3).copied();
                let is_first = first.is_none_or(|first| cases[first].verdict != Verdict::DeleteRemote);
                if is_first {
                    sources.by_hash.insert(digest.blake3, index);
                }
            } else {
                sources.by_hash.entry(digest.blake3).or_insert(index);
            }
        }
        sources
    }

    /// Returns whose content an upload would send, or what must be known to tell.
    fn source_of(
        &self,
        input: Input<'_>,
        cases: &[Case<'_>],
        index: usize,
    ) -> Option<Result<usize, Verdict>> {
        let case = &cases[index];
        let Verdict::Upload { replaces, trash_replaced: false } = &case.verdict else { return None };
        let node = case.local.as_ref()?;
        let LocalEntry::File(LocalFile { fingerprint: print, .. }) = node.entry else { return None };
        let is_write_known = *replaces == RemoteExpectation::Absent || is_replaced(input, case);
        let by_inode = self.by_inode.get(&inode(print)).copied().filter(|source| *source != index);
        let may_be_known = by_inode.is_some() || self.gone_by_size.contains_key(&print.size);
        let fact = input.facts.local(&node.disk, print);
        if !is_write_known
            || !(may_be_known || fact.is_some())
            || !can_copy(input, print.size, replaces)
            || !is_key_free(input, &case.path, replaces)
        {
            return None;
        }
        if let Some(fact) = fact {
            // Files of one content are all the same: only not the object that is to be replaced.
            let source = self.by_hash.get(&fact.digest.blake3).copied();
            return source.filter(|source| *source != index).map(Ok);
        }
        let row_of = |source: &usize| cases[*source].row;
        match by_inode.filter(|source| row_of(source).is_some_and(|row| was_renamed(row, print))) {
            Some(source) => Some(Ok(source)),
            None => match sameness::local_fact(input, node) {
                Answer::Ask(need) => Some(Err(Verdict::Examine(vec![need]))),
                Answer::Known(_) | Answer::Failed(_) => None,
            },
        }
    }
}

fn inode(print: &Fingerprint) -> (u64, u64, i64) {
    (print.file_id.0, print.size, print.mtime_ns)
}

/// Returns whether one inode, seen under two names, holds the content it held: its parent was renamed, or it was
/// itself and was born at the same time.
fn was_renamed(row: &FileRow, now: &Fingerprint) -> bool {
    let before = &row.fingerprint;
    let same_change = before.ctime_ns.is_some() && before.ctime_ns == now.ctime_ns;
    let same_birth = before.birth_ns.is_some() && before.birth_ns == now.birth_ns;
    before.same_but_renamed(now) && (same_change || same_birth)
}

/// Returns whether another content stands here in the place of what the object still has: that of its row. The
/// object that the winner of a conflict replaces has another one.
fn is_replaced(input: Input<'_>, case: &Case<'_>) -> bool {
    let Verdict::Upload { replaces: RemoteExpectation::Version(_), trash_replaced: false } = &case.verdict
    else {
        return false;
    };
    let (Some(row), Some(object)) = (case.row, case.remote) else { return false };
    match sameness::remote_change(input, row, object) {
        Answer::Known(RemoteChange::None | RemoteChange::Noted(_) | RemoteChange::Mode(..)) => true,
        Answer::Known(RemoteChange::Content) | Answer::Ask(_) | Answer::Failed(_) => false,
    }
}

/// Returns whether the store can copy with conditions on both ends, one way or the other.
fn can_copy(input: Input<'_>, size: u64, replaces: &RemoteExpectation) -> bool {
    let store = &input.context.store;
    let (by_copy, by_parts) = match replaces {
        RemoteExpectation::Absent => (store.copy_if_none_match, store.complete_if_none_match),
        RemoteExpectation::Version(_) => (store.copy_if_match, store.complete_if_match),
    };
    let in_one = store.copy_source_if_match && by_copy != CopyCondition::None && size <= MAX_COPY_BYTES;
    in_one || (store.upload_part_copy && by_parts)
}

/// Returns whether nothing in the bucket must go before `path` is written but what it replaces. Else a copy might
/// wait for the delete of its own source, which waits for the copy: such a file is uploaded.
fn is_key_free(input: Input<'_>, path: &RelPath, replaces: &RemoteExpectation) -> bool {
    let is_in_the_way = |other: Option<(&RelPath, &RemoteObject)>| {
        other.is_some_and(|(other, _)| other == path || other.is_below(path))
    };
    let mut objects = input.remote.objects.range_from(path);
    let first = objects.next();
    let first = match replaces {
        RemoteExpectation::Version(_) if first.is_some_and(|(other, _)| other == path) => objects.next(),
        RemoteExpectation::Version(_) | RemoteExpectation::Absent => first,
    };
    !is_in_the_way(first)
        && !is_in_the_way(input.remote.markers.range_from(path).next())
        && path.ancestors().all(|above| !input.remote.objects.contains(&above))
}
