//! Parts taken from objects that are here already: they refer to the same blobs.
//!
//! - The bytes are read once, for the checksums, and not written again (small objects aside).
//! - The source's conditions hold at the moment the part becomes part of the upload: if the source was
//!   replaced since it was read, everything starts again.

use std::ops::Range;
use std::sync::Arc;

use tokio::task::spawn_blocking;

use crate::condition::ReadCondition;
use crate::digest::{Algorithm, Digester, hex};
use crate::storage::blobs::NewBlob;
use crate::storage::content::{Segment, insert_segments};
use crate::storage::uploads::{PartRow, find, replace_part};
use crate::storage::{
    Blobs, Checksums, CopySource, Slice, Storage, StorageError, StoredPart, VersionRow, buckets, lookup,
};

/// Where a part is taken from.
pub(crate) struct PartSource {
    pub(crate) source: CopySource,
    /// Bytes of the source; `None` for all of it.
    pub(crate) range: Option<Range<u64>>,
    /// A further checksum that the upload keeps of its parts.
    pub(crate) algorithm: Option<Algorithm>,
}

/// A part that was read and checked, but is not yet in the index.
struct Prepared {
    source: VersionRow,
    segments: Vec<Segment>,
    new_blobs: Vec<NewBlob>,
    size: u64,
    checksums: Checksums,
    etag: String,
}

impl Storage {
    /// Makes a range of an object a part of an upload. Returns the part, its checksums and the version of
    /// the source that was used.
    pub(crate) async fn copy_part(
        &self,
        (bucket, key, name): (String, String, String),
        number: u32,
        from: &PartSource,
    ) -> Result<(StoredPart, Checksums, VersionRow), StorageError> {
        loop {
            let prepared = self.prepare(from).await?;
            let Prepared { source, segments, new_blobs, size, checksums, etag } = prepared;
            let (target, known, part_checksums) =
                ((bucket.clone(), key.clone(), name.clone()), source.id, checksums.clone());
            let wanted = from.source.clone();
            let stored = self
                .change(new_blobs, move |change| {
                    let source_bucket = buckets::find(change.connection, &wanted.bucket)?;
                    let now = lookup::readable(
                        change.connection,
                        source_bucket.id,
                        &wanted.key,
                        wanted.version.as_ref(),
                    )?;
                    if now.id != known {
                        return Ok(None);
                    }
                    let bucket = buckets::find(change.connection, &target.0)?;
                    let upload = find(change.connection, &bucket, &target.1, &target.2)?;
                    let owner = change.next_id();
                    insert_segments(change, owner, &segments)?;
                    let part = PartRow {
                        number,
                        owner,
                        size,
                        etag,
                        modified: change.now,
                        checksums: part_checksums,
                    };
                    replace_part(change, upload.id, &part)?;
                    Ok(Some(StoredPart { etag: part.etag, modified: part.modified }))
                })
                .await?;
            if let Some(stored) = stored {
                return Ok((stored, checksums, source));
            }
        }
    }

    async fn prepare(&self, from: &PartSource) -> Result<Prepared, StorageError> {
        let CopySource { bucket, key, version, condition } = &from.source;
        let choose = |row: &VersionRow| {
            condition.check(&row.etag, row.modified)?;
            match &from.range {
                None => Ok(0..row.size),
                Some(range) if range.start < range.end && range.end <= row.size => Ok(range.clone()),
                Some(_) => Err(StorageError::RangeNotSatisfiable { size: row.size }),
            }
        };
        let (_, source, slice) =
            self.open_object(bucket, key, version.as_ref(), &ReadCondition::default(), choose)?;
        let algorithm = from.algorithm;
        let blobs = Arc::clone(self.blobs());
        spawn_blocking(move || read(&blobs, source, slice, algorithm))
            .await
            .map_err(|_| StorageError::Stopped)?
    }
}

fn read(
    blobs: &Arc<Blobs>,
    source: VersionRow,
    slice: Slice,
    algorithm: Option<Algorithm>,
) -> Result<Prepared, StorageError> {
    let (segments, new_blobs) = match slice.segments() {
        Ok(segments) => (segments, Vec::new()),
        Err(bytes) if bytes.is_empty() => (Vec::new(), Vec::new()),
        // A part is one segment of several, so small contents move out of the index.
        Err(bytes) => {
            let (blob, mut file) = blobs.create()?;
            io_write(&mut file, &bytes)?;
            (vec![Segment { blob: blob.id(), start: 0, length: bytes.len() as u64 }], vec![blob])
        }
    };
    // No MD5: at a tenth of a CRC's speed it would cost more than everything else here. S3 promises an MD5
    // only for parts that were sent, so the ETag is that of the checksum and the length instead.
    let mut digester = Digester::new([Algorithm::Crc64Nvme].into_iter().chain(algorithm));
    slice.read_all(|chunk| digester.update(chunk))?;
    let digests = digester.finish();
    let checksums = Checksums::of(&digests, algorithm)?;
    let mut name = Digester::with_md5([]);
    name.update(checksums.crc64nvme.as_bytes());
    name.update(&digests.length.to_be_bytes());
    let etag = hex(&name.finish().md5.unwrap_or_default());
    Ok(Prepared { source, segments, new_blobs, size: digests.length, checksums, etag })
}

fn io_write(file: &mut std::fs::File, bytes: &[u8]) -> std::io::Result<()> {
    std::io::Write::write_all(file, bytes)?;
    file.sync_data()
}
