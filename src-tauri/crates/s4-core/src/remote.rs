//! The Remote tree: what is in the bucket below the prefix, as a listing saw it.
//!
//! - It is built from a complete listing only; an incomplete one is an error of the store.
//! - Keys that cannot be paths, or share one canonical path, are [`Blocked`]: reported, never absent, never
//!   written, never deleted.

use std::fmt;

use crate::key::{ObjectKey, Place, Prefix};
use crate::path::RelPath;
use crate::tree::SortedMap;

/// An entity tag as the store gave it, without quotes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ETag(Box<str>);

impl ETag {
    /// Takes `text`, with or without its quotes.
    pub fn new(text: &str) -> Self {
        Self(text.trim_matches('"').into())
    }

    /// Returns the tag without quotes.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the MD5 that this tag may be: only if the object was PUT whole and not encrypted with KMS or a
    /// customer's key, which a listing does not tell.
    pub fn possible_md5(&self) -> Option<[u8; 16]> {
        let text = self.0.as_bytes();
        if text.len() != 32 {
            return None;
        }
        let mut md5 = [0; 16];
        for (byte, pair) in md5.iter_mut().zip(text.chunks_exact(2)) {
            let high = char::from(pair[0]).to_digit(16)?;
            let low = char::from(pair[1]).to_digit(16)?;
            *byte = u8::try_from(high * 16 + low).ok()?;
        }
        Some(md5)
    }
}

impl fmt::Debug for ETag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ETag({})", self.0)
    }
}

impl fmt::Display for ETag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The identifier of one version of an object in a versioned bucket.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VersionId(pub Box<str>);

/// Milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMillis(pub i64);

/// One current object, as a listing tells it. Whether it is a file or a symlink only its metadata tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteObject {
    /// The exact key.
    pub key: ObjectKey,
    /// Length of the body in bytes.
    pub size: u64,
    /// The entity tag.
    pub etag: ETag,
    /// When the store last changed it, by the store's clock.
    pub last_modified: UnixMillis,
}

/// Why a key is left alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocked {
    /// The key.
    pub key: ObjectKey,
    /// The path it stands for, where there is one; that path is neither present nor absent.
    pub path: Option<RelPath>,
    /// Why.
    pub why: BlockedReason,
}

/// Why a key is left alone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlockedReason {
    /// The key is no valid path.
    #[error("its key is no path that a folder can hold: {0}")]
    InvalidPath(crate::path::PathError),
    /// Another key has the same canonical (NFC) form.
    #[error("another key differs from it only in its Unicode form")]
    SameCanonicalPath,
    /// The key ends with a slash but the object has content.
    #[error("its key ends with `/` but it has content")]
    MarkerWithContent,
}

/// What one complete listing of a prefix saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RemoteTree {
    /// Files and symlinks.
    pub objects: SortedMap<RelPath, RemoteObject>,
    /// Directory markers.
    pub markers: SortedMap<RelPath, RemoteObject>,
    /// What is left alone, in the order of keys.
    pub blocked: Vec<Blocked>,
}

impl RemoteTree {
    /// Sorts listed objects into a tree; those outside `prefix`, and S4's own, are left out.
    pub fn build(prefix: &Prefix, listed: impl IntoIterator<Item = RemoteObject>) -> Self {
        let mut objects = Vec::new();
        let mut markers = Vec::new();
        let mut blocked = Vec::new();
        for object in listed {
            match prefix.place(&object.key) {
                None | Some(Place::Root | Place::Reserved) => {}
                Some(Place::File(path)) => objects.push((path, object)),
                Some(Place::Directory(path)) if object.size == 0 => markers.push((path, object)),
                Some(Place::Directory(path)) => blocked.push(Blocked {
                    key: object.key,
                    path: Some(path),
                    why: BlockedReason::MarkerWithContent,
                }),
                Some(Place::Invalid(why)) => {
                    blocked.push(Blocked {
                        key: object.key,
                        path: None,
                        why: BlockedReason::InvalidPath(why),
                    });
                }
            }
        }
        let objects = unique(objects, &mut blocked);
        let markers = unique(markers, &mut blocked);
        // In one order, whatever order the listing came in.
        blocked.sort_by(|left, right| left.key.cmp(&right.key));
        Self { objects, markers, blocked }
    }

    /// Returns whether the prefix holds nothing that S4 would sync or report.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty() && self.markers.is_empty() && self.blocked.is_empty()
    }
}

/// Keeps the paths that one key stands for; the keys of the others are blocked, all of them (T2).
fn unique(
    mut entries: Vec<(RelPath, RemoteObject)>,
    blocked: &mut Vec<Blocked>,
) -> SortedMap<RelPath, RemoteObject> {
    entries.sort_by(|(left, _), (right, _)| left.cmp(right));
    let has_twin = |index: usize| {
        let path = &entries[index].0;
        (index > 0 && entries[index - 1].0 == *path)
            || entries.get(index + 1).is_some_and(|(next, _)| next == path)
    };
    let twins: Vec<bool> = (0..entries.len()).map(has_twin).collect();
    let mut kept = Vec::with_capacity(entries.len());
    for ((path, object), twin) in entries.into_iter().zip(twins) {
        if twin {
            let why = BlockedReason::SameCanonicalPath;
            blocked.push(Blocked { key: object.key, path: Some(path), why });
        } else {
            kept.push((path, object));
        }
    }
    kept.into_iter().collect()
}

/// What is known of one object beyond its listing, from the reply to a HEAD or GET.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectHead {
    /// The entity tag; facts are bound to it.
    pub etag: ETag,
    /// When the store last changed it.
    pub last_modified: UnixMillis,
    /// Length of the body in bytes.
    pub size: u64,
    /// The version, in a versioned bucket.
    pub version_id: Option<VersionId>,
    /// CRC64NVME of the full object, where the store keeps one.
    pub crc64nvme: Option<u64>,
    /// Whether the ETag is surely the MD5 of the body: PUT whole, and no encryption that changes it.
    pub etag_is_md5: bool,
    /// What S4 wrote about it.
    pub metadata: Metadata,
}

/// The metadata that S4 writes on objects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// `mtime`, in rclone's name and format: when the content was last changed, nanoseconds since the epoch.
    pub mtime_ns: Option<i64>,
    /// `s4-mode` says that the file is executable.
    pub executable: bool,
    /// `s4-symlink`: the body is the target of a symbolic link.
    pub symlink: bool,
    /// `s4-base`: the ETags this content descends from, the latest first.
    pub base: Vec<ETag>,
}

/// How many ancestors `s4-base` names.
pub const MAX_BASES: usize = 8;

impl Metadata {
    /// Returns the ancestors of content that replaces `replaced`, whose own ancestors were `ancestors`.
    pub fn base_after(replaced: &ETag, ancestors: &[ETag]) -> Vec<ETag> {
        let older = ancestors.iter().filter(|etag| *etag != replaced);
        std::iter::once(replaced).chain(older).take(MAX_BASES).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(key: &str, size: u64) -> RemoteObject {
        RemoteObject {
            key: ObjectKey::new(key),
            size,
            etag: ETag::new("\"e\""),
            last_modified: UnixMillis(0),
        }
    }

    #[test]
    fn t02_t08_t09_what_cannot_be_a_path_is_blocked_and_markers_are_directories() {
        let listed = ["p/a", "p/d/", "p/", "p/x//y", "p/cafe\u{301}", "p/caf\u{e9}", "p/.s4/t", "q/a"];
        let mut listed: Vec<RemoteObject> = listed.iter().map(|key| object(key, 0)).collect();
        listed.push(object("p/full/", 3));
        let tree = RemoteTree::build(&Prefix::new("p"), listed);
        assert_eq!(tree.objects.keys().map(RelPath::as_str).collect::<Vec<_>>(), ["a"]);
        assert_eq!(tree.markers.keys().map(RelPath::as_str).collect::<Vec<_>>(), ["d"]);
        let blocked: Vec<&str> = tree.blocked.iter().map(|blocked| blocked.key.as_str()).collect();
        assert_eq!(blocked, ["p/cafe\u{301}", "p/caf\u{e9}", "p/full/", "p/x//y"]);
    }

    #[test]
    fn a_tag_is_an_md5_only_by_its_form() {
        assert!(ETag::new("\"d41d8cd98f00b204e9800998ecf8427e\"").possible_md5().is_some());
        assert!(ETag::new("d41d8cd98f00b204e9800998ecf8427e-2").possible_md5().is_none());
        assert!(ETag::new("z41d8cd98f00b204e9800998ecf8427e").possible_md5().is_none());
    }

    #[test]
    fn ancestors_are_named_latest_first_and_no_more_than_eight() {
        let ancestors: Vec<ETag> = (0..9).map(|n| ETag::new(&n.to_string())).collect();
        let base = Metadata::base_after(&ETag::new("3"), &ancestors);
        let texts: Vec<&str> = base.iter().map(ETag::as_str).collect();
        assert_eq!(texts, ["3", "0", "1", "2", "4", "5", "6", "7"]);
    }
}
