//! Names that cannot stand together on this disk: a file beside a directory of its name, two names that the disk
//! takes for one, a name it refuses.
//!
//! - The bucket is not touched. The directory keeps the name, else the file that is on disk in that spelling, else
//!   the first key in byte order.
//! - The other file is on disk under a name that depends on its key alone, and is listed as a problem.

use std::collections::{BTreeMap, BTreeSet};

use crate::key::ObjectKey;
use crate::names;
use crate::path::{DiskPath, RelPath};
use crate::plan::{Problem, ProblemReason};

use super::directories::Directories;
use super::judge::Verdict;
use super::sides::{LocalNode, Sides};
use super::{Case, Input, problem};

/// Where files go whose own name is taken or refused.
#[derive(Debug, Default)]
pub(super) struct Clashes<'a> {
    /// Where each file goes that is not on disk yet.
    targets: BTreeMap<RelPath, DiskPath>,
    /// Files on disk that change their name here, and to what.
    pub(super) renames: BTreeMap<RelPath, (LocalNode<'a>, DiskPath)>,
    /// The files that stand under another name in the end.
    pub(super) problems: Vec<Problem>,
}

impl Clashes<'_> {
    /// Returns where the file `path` goes, which is not on disk yet.
    pub(super) fn target(&self, sides: &Sides<'_>, path: &RelPath) -> DiskPath {
        self.targets.get(path).cloned().unwrap_or_else(|| sides.disk_path(path))
    }
}

/// Finds them.
pub(super) fn find<'a>(
    input: Input<'a>,
    sides: &Sides<'a>,
    cases: &[Case<'a>],
    directories: &Directories,
) -> Clashes<'a> {
    let mut clashes = Clashes::default();
    let leaving: BTreeSet<&RelPath> = cases
        .iter()
        .filter(|case| matches!(case.verdict, Verdict::DeleteLocal | Verdict::MovedAway))
        .map(|case| &case.path)
        .collect();
    let mut taken = Taken::of(input, sides, directories, &leaving);
    // Few files share the name of a directory: they are looked up, not all others asked.
    let beside: BTreeSet<&RelPath> =
        directories.on_disk.iter().filter(|directory| sides.files.contains(directory)).collect();
    for (path, node) in sides.files.iter() {
        let is_concerned = taken.folds || stands_aside(path, node) || beside.contains(path);
        if is_concerned && !leaving.contains(path) {
            settle_on_disk(input, sides, path, node, &mut taken, &mut clashes);
        }
    }
    let mut arriving = taken;
    for case in cases {
        if case.local.is_none()
            && matches!(case.verdict, Verdict::Download { .. } | Verdict::MoveLocal { .. })
        {
            settle_arrival(input, sides, case, &mut arriving, &mut clashes);
        }
    }
    clashes
}

/// The names that are taken on this disk in the end.
struct Taken {
    dirs: BTreeSet<RelPath>,
    /// Folded disk paths and who has them; kept only where folding matters.
    folded: BTreeMap<String, RelPath>,
    /// Those of directories alone.
    folded_dirs: BTreeSet<String>,
    /// Those of everything that is on disk now, also of what goes.
    folded_now: BTreeSet<String>,
    folds: bool,
}

impl Taken {
    fn of(
        input: Input<'_>,
        sides: &Sides<'_>,
        directories: &Directories,
        leaving: &BTreeSet<&RelPath>,
    ) -> Self {
        let traits = &input.context.disk;
        let folds = traits.folds();
        let mut folded = BTreeMap::new();
        let mut folded_dirs = BTreeSet::new();
        let mut folded_now = BTreeSet::new();
        if folds {
            let now = input.local.entries.keys();
            folded_now.extend(now.map(|disk| traits.fold(disk.as_str()).into_owned()));
            for path in &directories.on_disk {
                let form = traits.fold(sides.disk_path(path).as_str()).into_owned();
                folded_dirs.insert(form.clone());
                folded.insert(form, path.clone());
            }
            for (path, node) in sides.files.iter().filter(|(path, _)| !leaving.contains(path)) {
                folded.entry(traits.fold(node.disk.as_str()).into_owned()).or_insert_with(|| path.clone());
            }
        }
        Self { dirs: directories.on_disk.clone(), folded, folded_dirs, folded_now, folds }
    }
}

/// Returns whether a file is on disk under a clash name.
fn stands_aside(path: &RelPath, node: &LocalNode<'_>) -> bool {
    names::looks_like_clash(node.disk.name()) && node.disk.name() != path.name()
}

/// Decides about a file that is on disk and stays.
fn settle_on_disk<'a>(
    input: Input<'a>,
    sides: &Sides<'a>,
    path: &RelPath,
    node: &LocalNode<'a>,
    taken: &mut Taken,
    clashes: &mut Clashes<'a>,
) {
    let stands_aside = stands_aside(path, node);
    let own = sides.disk_path(path);
    let own_form = input.context.disk.fold(own.as_str()).into_owned();
    let key = || {
        input
            .remote
            .objects
            .get(path)
            .map_or_else(|| input.context.prefix.file_key(path), |object| object.key.clone())
    };
    let own_is_refused = input.context.disk.refusal(path.name()).is_some();
    let is_directory = taken.dirs.contains(path) || (taken.folds && taken.folded_dirs.contains(&own_form));
    let own_is_taken = is_directory || own_is_refused;
    if !stands_aside && is_directory {
        let aside = aside(input, &node.disk, path, &key());
        clashes.problems.push(clash_problem(path, &aside));
        clashes.renames.insert(path.clone(), (node.clone(), aside));
    } else if stands_aside {
        let is_free = !own_is_taken
            && match taken.folds {
                true => !taken.folded.contains_key(&own_form) && !taken.folded_now.contains(&own_form),
                false => !input.local.entries.contains(&own),
            };
        if is_free {
            // The clash ended: it gets its name back.
            taken.folded.insert(own_form, path.clone());
            clashes.renames.insert(path.clone(), (node.clone(), own));
        } else if input.remote.objects.contains(&path.with_name(node.disk.name())) {
            // The name under which it stands aside has become another file's own.
            let aside = aside(input, &own, path, &key());
            clashes.problems.push(clash_problem(path, &aside));
            clashes.renames.insert(path.clone(), (node.clone(), aside));
        } else {
            clashes.problems.push(clash_problem(path, &node.disk));
        }
    }
}

/// Decides where a file goes that is not on disk yet.
fn settle_arrival<'a>(
    input: Input<'a>,
    sides: &Sides<'a>,
    case: &Case<'a>,
    taken: &mut Taken,
    clashes: &mut Clashes<'a>,
) {
    let own = sides.disk_path(&case.path);
    let fold = |disk: &DiskPath| input.context.disk.fold(disk.as_str()).into_owned();
    let is_taken = taken.dirs.contains(&case.path)
        || input.context.disk.refusal(case.path.name()).is_some()
        || (taken.folds && taken.folded.get(&fold(&own)).is_some_and(|owner| *owner != case.path));
    let target = match (is_taken, case.remote) {
        (true, Some(object)) => aside(input, &own, &case.path, &object.key),
        (true, None) | (false, _) => own.clone(),
    };
    if taken.folds {
        taken.folded.entry(fold(&target)).or_insert_with(|| case.path.clone());
    }
    if target != own {
        clashes.problems.push(clash_problem(&case.path, &target));
        clashes.targets.insert(case.path.clone(), target);
    }
}

/// Returns where `path`, which cannot stand at `own`, goes: under the first of its clash names that no file of its
/// own has, on any side.
fn aside(input: Input<'_>, own: &DiskPath, path: &RelPath, key: &ObjectKey) -> DiskPath {
    let names = names::clash_names(path.name(), key);
    let is_free = |name: &&String| {
        let as_path = path.with_name(name);
        !input.local.entries.contains(&own.with_name(name))
            && !input.remote.objects.contains(&as_path)
            && !input.baseline.files.contains(&as_path)
    };
    own.with_name(names.iter().find(is_free).or(names.first()).map_or(path.name(), String::as_str))
}

fn clash_problem(path: &RelPath, aside: &DiskPath) -> Problem {
    problem(path, ProblemReason::Clash(aside.to_string()))
}
