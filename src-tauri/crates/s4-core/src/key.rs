//! Object keys, and which path each one stands for.
//!
//! Decides what a key below the prefix is: a file, a directory marker, something of S4's own, or nothing
//! that can be a path. It never maps two keys to one path silently, nor a key outside the prefix to any.

use std::fmt;

use crate::path::{PathError, RelPath};

/// The longest key that S3 allows, in bytes of UTF-8.
pub const MAX_KEY_BYTES: usize = 1024;

/// The exact key of an object, as requests use it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey(Box<str>);

impl ObjectKey {
    /// Takes `text` as it is.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// Returns the key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether S3 accepts a key of this length.
    pub fn is_too_long(&self) -> bool {
        self.0.len() > MAX_KEY_BYTES
    }
}

impl fmt::Debug for ObjectKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}", self.0)
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// What a key below the prefix stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The content of a file, or of a symlink.
    File(RelPath),
    /// A marker, `path/`.
    Directory(RelPath),
    /// The marker of the prefix itself.
    Root,
    /// Something of S4's own, or of the Python S4's.
    Reserved,
    /// A key that cannot be a path; it is reported and left alone.
    Invalid(PathError),
}

/// The part of a bucket that a target syncs: every key that begins with it.
///
/// - It is empty, or ends with `/`; so `doc` never sees `doc2/` (T11).
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Prefix(Box<str>);

impl Prefix {
    /// Returns the prefix for `text`, which may begin or end with slashes.
    pub fn new(text: &str) -> Self {
        match text.trim_matches('/') {
            "" => Self::default(),
            trimmed => Self(format!("{trimmed}/").into()),
        }
    }

    /// Returns the prefix as requests use it: empty, or ending with `/`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the key under which the content of `path` is kept when no other key stands for it yet.
    pub fn file_key(&self, path: &RelPath) -> ObjectKey {
        ObjectKey::new(format!("{}{path}", self.0))
    }

    /// Returns the key of the marker of the directory `path`.
    pub fn marker_key(&self, path: &RelPath) -> ObjectKey {
        ObjectKey::new(format!("{}{path}/", self.0))
    }

    /// Returns a key for something of S4's own, below `<prefix>/.s4/`.
    pub fn own_key(&self, name: &str) -> ObjectKey {
        ObjectKey::new(format!("{}.s4/{name}", self.0))
    }

    /// Returns what `key` stands for, or `None` if it lies outside this prefix.
    pub fn place(&self, key: &ObjectKey) -> Option<Place> {
        let rest = key.as_str().strip_prefix(&*self.0)?;
        if rest.is_empty() {
            return Some(Place::Root);
        }
        let (text, is_marker) = match rest.strip_suffix('/') {
            Some(text) => (text, true),
            None => (rest, false),
        };
        Some(match RelPath::parse(text) {
            Err(why) => Place::Invalid(why),
            Ok(path) if path.is_reserved() => Place::Reserved,
            Ok(path) if is_marker => Place::Directory(path),
            Ok(path) => Place::File(path),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RelPath {
        RelPath::parse(text).unwrap()
    }

    #[test]
    fn t11_a_prefix_sees_only_what_is_below_it() {
        let prefix = Prefix::new("/doc/");
        let rows = [
            ("doc/a", Some(Place::File(path("a")))),
            ("doc/a/", Some(Place::Directory(path("a")))),
            ("doc/", Some(Place::Root)),
            ("doc2/a", None),
            ("doc", None),
            ("doc/.s4/journal/1", Some(Place::Reserved)),
            ("doc/.index", Some(Place::Reserved)),
            ("doc/a//b", Some(Place::Invalid(PathError::EmptyPart))),
            ("doc//", Some(Place::Invalid(PathError::Empty))),
            ("doc/../x", Some(Place::Invalid(PathError::DotPart))),
        ];
        for (key, expected) in rows {
            assert_eq!(prefix.place(&ObjectKey::new(key)), expected, "{key}");
        }
    }

    #[test]
    fn keys_of_paths_come_back_as_those_paths() {
        for prefix in [Prefix::new(""), Prefix::new("a/b")] {
            let path = path("x/y z");
            assert_eq!(prefix.place(&prefix.file_key(&path)), Some(Place::File(path.clone())));
            assert_eq!(prefix.place(&prefix.marker_key(&path)), Some(Place::Directory(path)));
        }
    }
}
