//! How a file becomes an object of parts: which part is sent, and which is copied from what the bucket has.
//!
//! It decides sizes and borders; it reads and sends nothing.

use std::ops::Range;

use s4_core::key::ObjectKey;
use s4_core::remote::ETag;

const MIB: u64 = 1 << 20;
/// The most parts that an object may have.
pub(crate) const MAX_PARTS: u64 = 10_000;
/// The length of the parts of files up to each length, in bytes: a larger part costs fewer requests, a smaller one
/// begins sooner. S3 asks for at least 5 MiB but for the last one.
const PARTS: [(u64, u64); 3] = [(512 * MIB, 8 * MIB), (8192 * MIB, 16 * MIB), (u64::MAX, 32 * MIB)];

/// The parts of an object, in order; together they are the whole file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) pieces: Vec<Piece>,
    /// The length of each part but the last, in bytes; 0 where the parts follow chunks.
    pub(crate) part_bytes: u64,
}

/// One part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// From 1 on.
    pub(crate) number: u32,
    /// Where it lies in the file. One that is sent is held in memory as a whole.
    pub(crate) range: Range<u64>,
    pub(crate) source: PieceSource,
}

/// Where a part's bytes come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PieceSource {
    /// The file.
    File,
    /// The bucket: these bytes of this version of an object.
    CopyOf { key: ObjectKey, etag: ETag, range: Range<u64> },
}

impl Layout {
    /// Returns the layout of a file of which everything is sent, in equal parts.
    pub(crate) fn of_whole(size: u64) -> Self {
        let part_bytes = part_bytes(size);
        let starts = (0..size.div_ceil(part_bytes)).map(|n| n * part_bytes);
        let pieces = (1..).zip(starts).map(|(number, start)| Piece {
            number,
            range: start..size.min(start + part_bytes),
            source: PieceSource::File,
        });
        Self { pieces: pieces.collect(), part_bytes }
    }

    /// Returns whether every byte of the file is sent.
    pub(crate) fn sends_everything(&self) -> bool {
        self.pieces.iter().all(|piece| piece.source == PieceSource::File)
    }
}

/// Returns the part size with which a file of `size` bytes has no more parts than are allowed.
pub(crate) fn part_bytes(size: u64) -> u64 {
    let fitting = PARTS.iter().find(|(up_to, _)| size <= *up_to).map_or(32 * MIB, |(_, part)| *part);
    let least = size.div_ceil(MAX_PARTS).div_ceil(MIB) * MIB;
    least.max(fitting)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t59_parts_grow_so_that_ten_thousand_suffice() {
        const TIB: u64 = 1 << 40;
        let most = 48 * TIB + 4 * TIB / 5;
        for size in [1, 8 * MIB * MAX_PARTS, 32 * MIB * MAX_PARTS, 32 * MIB * MAX_PARTS + 1, 5 * TIB, most] {
            let part = part_bytes(size);
            assert!(size.div_ceil(part) <= MAX_PARTS && (5 * MIB..=5 << 30).contains(&part), "{size}");
        }
    }

    #[test]
    fn parts_are_the_whole_file_in_order() {
        for size in [1, 17 * MIB, 24 * MIB, 24 * MIB + 1, 700 * MIB] {
            let layout = Layout::of_whole(size);
            let mut at = 0;
            for (piece, number) in layout.pieces.iter().zip(1..) {
                assert_eq!((piece.number, piece.range.start), (number, at));
                at = piece.range.end;
                assert!(piece.range.end - piece.range.start == layout.part_bytes || at == size);
            }
            assert_eq!(at, size);
            assert!(layout.sends_everything());
        }
    }
}
