//! Copies objects without copying bytes: the copy refers to the same blobs.
//!
//! - Source and destination conditions are checked, and the copy is made, in one transaction.

use crate::condition::{ReadCondition, WriteCondition};
use crate::digest::{Algorithm, Digester};
use crate::moment::Moment;
use crate::storage::objects::{Entry, put_in_place};
use crate::storage::{
    Checksums, ObjectHeaders, Put, Storage, StorageError, VersionId, VersionRow, buckets, content, lookup,
};

/// What a copy is made from.
#[derive(Debug, Clone)]
pub(crate) struct CopySource {
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) version: Option<VersionId>,
    pub(crate) condition: ReadCondition,
}

/// What the copy says about itself.
#[derive(Debug, Clone)]
pub(crate) enum NewHeaders {
    /// The same as its source.
    AsSource,
    Replaced(ObjectHeaders),
}

/// A copy to be made.
#[derive(Debug, Clone)]
pub(crate) struct Copy {
    pub(crate) source: CopySource,
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) headers: NewHeaders,
    pub(crate) condition: WriteCondition,
    /// A checksum computed for the copy, with the place of the version it was computed from.
    pub(crate) checksums: Option<(i64, Checksums)>,
}

/// What was copied.
#[derive(Debug, Clone)]
pub(crate) struct Copied {
    pub(crate) put: Put,
    pub(crate) source_version: Option<VersionId>,
    pub(crate) modified: Moment,
    pub(crate) checksums: Option<Checksums>,
}

impl Storage {
    /// Makes the copy, if all conditions allow. Returns `None` if a checksum was given for a version that
    /// is no longer the source: compute it again and retry.
    pub(crate) async fn copy(&self, copy: Copy) -> Result<Option<Copied>, StorageError> {
        self.change(Vec::new(), move |change| {
            let from = buckets::find(change.connection, &copy.source.bucket)?;
            let into = buckets::find(change.connection, &copy.bucket)?;
            let source =
                lookup::readable(change.connection, from.id, &copy.source.key, copy.source.version.as_ref())?;
            copy.source.condition.check(&source.etag, source.modified)?;
            let current = lookup::current(change.connection, into.id, &copy.key)?;
            copy.condition.check(VersionRow::as_current(current.as_ref()))?;
            let checksums = match copy.checksums {
                Some((computed_from, _)) if computed_from != source.id => return Ok(None),
                Some((_, checksums)) => Some(checksums),
                None => source.checksums,
            };
            let headers = match copy.headers {
                NewHeaders::AsSource => source.headers,
                NewHeaders::Replaced(headers) => headers,
            };
            let id = change.next_id();
            // Shared before the old version goes: an object copied onto itself must keep its bytes.
            content::share(change, source.id, id)?;
            let entry = Entry {
                key: &copy.key,
                size: source.size,
                etag: &source.etag,
                checksums: checksums.as_ref(),
                headers: &headers,
                part_sizes: &source.part_sizes,
            };
            let version = put_in_place(change, &into, current.as_ref(), id, &entry)?;
            Ok(Some(Copied {
                put: Put { version: into.versioning.shown(&version), etag: source.etag },
                source_version: from.versioning.shown(&source.version),
                modified: change.now,
                checksums,
            }))
        })
        .await
    }
}

impl Storage {
    /// Computes a further checksum of what is the source at the moment; returns it with the source's place.
    pub(crate) async fn digest_source(
        &self,
        source: &CopySource,
        algorithm: Algorithm,
    ) -> Result<(i64, Checksums), StorageError> {
        let CopySource { bucket, key, version, condition: _ } = source;
        let whole = |row: &VersionRow| Ok(0..row.size);
        let (_, row, slice) =
            self.open_object(bucket, key, version.as_ref(), &ReadCondition::default(), whole)?;
        let compute = move || {
            let mut digester = Digester::new([Algorithm::Crc64Nvme, algorithm]);
            slice.read_all(|chunk| digester.update(chunk))?;
            Ok((row.id, Checksums::of(&digester.finish(), Some(algorithm))?))
        };
        tokio::task::spawn_blocking(compute).await.map_err(|_| StorageError::Stopped)?
    }
}
