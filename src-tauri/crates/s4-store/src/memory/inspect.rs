//! What tests may see and do behind the back of a store in memory.
//!
//! None of this goes through the trait, so no fault and no condition applies to it.

use std::collections::BTreeMap;

use bytes::Bytes;
use md5::{Digest as _, Md5};
use s4_core::key::ObjectKey;
use s4_core::remote::ETag;

use crate::memory::MemoryStore;
use crate::memory::bucket::{Content, hex};
use crate::store::{ObjectAttributes, Written};

/// How another tool writes an object: without S4's metadata, without a checksum that S4 knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutsideWrite {
    /// In one PUT, so that the ETag is an MD5.
    Whole,
    /// In parts of at most this many bytes, so that the ETag is none.
    Parts(usize),
}

impl MemoryStore {
    /// Returns all current objects with their content.
    pub fn objects(&self) -> BTreeMap<ObjectKey, Bytes> {
        let bucket = self.bucket();
        let contents = bucket.keys.keys().filter_map(|key| {
            let (_, content) = bucket.current(key)?;
            Some((key.clone(), content.bytes.clone()))
        });
        contents.collect()
    }

    /// Returns what was written with the current object at `key`.
    pub fn attributes(&self, key: &ObjectKey) -> Option<ObjectAttributes> {
        self.bucket().current(key).map(|(_, content)| content.attributes.clone())
    }

    /// Returns every content ever written to `key`, the oldest first, also of versions that are gone.
    pub fn history(&self, key: &ObjectKey) -> Vec<Bytes> {
        self.bucket().history.get(key).cloned().unwrap_or_default()
    }

    /// Returns every key ever written to.
    pub fn keys_ever(&self) -> Vec<ObjectKey> {
        self.bucket().history.keys().cloned().collect()
    }

    /// Writes an object as another tool does.
    pub fn write_outside(&self, key: &ObjectKey, bytes: impl Into<Bytes>, how: OutsideWrite) -> Written {
        let mut content = Content::whole(bytes.into(), ObjectAttributes::default());
        content.crc64nvme = None;
        match how {
            OutsideWrite::Whole => {}
            OutsideWrite::Parts(size) => {
                content.etag = multipart_etag(&content.bytes, size);
                content.etag_is_md5 = false;
            }
        }
        let moment = self.moment();
        self.bucket().write(key, content, moment)
    }

    /// Deletes the current object as another tool does, without a condition.
    pub fn delete_outside(&self, key: &ObjectKey) {
        let moment = self.moment();
        self.bucket().remove(key, moment);
    }
}

/// Returns the tag of `bytes` uploaded in parts of `size`.
fn multipart_etag(bytes: &Bytes, size: usize) -> ETag {
    let mut tags = Md5::new();
    let mut count = 0;
    for part in bytes.chunks(size.max(1)) {
        tags.update(Md5::digest(part));
        count += 1;
    }
    ETag::new(&format!("{}-{}", hex(&tags.finalize()), count.max(1)))
}
