//! What is learned of a content while it passes: its hashes, its chunks, and the checksum of each part.
//!
//! - Each byte is looked at once, in order, while it is still in the processor's cache.
//! - It waits for nothing: it may run on any thread, beside the network.

use s4_core::chunk::{CHUNKED_FROM, Chunker, Chunks};
use s4_core::digest::{Digest, Hasher};

/// Bytes that are hashed at a time: what fits a processor's own cache.
pub(crate) const CACHED_BYTES: usize = 256 << 10;

/// Whether an MD5 is computed, which costs more than everything else together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Md5 {
    /// It is what an ETag is compared with.
    Needed,
    /// Something better is there to compare with, or nothing at all.
    Spared,
}

/// Learns of a content what is to be known of it.
pub(crate) struct ContentHasher {
    hasher: Hasher,
    chunker: Option<Chunker>,
}

/// What was learned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) digest: Digest,
    /// Its chunks, if it is long enough to have any.
    pub(crate) chunks: Option<Chunks>,
}

impl ContentHasher {
    /// Starts with no content; `size` is how long it is going to be, in bytes.
    pub(crate) fn new(size: u64, md5: Md5) -> Self {
        let hasher = match md5 {
            Md5::Needed => Hasher::new(),
            Md5::Spared => Hasher::without_md5(),
        };
        Self { hasher, chunker: (size >= CHUNKED_FROM).then(Chunker::new) }
    }

    /// Adds the next piece.
    pub(crate) fn update(&mut self, piece: &[u8]) {
        for cached in piece.chunks(CACHED_BYTES) {
            self.hasher.update(cached);
            if let Some(chunker) = &mut self.chunker {
                chunker.update(cached);
            }
        }
    }

    /// Returns the CRC-64/NVME of what was added since this was last asked, or since the start.
    pub(crate) fn take_part_crc(&mut self) -> u64 {
        self.hasher.take_part_crc()
    }

    /// Returns what was learned of all pieces.
    pub(crate) fn finish(self) -> Content {
        Content { digest: self.hasher.finish(), chunks: self.chunker.map(Chunker::finish) }
    }
}

impl Content {
    /// Returns the chunks as they are remembered: with the BLAKE3 of the whole.
    pub(crate) fn into_chunks(self) -> Vec<([u8; 32], Chunks)> {
        let blake3 = self.digest.blake3;
        self.chunks.into_iter().map(|chunks| (blake3, chunks)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_give_what_the_whole_gives() {
        let content: Vec<u8> =
            (0..20 << 20).map(|n: u32| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let mut hasher = ContentHasher::new(content.len() as u64, Md5::Spared);
        for (piece, n) in content.chunks(3 << 20).zip(0..) {
            hasher.update(piece);
            if n % 2 == 1 {
                hasher.take_part_crc();
            }
        }
        let mut chunker = Chunker::new();
        chunker.update(&content);
        let learned = hasher.finish();
        assert_eq!(learned, Content { digest: Digest::of(&content), chunks: Some(chunker.finish()) });
        assert_eq!(ContentHasher::new(1, Md5::Needed).finish().into_chunks(), []);
    }
}
