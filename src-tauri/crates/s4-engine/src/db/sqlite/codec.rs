//! How values are written: fixed layouts, little-endian.
//!
//! - Decoding refuses what encoding never writes.

use rusqlite::Row;
use s4_core::chunk::{Chunk, Chunks};
use s4_core::digest::Digest;
use s4_core::local::{FileId, Fingerprint};
use s4_core::path::RelPath;

use super::fault::{Fault, Found};

/// Length of an encoded fingerprint: size, mtime, inode, ctime, birth, and which of the last two there are.
pub(super) const FINGERPRINT: usize = 41;
/// Length of an encoded digest: size, CRC64NVME, BLAKE3, and the MD5 if there is one.
const DIGEST: usize = 48;
/// Length of an encoded digest with its MD5.
const DIGEST_WITH_MD5: usize = 64;
/// Where the BLAKE3 is in an encoded digest: its first byte, counted from 1 as SQL does, and its length.
pub(super) const BLAKE3_IN_DIGEST: (usize, usize) = (17, 32);
/// Length of an encoded chunk: size, BLAKE3.
const CHUNK: usize = 36;

const HAS_CTIME: u8 = 1;
const HAS_BIRTH: u8 = 2;

/// Returns the bytes of a fingerprint.
pub(super) fn fingerprint_bytes(fingerprint: &Fingerprint) -> [u8; FINGERPRINT] {
    let Fingerprint { size, mtime_ns, ctime_ns, birth_ns, file_id } = *fingerprint;
    let mut bytes = [0; FINGERPRINT];
    bytes[..8].copy_from_slice(&size.to_le_bytes());
    bytes[8..16].copy_from_slice(&mtime_ns.to_le_bytes());
    bytes[16..24].copy_from_slice(&file_id.0.to_le_bytes());
    bytes[24..32].copy_from_slice(&ctime_ns.unwrap_or(0).to_le_bytes());
    bytes[32..40].copy_from_slice(&birth_ns.unwrap_or(0).to_le_bytes());
    let flag = |present, flag| if present { flag } else { 0 };
    bytes[40] = flag(ctime_ns.is_some(), HAS_CTIME) | flag(birth_ns.is_some(), HAS_BIRTH);
    bytes
}

/// Returns the fingerprint in column `index`.
pub(super) fn fingerprint(row: &Row<'_>, index: usize) -> Found<Fingerprint> {
    decode_fingerprint(row.get_ref(index)?.as_blob()?)
}

/// Returns the fingerprint in column `index`, which may be NULL.
pub(super) fn optional_fingerprint(row: &Row<'_>, index: usize) -> Found<Option<Fingerprint>> {
    row.get_ref(index)?.as_blob_or_null()?.map(decode_fingerprint).transpose()
}

fn decode_fingerprint(bytes: &[u8]) -> Found<Fingerprint> {
    let bytes: &[u8; FINGERPRINT] = bytes.try_into().map_err(|_| Fault::damaged("a fingerprint"))?;
    let (words, flags) = (words::<5>(bytes), bytes[40]);
    if flags & !(HAS_CTIME | HAS_BIRTH) != 0 {
        return Err(Fault::damaged("a fingerprint"));
    }
    let [size, mtime, file_id, ctime, birth] = words;
    Ok(Fingerprint {
        size,
        mtime_ns: mtime.cast_signed(),
        ctime_ns: (flags & HAS_CTIME != 0).then_some(ctime.cast_signed()),
        birth_ns: (flags & HAS_BIRTH != 0).then_some(birth.cast_signed()),
        file_id: FileId(file_id),
    })
}

/// Returns the first `N` words of `bytes`, which has at least as many.
fn words<const N: usize>(bytes: &[u8]) -> [u64; N] {
    let mut words = [0; N];
    for (word, bytes) in words.iter_mut().zip(bytes.as_chunks::<8>().0) {
        *word = u64::from_le_bytes(*bytes);
    }
    words
}

/// Returns the bytes of a digest.
pub(super) fn digest_bytes(digest: &Digest) -> Vec<u8> {
    let Digest { size, blake3, crc64nvme, md5 } = digest;
    let mut bytes = Vec::with_capacity(DIGEST_WITH_MD5);
    bytes.extend(size.to_le_bytes());
    bytes.extend(crc64nvme.to_le_bytes());
    bytes.extend(blake3);
    bytes.extend(md5.iter().flatten());
    bytes
}

/// Returns the digest in column `index`.
pub(super) fn digest(row: &Row<'_>, index: usize) -> Found<Digest> {
    let bytes = row.get_ref(index)?.as_blob()?;
    let damaged = || Fault::damaged("a digest");
    let (head, md5) = bytes.split_at_checked(DIGEST).ok_or_else(damaged)?;
    let md5 = match md5.len() {
        0 => None,
        _ => Some(md5.try_into().map_err(|_| damaged())?),
    };
    let [size, crc64nvme] = words::<2>(head);
    let blake3 = head[16..].try_into().map_err(|_| damaged())?;
    Ok(Digest { size, blake3, crc64nvme, md5 })
}

/// Returns the bytes of a list of chunks.
pub(super) fn chunk_bytes(chunks: &Chunks) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(chunks.0.len() * CHUNK);
    for Chunk { size, blake3 } in &chunks.0 {
        bytes.extend(size.to_le_bytes());
        bytes.extend(blake3);
    }
    bytes
}

/// Returns the list of chunks written by [`chunk_bytes`].
pub(super) fn chunks(bytes: &[u8]) -> Found<Chunks> {
    let (chunks, rest) = bytes.as_chunks::<CHUNK>();
    let decode = |bytes: &[u8; CHUNK]| {
        let (size, blake3) = bytes.split_first_chunk::<4>()?;
        Some(Chunk { size: u32::from_le_bytes(*size), blake3: blake3.try_into().ok()? })
    };
    let chunks: Option<Vec<Chunk>> = chunks.iter().map(decode).collect();
    chunks.filter(|_| rest.is_empty()).map(Chunks).ok_or_else(|| Fault::damaged("a list of chunks"))
}

/// Returns the fact in column `index`.
pub(super) fn flag(row: &Row<'_>, index: usize) -> Found<bool> {
    match row.get_ref(index)?.as_i64()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Fault::damaged("a flag")),
    }
}

/// Returns the bits in column `index`, of which `known` are all that are ever set.
pub(super) fn bits(row: &Row<'_>, index: usize, known: i64) -> Found<i64> {
    let bits = row.get_ref(index)?.as_i64()?;
    if bits & !known == 0 { Ok(bits) } else { Err(Fault::damaged("a set of flags")) }
}

/// Returns the bytes of a path whose order is that of paths: the slash sorts below everything else.
pub(super) fn path_bytes(path: &RelPath) -> Vec<u8> {
    let mut bytes = path.as_str().as_bytes().to_vec();
    bytes.iter_mut().filter(|byte| **byte == b'/').for_each(|byte| *byte = 0);
    bytes
}

/// Returns the path in column `index`, written by [`path_bytes`].
pub(super) fn path(row: &Row<'_>, index: usize) -> Found<RelPath> {
    let mut bytes = row.get_ref(index)?.as_blob()?.to_vec();
    bytes.iter_mut().filter(|byte| **byte == 0).for_each(|byte| *byte = b'/');
    let text = String::from_utf8(bytes).map_err(|_| Fault::damaged("a path"))?;
    parse(&text)
}

/// Returns the path in column `index`, written as text.
pub(super) fn text_path(row: &Row<'_>, index: usize) -> Found<RelPath> {
    parse(row.get_ref(index)?.as_str()?)
}

fn parse(text: &str) -> Found<RelPath> {
    let path = RelPath::parse(text).map_err(|_| Fault::damaged("a path"))?;
    // Only canonical paths are written.
    if path.as_str() == text { Ok(path) } else { Err(Fault::damaged("a path")) }
}
