//! Makes an object of an upload's parts, without copying bytes.
//!
//! - Parts, sizes, checksums and conditions are all checked before anything changes; a refused request
//!   leaves upload and object as they were.
//! - The full-object CRC64NVME follows from those of the parts.

use std::collections::BTreeMap;

use crate::condition::WriteCondition;
use crate::digest::{Algorithm, Value, combine, composite, multipart_etag};
use crate::storage::objects::{Entry, put_in_place};
use crate::storage::uploads::{PartRow, UploadRow, find, forget, parts};
use crate::storage::writer::Change;
use crate::storage::{
    ChecksumKind, Checksums, Put, Storage, StorageError, VersionRow, buckets, content, lookup,
};

/// The smallest size of a part that is not the last one.
const SMALLEST_PART: u64 = 5 * 1024 * 1024;

/// A part as the completing request names it.
#[derive(Debug, Clone)]
pub(crate) struct ListedPart {
    pub(crate) number: u32,
    /// Without quotes.
    pub(crate) etag: String,
    /// Checksums of the part that the client believes in, in base64.
    pub(crate) checksums: Vec<(Algorithm, String)>,
}

/// A request to complete an upload.
#[derive(Debug, Clone)]
pub(crate) struct Completion {
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) upload: String,
    pub(crate) parts: Vec<ListedPart>,
    /// Checksums of the whole that the client believes in, in base64; composite ones end in `-N`.
    pub(crate) checksums: Vec<(Algorithm, String)>,
    pub(crate) size: Option<u64>,
    pub(crate) condition: WriteCondition,
}

/// What came of it.
#[derive(Debug, Clone)]
pub(crate) struct Completed {
    pub(crate) put: Put,
    pub(crate) checksums: Checksums,
}

impl Storage {
    /// Makes the object, if all checks allow. The upload is gone then.
    pub(crate) async fn complete_upload(&self, completion: Completion) -> Result<Completed, StorageError> {
        self.change(Vec::new(), move |change| complete(change, &completion)).await
    }
}

fn complete(change: &mut Change<'_>, completion: &Completion) -> Result<Completed, StorageError> {
    let bucket = buckets::find(change.connection, &completion.bucket)?;
    let upload = find(change.connection, &bucket, &completion.key, &completion.upload)?;
    let mut received: BTreeMap<u32, PartRow> = parts(change.connection, upload.id, 0, usize::from(u16::MAX))?
        .into_iter()
        .map(|part| (part.number, part))
        .collect();
    let chosen = choose(&mut received, &completion.parts)?;
    let size = chosen.iter().map(|part| part.size).sum();
    if let Some(expected) = completion.size
        && expected != size
    {
        return Err(StorageError::WrongSize { found: size, expected });
    }
    let checksums = checksums_of(&upload, &chosen, &completion.checksums)?;
    let current = lookup::current(change.connection, bucket.id, &completion.key)?;
    completion.condition.check(VersionRow::as_current(current.as_ref()))?;

    let id = change.next_id();
    let mut segments = 0;
    for part in &chosen {
        segments = content::move_segments(change, part.owner, id, segments)?;
    }
    for unused in received.into_values() {
        content::remove(change, unused.owner)?;
    }
    forget(change, upload.id)?;
    let etag = multipart_etag(chosen.iter().map(|part| part.etag.as_str()));
    let entry = Entry {
        key: &completion.key,
        size,
        etag: &etag,
        checksums: Some(&checksums),
        headers: &upload.headers,
        part_sizes: &run_lengths(&chosen),
    };
    let version = put_in_place(change, &bucket, current.as_ref(), id, &entry)?;
    Ok(Completed { put: Put { version: bucket.versioning.shown(&version), etag }, checksums })
}

/// Takes the listed parts out of those received, in order.
fn choose(
    received: &mut BTreeMap<u32, PartRow>,
    listed: &[ListedPart],
) -> Result<Vec<PartRow>, StorageError> {
    if listed.is_empty() {
        return Err(StorageError::NoParts);
    }
    if listed.windows(2).any(|pair| pair[0].number >= pair[1].number) {
        return Err(StorageError::InvalidPartOrder);
    }
    let mut chosen = Vec::with_capacity(listed.len());
    for wanted in listed {
        let part = received.remove(&wanted.number).ok_or(StorageError::InvalidPart(wanted.number))?;
        let is_same = part.etag == wanted.etag
            && wanted.checksums.iter().all(|(algorithm, value)| {
                // One that was never computed here can't be compared, so it can't be refused.
                part.checksums.full(*algorithm).is_none_or(|known| known.to_base64() == *value)
            });
        if !is_same {
            return Err(StorageError::InvalidPart(wanted.number));
        }
        chosen.push(part);
    }
    let all_but_last = &chosen[..chosen.len() - 1];
    match all_but_last.iter().find(|part| part.size < SMALLEST_PART) {
        Some(part) => Err(StorageError::PartTooSmall { number: part.number, size: part.size }),
        None => Ok(chosen),
    }
}

/// Returns the checksums of the whole, if they are the ones given.
fn checksums_of(
    upload: &UploadRow,
    chosen: &[PartRow],
    given: &[(Algorithm, String)],
) -> Result<Checksums, StorageError> {
    let whole = |algorithm| -> Option<Value> {
        let values: Option<Vec<_>> =
            chosen.iter().map(|part| Some((part.checksums.full(algorithm)?, part.size))).collect();
        combine(algorithm, values?.iter().map(|(value, size)| (value, *size)))
    };
    let crc64nvme = whole(Algorithm::Crc64Nvme)
        .ok_or_else(|| StorageError::Corrupt("a part has no CRC64NVME".to_owned()))?;
    let mut checksums = Checksums::new(&crc64nvme);
    if let Some((algorithm, kind)) = upload.algorithm
        && algorithm != Algorithm::Crc64Nvme
    {
        checksums.chosen = match kind {
            ChecksumKind::FullObject => whole(algorithm).map(|value| value.to_base64()),
            ChecksumKind::Composite => composite_of(algorithm, chosen),
        }
        .map(|value| (algorithm, value, kind));
    }
    for (algorithm, value) in given {
        let found = match (&checksums.chosen, algorithm) {
            (_, Algorithm::Crc64Nvme) => Some(crc64nvme.to_base64()),
            (Some((chosen, value, _)), algorithm) if chosen == algorithm => Some(value.clone()),
            (Some(_) | None, algorithm) if value.contains('-') => composite_of(*algorithm, chosen),
            (Some(_) | None, algorithm) => whole(*algorithm).map(|value| value.to_base64()),
        };
        match found {
            // Some clients leave the number of parts out of a composite value.
            Some(found) if found == *value || found.split('-').next() == Some(value) => {}
            Some(_) => return Err(StorageError::WrongChecksum(*algorithm)),
            None => return Err(StorageError::UnknownChecksum(*algorithm)),
        }
    }
    Ok(checksums)
}

fn composite_of(algorithm: Algorithm, chosen: &[PartRow]) -> Option<String> {
    let values: Option<Vec<_>> = chosen.iter().map(|part| part.checksums.full(algorithm)).collect();
    Some(format!("{}-{}", composite(algorithm, &values?).to_base64(), chosen.len()))
}

/// Returns the sizes of the parts, each with how often it repeats.
fn run_lengths(parts: &[PartRow]) -> Vec<(u64, u32)> {
    let mut runs: Vec<(u64, u32)> = Vec::new();
    for part in parts {
        match runs.last_mut() {
            Some((size, times)) if *size == part.size => *times += 1,
            Some(_) | None => runs.push((part.size, 1)),
        }
    }
    runs
}
