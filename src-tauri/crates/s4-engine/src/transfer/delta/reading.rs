//! Reading a large file once for everything that is to be known of it.
//!
//! Hashing and cutting take turns on no byte: they run beside each other, a buffer behind, so that a file is read as
//! fast as the slower of the two goes.

use std::sync::mpsc;
use std::thread;

use s4_core::chunk::{Chunker, Chunks};
use s4_core::digest::{Digest, Hasher};
use s4_core::local::Fingerprint;
use s4_core::path::DiskPath;
use s4_local::disk::DiskResult;
use s4_local::error::{DiskError, DiskErrorKind};
use s4_local::folder::Folder;

use super::super::hashing::Md5;

/// Bytes that are handed over at a time.
const PIECE: usize = 512 << 10;
/// How many pieces there are.
const PIECES: usize = 6;

/// What one read of a file told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Examined {
    pub(crate) digest: Digest,
    pub(crate) chunks: Chunks,
    /// When reading began, by the file system's own clock, in nanoseconds since the epoch.
    pub(crate) read_time_ns: i64,
}

/// Reads a whole file, if it is what `expected` says from the first byte to the last.
pub(crate) fn examine(
    folder: &Folder,
    disk: &DiskPath,
    expected: &Fingerprint,
    md5: Md5,
) -> DiskResult<Examined> {
    let file = folder.open_file(disk, expected)?;
    let (digest, chunks) = hash_and_cut(expected.size, md5, |buffer, offset| file.read_at(buffer, offset))?;
    file.unchanged()?;
    if digest.size != expected.size {
        let words = "it has changed while it was read";
        return Err(DiskError::new(DiskErrorKind::Changed, "read", disk, words));
    }
    Ok(Examined { digest, chunks, read_time_ns: file.read_time_ns() })
}

/// Hashes and cuts what `read_at` gives of the first `size` bytes, each byte read once.
pub(super) fn hash_and_cut<E: Send>(
    size: u64,
    md5: Md5,
    mut read_at: impl FnMut(&mut [u8], u64) -> Result<usize, E>,
) -> Result<(Digest, Chunks), E> {
    let mut hasher = match md5 {
        Md5::Needed => Hasher::new(),
        Md5::Spared => Hasher::without_md5(),
    };
    let (full, to_cut) = mpsc::sync_channel::<(Vec<u8>, usize)>(PIECES);
    let (cut, empty) = mpsc::sync_channel::<Vec<u8>>(PIECES);
    for _ in 0..PIECES {
        // There is room for all of them.
        let _ = cut.send(vec![0; PIECE]);
    }
    thread::scope(|scope| {
        let cutting = scope.spawn(move || {
            let mut chunker = Chunker::new();
            for (piece, length) in to_cut {
                chunker.update(&piece[..length]);
                // Nobody waits for it after the last.
                let _ = cut.send(piece);
            }
            chunker.finish()
        });
        let mut offset = 0;
        let mut result = Ok(());
        while offset < size {
            let Ok(mut piece) = empty.recv() else { break };
            let wanted = usize::try_from(size - offset).unwrap_or(PIECE).min(PIECE);
            match read_at(&mut piece[..wanted], offset) {
                Err(error) => result = Err(error),
                Ok(0) => {}
                Ok(length) => {
                    hasher.update(&piece[..length]);
                    offset += length as u64;
                    if full.send((piece, length)).is_ok() {
                        continue;
                    }
                }
            }
            break;
        }
        drop(full);
        let chunks = cutting.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        result.map(|()| (hasher.finish(), chunks))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_read_tells_what_two_would() {
        let content: Vec<u8> =
            (0..(20_u32 << 20) + 77).map(|n| (n.wrapping_mul(2_654_435_761) >> 23) as u8).collect();
        let read = |buffer: &mut [u8], offset: u64| -> Result<usize, ()> {
            let rest = &content[usize::try_from(offset).unwrap()..];
            // Fewer than asked for, as a disk may give.
            let length = buffer.len().min(rest.len()).min(300_001);
            buffer[..length].copy_from_slice(&rest[..length]);
            Ok(length)
        };
        let mut chunker = Chunker::new();
        chunker.update(&content);
        let whole = (Digest::of(&content), chunker.finish());
        assert_eq!(hash_and_cut(content.len() as u64, Md5::Spared, read), Ok(whole));
    }

    #[test]
    fn an_error_and_an_early_end_are_told() {
        assert_eq!(hash_and_cut(10, Md5::Spared, |_, _| Err::<usize, _>("no")), Err("no"));
        let (digest, chunks) = hash_and_cut(10, Md5::Spared, |_, _| Ok::<_, ()>(0)).unwrap();
        assert_eq!((digest.size, chunks), (0, Chunks::default()));
    }
}
