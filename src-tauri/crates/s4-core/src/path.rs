//! Relative paths: the one name by which a file is known on every side.
//!
//! Decides which names S4 can carry at all. It never maps an invalid name to another one.
//!
//! - A [`RelPath`] is `/`-separated, has no empty part, no `.` or `..`, no NUL, and is in NFC.
//! - Paths order by component, so that everything below a directory follows it directly.
//! - A [`DiskPath`] is the exact spelling on one disk: system calls use it, decisions do not.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// The folder and key component under which S4 keeps its own things, on disk and in the bucket.
pub const RESERVED_COMPONENT: &str = ".s4";

/// Names that the Python S4 keeps at the root of a target, which are no user's files.
const RESERVED_AT_ROOT: [&str; 2] = [".index", ".s4lock"];

/// Why a string is no [`RelPath`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// The path has no characters at all.
    #[error("the path is empty")]
    Empty,
    /// Two slashes follow each other, or the path begins or ends with one.
    #[error("the path has an empty part")]
    EmptyPart,
    /// A part is `.` or `..`.
    #[error("the path has a `.` or `..` part")]
    DotPart,
    /// The path holds a NUL character.
    #[error("the path holds a NUL character")]
    Nul,
}

/// A valid, canonical (NFC) path relative to the root of a target.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RelPath(Box<str>);

impl RelPath {
    /// Returns the canonical path for `text`, which may be in any Unicode form.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        if text.is_empty() {
            return Err(PathError::Empty);
        }
        if text.contains('\0') {
            return Err(PathError::Nul);
        }
        for part in text.split('/') {
            match part {
                "" => return Err(PathError::EmptyPart),
                "." | ".." => return Err(PathError::DotPart),
                _ => {}
            }
        }
        Ok(Self(nfc(text).into()))
    }

    /// Returns the path as text, `/`-separated.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the directory this path lies in, or `None` at the root.
    pub fn parent(&self) -> Option<RelPath> {
        self.0.rsplit_once('/').map(|(parent, _)| Self(parent.into()))
    }

    /// Returns every directory above this path, the nearest first.
    pub fn ancestors(&self) -> impl Iterator<Item = RelPath> + '_ {
        std::iter::successors(self.parent(), RelPath::parent)
    }

    /// Returns the last part.
    pub fn name(&self) -> &str {
        self.0.rsplit_once('/').map_or(&self.0, |(_, name)| name)
    }

    /// Returns whether `self` lies below the directory `directory` (a path is not below itself).
    pub fn is_below(&self, directory: &RelPath) -> bool {
        is_below(&self.0, &directory.0)
    }

    /// Returns whether S4 or the Python S4 keeps its own things here; such paths are never synced.
    pub fn is_reserved(&self) -> bool {
        self.0.split('/').any(|part| part.eq_ignore_ascii_case(RESERVED_COMPONENT))
            || RESERVED_AT_ROOT.contains(&self.as_str())
    }

    /// Returns the path `name` in the same directory.
    ///
    /// `name` must be one valid part: it comes from [`crate::names`], which makes only such.
    pub fn with_name(&self, name: &str) -> RelPath {
        match self.0.rsplit_once('/') {
            Some((parent, _)) => Self(nfc(&format!("{parent}/{name}")).into()),
            None => Self(nfc(name).into()),
        }
    }
}

/// Returns whether `path` lies below `directory`, both `/`-separated.
fn is_below(path: &str, directory: &str) -> bool {
    path.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'))
}

/// Returns the NFC form of `text`, borrowed where it is in that form already.
pub(crate) fn nfc(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || is_nfc_quick(text.chars()) == IsNormalized::Yes {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.nfc().collect())
    }
}

/// Orders `/`-separated paths by component: the slash sorts below every other character.
pub(crate) fn compare_by_component(left: &str, right: &str) -> Ordering {
    let rank = |byte: u8| if byte == b'/' { 0 } else { byte };
    let (left, right) = (left.as_bytes(), right.as_bytes());
    match left.iter().zip(right).position(|(one, other)| one != other) {
        Some(index) => rank(left[index]).cmp(&rank(right[index])),
        None => left.len().cmp(&right.len()),
    }
}

impl PartialOrd for RelPath {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for RelPath {
    fn cmp(&self, other: &Self) -> Ordering {
        compare_by_component(&self.0, &other.0)
    }
}

impl fmt::Debug for RelPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}", self.0)
    }
}

impl fmt::Display for RelPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The exact spelling of a path on one disk, relative to the root, `/`-separated.
///
/// It holds whatever UTF-8 the disk gave or S4 chose for it, in any Unicode form. Names that are no UTF-8
/// never become one (they cannot be keys).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct DiskPath(Box<str>);

impl DiskPath {
    /// Takes `text` as it is. The caller read it from the disk, or built it from valid parts.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// Returns the path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the directory this path lies in, or `None` at the root.
    pub fn parent(&self) -> Option<DiskPath> {
        self.0.rsplit_once('/').map(|(parent, _)| Self(parent.into()))
    }

    /// Returns the last part.
    pub fn name(&self) -> &str {
        self.0.rsplit_once('/').map_or(&self.0, |(_, name)| name)
    }

    /// Returns the path of `name` below this directory.
    pub fn join(&self, name: &str) -> DiskPath {
        Self(format!("{}/{name}", self.0).into())
    }

    /// Returns the path of `name` in the same directory.
    pub fn with_name(&self, name: &str) -> DiskPath {
        match self.parent() {
            Some(parent) => parent.join(name),
            None => Self(name.into()),
        }
    }

    /// Returns whether `self` lies below the directory `directory`.
    pub fn is_below(&self, directory: &DiskPath) -> bool {
        is_below(&self.0, &directory.0)
    }
}

impl From<&RelPath> for DiskPath {
    fn from(path: &RelPath) -> Self {
        Self(path.0.clone())
    }
}

impl PartialOrd for DiskPath {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for DiskPath {
    fn cmp(&self, other: &Self) -> Ordering {
        compare_by_component(&self.0, &other.0)
    }
}

impl fmt::Debug for DiskPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}", self.0)
    }
}

impl fmt::Display for DiskPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The longest target of a link that means the same everywhere, in bytes.
pub(crate) const MAX_PORTABLE_TARGET: usize = 247;

/// Returns whether a symbolic link at `disk` means the same on every computer: relative, inside the folder, no `:`
/// and no `\` (T18).
pub fn link_stays_inside(disk: &DiskPath, target: &str) -> bool {
    if target.is_empty()
        || target.len() > MAX_PORTABLE_TARGET
        || target.starts_with('/')
        || target.contains([':', '\\', '\0'])
    {
        return false;
    }
    let mut depth = disk.as_str().matches('/').count();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => match depth.checked_sub(1) {
                Some(above) => depth = above,
                None => return false,
            },
            _ => depth += 1,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<&str, PathError>) {
        assert_eq!(
            RelPath::parse(text).as_ref().map(RelPath::as_str),
            expected.as_ref().copied(),
            "{text:?}"
        );
    }

    #[test]
    fn t08_t12_only_paths_inside_the_root_are_paths() {
        check("a/b", Ok("a/b"));
        check("cafe\u{301}", Ok("caf\u{e9}"));
        check("a\\..\\b", Ok("a\\..\\b"));
        check("", Err(PathError::Empty));
        check("a//b", Err(PathError::EmptyPart));
        check("/etc/x", Err(PathError::EmptyPart));
        check("a/", Err(PathError::EmptyPart));
        check("../x", Err(PathError::DotPart));
        check("a/../../b", Err(PathError::DotPart));
        check(".", Err(PathError::DotPart));
        check("a\0b", Err(PathError::Nul));
    }

    #[test]
    fn what_lies_below_a_directory_follows_it_directly() {
        let mut paths: Vec<RelPath> = ["a-b", "a/c", "a", "a.txt", "a/b/c", "ab"]
            .iter()
            .map(|text| RelPath::parse(text).unwrap())
            .collect();
        paths.sort();
        let texts: Vec<&str> = paths.iter().map(RelPath::as_str).collect();
        assert_eq!(texts, ["a", "a/b/c", "a/c", "a-b", "a.txt", "ab"]);
    }

    #[test]
    fn our_own_things_are_reserved_at_any_depth_and_the_python_tools_at_the_root() {
        for (text, reserved) in [
            (".s4", true),
            ("a/.S4/b", true),
            (".index", true),
            (".s4lock", true),
            ("a/.index", false),
            ("s4", false),
        ] {
            assert_eq!(RelPath::parse(text).unwrap().is_reserved(), reserved, "{text}");
        }
    }
}
