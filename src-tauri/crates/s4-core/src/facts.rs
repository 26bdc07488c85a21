//! What was found out beyond the three trees, and what people decided.
//!
//! - Each fact is bound to what it was learned of: a local fingerprint, or a key and an ETag. Of anything else
//!   it says nothing.

use std::collections::BTreeMap;

use crate::digest::Digest;
use crate::key::ObjectKey;
use crate::local::Fingerprint;
use crate::path::{DiskPath, RelPath};
use crate::remote::{ETag, ObjectHead, UnixMillis};

/// Everything found out.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    local: BTreeMap<DiskPath, LocalFact>,
    heads: BTreeMap<ObjectKey, (UnixMillis, ObjectHead)>,
    contents: BTreeMap<ObjectKey, (ETag, Digest)>,
    failed_local: BTreeMap<DiskPath, (Fingerprint, String)>,
    failed_remote: BTreeMap<ObjectKey, (ETag, String)>,
    decisions: BTreeMap<RelPath, Decision>,
}

/// The hashes of a local file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalFact {
    /// The state in which it was read, the same before the first byte and after the last.
    pub fingerprint: Fingerprint,
    /// The hashes.
    pub digest: Digest,
    /// When it was read, by the clock of that file system, in nanoseconds since the epoch.
    pub read_time_ns: i64,
}

/// What a person chose for one conflict, bound to the pair that was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The local side that was shown.
    pub local: Fingerprint,
    /// The remote side that was shown.
    pub etag: ETag,
    /// What to keep.
    pub keep: Keep,
}

/// Which side of a conflict stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// The local side; the remote one is replaced.
    Local,
    /// The remote side; the local one is replaced.
    Remote,
    /// Both: the remote keeps the name, the local one gets a conflict name.
    Both,
}

impl Facts {
    /// Records the hashes of a local file, read after the scan of this cycle began.
    ///
    /// A fact of an earlier cycle may be recorded only if its stamps were not racy when it was read.
    pub fn learn_local(&mut self, disk: DiskPath, fact: LocalFact) {
        self.failed_local.remove(&disk);
        self.local.insert(disk, fact);
    }

    /// Records the reply to a HEAD that was asked because of the listed `last_modified`.
    pub fn learn_head(&mut self, key: ObjectKey, listed: UnixMillis, head: ObjectHead) {
        self.failed_remote.remove(&key);
        self.heads.insert(key, (listed, head));
    }

    /// Records the hashes of an object's whole body.
    pub fn learn_content(&mut self, key: ObjectKey, etag: ETag, digest: Digest) {
        self.contents.insert(key, (etag, digest));
    }

    /// Records that a local file could not be read; it is a problem until it changes.
    pub fn fail_local(&mut self, disk: DiskPath, fingerprint: Fingerprint, why: String) {
        self.failed_local.insert(disk, (fingerprint, why));
    }

    /// Records that an object could not be examined; it is a problem until it changes.
    pub fn fail_remote(&mut self, key: ObjectKey, etag: ETag, why: String) {
        self.failed_remote.insert(key, (etag, why));
    }

    /// Records what a person chose.
    pub fn decide(&mut self, path: RelPath, decision: Decision) {
        self.decisions.insert(path, decision);
    }

    /// Returns the hashes of a local file if they were taken of exactly this state.
    pub fn local(&self, disk: &DiskPath, fingerprint: &Fingerprint) -> Option<&LocalFact> {
        self.local.get(disk).filter(|fact| fact.fingerprint == *fingerprint)
    }

    /// Returns what a HEAD said of exactly this version as it was listed.
    pub fn head(&self, key: &ObjectKey, etag: &ETag, listed: UnixMillis) -> Option<&ObjectHead> {
        let (known, head) = self.heads.get(key)?;
        (*known == listed && head.etag == *etag).then_some(head)
    }

    /// Returns the hashes of exactly this version's body.
    pub fn content(&self, key: &ObjectKey, etag: &ETag) -> Option<&Digest> {
        self.contents.get(key).filter(|(known, _)| known == etag).map(|(_, digest)| digest)
    }

    /// Returns why a local file in exactly this state could not be read.
    pub fn local_failure(&self, disk: &DiskPath, fingerprint: &Fingerprint) -> Option<&str> {
        self.failed_local.get(disk).filter(|(known, _)| known == fingerprint).map(|(_, why)| why.as_str())
    }

    /// Returns why exactly this version could not be examined.
    pub fn remote_failure(&self, key: &ObjectKey, etag: &ETag) -> Option<&str> {
        self.failed_remote.get(key).filter(|(known, _)| known == etag).map(|(_, why)| why.as_str())
    }

    /// Returns what a person chose for `path`, if they were shown exactly this pair.
    pub fn decision(&self, path: &RelPath, local: &Fingerprint, etag: &ETag) -> Option<Keep> {
        let decision = self.decisions.get(path)?;
        (decision.local == *local && decision.etag == *etag).then_some(decision.keep)
    }
}
