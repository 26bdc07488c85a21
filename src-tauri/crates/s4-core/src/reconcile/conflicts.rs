//! Two different versions of one path: who decides, and how a copy is named.
//!
//! - A person's decision holds only for the pair that was shown; for any other pair it is void.
//! - The policy `newest` is the only place where clocks decide, and only where they are clear.

use std::collections::{BTreeMap, BTreeSet};

use crate::context::ConflictPolicy;
use crate::facts::Keep;
use crate::names;
use crate::path::RelPath;
use crate::plan::RemoteExpectation;
use crate::remote::RemoteObject;
use crate::tree::SortedMap;

use super::judge::Verdict;
use super::sameness::{self, Answer};
use super::sides::{LocalNode, Sides};
use super::{Case, Input};

/// Decides between two versions that are known to differ.
pub(super) fn resolve<'a>(
    input: Input<'a>,
    path: &RelPath,
    node: &LocalNode<'a>,
    object: &'a RemoteObject,
) -> Verdict {
    let Some(fingerprint) = node.entry.fingerprint() else {
        return Verdict::Conflict;
    };
    if let Some(keep) = input.facts.decision(path, fingerprint, &object.etag) {
        return verdict(Some(keep), input, object);
    }
    match input.context.policy {
        ConflictPolicy::Ask => Verdict::Conflict,
        ConflictPolicy::KeepBoth => verdict(Some(Keep::Both), input, object),
        ConflictPolicy::Local => verdict(Some(Keep::Local), input, object),
        ConflictPolicy::Remote => verdict(Some(Keep::Remote), input, object),
        ConflictPolicy::Newest => match sameness::head(input, object) {
            Answer::Known(head) => {
                let remote_ns =
                    head.metadata.mtime_ns.unwrap_or(object.last_modified.0.saturating_mul(1_000_000));
                verdict(newer(fingerprint.mtime_ns, remote_ns, input.context.now.0), input, object)
            }
            Answer::Ask(need) => Verdict::Examine(vec![need]),
            Answer::Failed(reason) => Verdict::Problem(reason),
        },
    }
}

/// Times closer than this may be the same: FAT keeps even seconds only.
const CLEAR_DIFFERENCE_NS: i64 = 2_000_000_000;

/// Returns which side is newer; `None` where the times are close, or one of them lies in the future.
fn newer(local_ns: i64, remote_ns: i64, now_ms: i64) -> Option<Keep> {
    let now_ns = now_ms.saturating_mul(1_000_000);
    if local_ns > now_ns
        || remote_ns > now_ns
        || local_ns.abs_diff(remote_ns) <= CLEAR_DIFFERENCE_NS.unsigned_abs()
    {
        return None;
    }
    Some(if local_ns > remote_ns { Keep::Local } else { Keep::Remote })
}

fn verdict(keep: Option<Keep>, input: Input<'_>, object: &RemoteObject) -> Verdict {
    match keep {
        None => Verdict::Conflict,
        Some(Keep::Local) => Verdict::Upload {
            replaces: RemoteExpectation::Version(object.etag.clone()),
            // The version that is replaced is nobody's base: it stays recoverable.
            trash_replaced: input.context.store.needs_trash() && input.context.bucket_trash,
        },
        Some(Keep::Remote) => Verdict::Download { must_descend_from: None },
        Some(Keep::Both) => Verdict::KeepBoth { copy: None },
    }
}

/// Gives each copy a path that is free in all three trees, and that no other copy of this plan has.
pub(super) fn name_copies(input: Input<'_>, sides: &Sides<'_>, cases: &mut [Case<'_>]) {
    let mut taken: BTreeMap<Option<RelPath>, BTreeSet<String>> = BTreeMap::new();
    for case in cases {
        let Verdict::KeepBoth { copy } = &mut case.verdict else { continue };
        let names = taken
            .entry(case.path.parent())
            .or_insert_with(|| names_in(input, sides, case.path.parent().as_ref()));
        *copy = (1..u32::MAX).find_map(|n| {
            let name = names::conflict_name(case.path.name(), &input.context.stamp, n);
            names.insert(fold(&name)).then(|| case.path.with_name(&name))
        });
        // A copy that no key can hold would stay on this disk alone: a person must choose.
        if copy.as_ref().is_none_or(|copy| input.context.prefix.file_key(copy).is_too_long()) {
            case.verdict = Verdict::Conflict;
        }
    }
}

/// Returns the folded names that any tree knows in a directory, or below it.
fn names_in(input: Input<'_>, sides: &Sides<'_>, directory: Option<&RelPath>) -> BTreeSet<String> {
    let name_of = |path: &RelPath| {
        let rest = match directory {
            None => Some(path.as_str()),
            Some(directory) if path.is_below(directory) => path.as_str().get(directory.as_str().len() + 1..),
            Some(_) => None,
        };
        rest.and_then(|rest| rest.split('/').next()).map(fold)
    };
    let mut names = BTreeSet::new();
    names.extend(below(&sides.files, directory).filter_map(name_of));
    names.extend(below(&sides.dirs, directory).filter_map(name_of));
    names.extend(below(&input.remote.objects, directory).filter_map(name_of));
    names.extend(below(&input.remote.markers, directory).filter_map(name_of));
    names.extend(below(&input.baseline.files, directory).filter_map(name_of));
    names.extend(below(&input.baseline.dirs, directory).filter_map(name_of));
    names.extend(input.remote.blocked.iter().filter_map(|blocked| blocked.path.as_ref()).filter_map(name_of));
    // What is on disk under another name than its path's takes that name as well.
    let spelled = directory.map(|directory| sides.disk_path(directory));
    let start = spelled.as_ref().map(|directory| input.local.entries.range_from(directory));
    let on_disk = start
        .into_iter()
        .flatten()
        .map(|(disk, _)| disk)
        .take_while(|disk| spelled.as_ref().is_some_and(|above| *disk == above || disk.is_below(above)))
        .chain(input.local.entries.keys().filter(|_| directory.is_none()));
    names.extend(
        on_disk.filter_map(|disk| RelPath::parse(disk.as_str()).ok()).filter_map(|path| name_of(&path)),
    );
    names
}

/// Returns the paths that a tree has in `directory`, or below it.
fn below<'a, V>(
    tree: &'a SortedMap<RelPath, V>,
    directory: Option<&'a RelPath>,
) -> Box<dyn Iterator<Item = &'a RelPath> + 'a> {
    match directory {
        None => Box::new(tree.keys()),
        Some(directory) => {
            let is_inside = move |path: &&RelPath| *path == directory || path.is_below(directory);
            Box::new(tree.range_from(directory).map(|(path, _)| path).take_while(is_inside))
        }
    }
}

/// Returns the form in which two names may be one on some computer.
fn fold(name: &str) -> String {
    name.chars().flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t48_newest_decides_only_where_times_are_clear() {
        const SECOND: i64 = 1_000_000_000;
        let now_ms = 100_000;
        let rows = [
            (50 * SECOND, 40 * SECOND, Some(Keep::Local)),
            (40 * SECOND, 50 * SECOND, Some(Keep::Remote)),
            (40 * SECOND, 42 * SECOND, None),
            (101 * SECOND, 50 * SECOND, None),
            (50 * SECOND, 101 * SECOND, None),
            (i64::MIN, i64::MAX, None),
        ];
        for (local, remote, expected) in rows {
            assert_eq!(newer(local, remote, now_ms), expected, "{local} {remote}");
        }
    }
}
