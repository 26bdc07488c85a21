//! Looks at a folder without leaving anything in it.

use s4_core::path::{DiskPath, RESERVED_COMPONENT, RelPath};
use s4_core::rules::{RULE_FILES, Rules};
use s4_local::disk::{Disk, EntryName, Kind, Stat, child, root};
use s4_local::error::{DiskError, DiskErrorKind};

use crate::error::SyncError;

/// A file of rules is never longer than this, in bytes.
const MAX_RULE_BYTES: u64 = 1 << 20;

/// One file or link.
pub(super) struct Found {
    /// Where it is.
    pub(super) path: DiskPath,
    /// What it is.
    pub(super) stat: Stat,
    /// Whether the rules ignore it.
    pub(super) is_ignored: bool,
}

/// Everything that a walk saw.
#[derive(Default)]
pub(super) struct Walked {
    /// Files and links.
    pub(super) files: Vec<Found>,
    /// What could not be read.
    pub(super) problems: Vec<DiskError>,
}

/// Returns every file and link below the root, the ignored ones marked; other mounts are walked as well.
pub(super) fn walk(disk: &dyn Disk, rules: &Rules) -> Result<Walked, DiskError> {
    let mut walked = Walked::default();
    let mut waiting = vec![(root(), false)];
    while let Some((directory, is_ignored)) = waiting.pop() {
        let listed = disk.read_dir(&directory, &mut |item| {
            let EntryName::Text(name) = item.name else { return };
            let path = child(&directory, &name);
            if is_reserved(&path, &name) {
                return;
            }
            match item.stat {
                Ok(stat) => {
                    let is_dir = stat.kind == Kind::Dir;
                    let is_ignored = is_ignored || rules.is_ignored(path.as_str(), is_dir);
                    match stat.kind {
                        Kind::Dir => waiting.push((path, is_ignored)),
                        Kind::File | Kind::Symlink => walked.files.push(Found { path, stat, is_ignored }),
                        Kind::Special => {}
                    }
                }
                Err(error) if error.kind == DiskErrorKind::Missing => {}
                Err(error) => walked.problems.push(error),
            }
        });
        match listed {
            Ok(()) => {}
            Err(error) if directory.as_str().is_empty() => return Err(error),
            Err(error) => walked.problems.push(error),
        }
    }
    Ok(walked)
}

/// Returns the rules of the folder and of this computer.
pub(super) fn rules(disk: &dyn Disk, exclude: &[String]) -> Result<Rules, SyncError> {
    let mut texts = Vec::new();
    for name in RULE_FILES {
        if let Some(text) = read_rules(disk, name)? {
            texts.push((name, text));
        }
    }
    let exclude = exclude.join("\n");
    let files = texts.iter().map(|(name, text)| (*name, text.as_str()));
    Ok(Rules::new(files.chain([("the target's `exclude`", exclude.as_str())]))?)
}

fn read_rules(disk: &dyn Disk, name: &str) -> Result<Option<String>, SyncError> {
    let unreadable = |why: String| SyncError::RulesUnreadable { file: name.to_owned(), why };
    let path = DiskPath::new(name);
    let handle = match disk.open(&path) {
        Ok(handle) => handle,
        Err(error) if error.kind == DiskErrorKind::Missing => return Ok(None),
        Err(error) => return Err(unreadable(error.to_string())),
    };
    let size = handle.stat()?.fingerprint.size;
    if size > MAX_RULE_BYTES {
        return Err(unreadable("it is larger than 1 MiB".to_owned()));
    }
    let mut text = vec![0; usize::try_from(size).unwrap_or(0)];
    let mut filled = 0;
    while filled < text.len() {
        match handle.read_at(&mut text[filled..], filled as u64)? {
            0 => break,
            count => filled += count,
        }
    }
    text.truncate(filled);
    String::from_utf8(text).map(Some).map_err(|_| unreadable("it is not UTF-8".to_owned()))
}

/// Returns whether S4 or the Python S4 keeps its own things under this name.
fn is_reserved(path: &DiskPath, name: &str) -> bool {
    name.eq_ignore_ascii_case(RESERVED_COMPONENT)
        || (path.as_str() == name && RelPath::parse(name).is_ok_and(|path| path.is_reserved()))
}
