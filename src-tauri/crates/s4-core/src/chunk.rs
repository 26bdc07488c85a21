//! The chunks of a large file: pieces whose borders depend on content, so that an insertion shifts nothing.
//!
//! - A list of chunks belongs to one content and is known by that content's BLAKE3; where it lies does not matter.
//! - Chunks say what need not move. They are never trusted alone: the whole object is compared by its CRC64NVME.

/// Files from this length on have chunks, in bytes: below, sending the whole costs less than finding out.
pub const CHUNKED_FROM: u64 = 16 << 20;

/// One chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Chunk {
    /// Its length in bytes.
    pub size: u32,
    /// BLAKE3 of its content.
    pub blake3: [u8; 32],
}

/// The chunks of one content, in order; together they are the whole of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chunks(pub Vec<Chunk>);
