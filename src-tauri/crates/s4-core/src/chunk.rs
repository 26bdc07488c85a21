//! The chunks of a large file: pieces whose borders depend on content, so that an insertion shifts nothing.
//!
//! - A list of chunks belongs to one content and is known by that content's BLAKE3; where it lies does not matter.
//! - Chunks say what need not move. They are never trusted alone: the whole object is compared by its CRC64NVME.
//! - Databases keep lists of chunks, and both sides of a comparison must have been cut the same way. So sizes, odds and
//!   gear never change; `tests::borders_are_what_they_always_were` fails if one does.
//!
//! This is FastCDC with its normalized chunking. The published implementations cap the least size below 5 MiB, which
//! is the least that S3 accepts for a part; here each chunk but the last may be a part of its own.

#[cfg(test)]
mod tests;

/// Files from this length on have chunks, in bytes: below, sending the whole costs less than finding out.
pub const CHUNKED_FROM: u64 = 16 << 20;

/// The least size of a chunk that is not the last, in bytes: the least that S3 takes as a part.
pub const LEAST: usize = 5 << 20;

/// From this size on a border is eight times as likely as before, so that most chunks end near it.
pub const NORMAL: usize = 7 << 20;

/// The greatest size of a chunk, in bytes.
pub const GREATEST: usize = 16 << 20;

/// A border stands where the gear is below this: one byte in 8 Mi below the normal size…
const RARE: u64 = 1 << (64 - 23);

/// … and one in 1 Mi above it.
const FREQUENT: u64 = 1 << (64 - 20);

/// How many bytes the gear depends on: each shifts one bit further, and out after so many.
const WINDOW: usize = 64;

/// How many stretches are rolled over at once, and how long each is. They do not depend on each other, so the
/// processor need not wait for one addition to begin the next. They change the speed only, never a border.
const LANES: usize = 4;
const LANE: usize = 1024;

/// What each byte adds to the gear.
static GEAR: [u64; 256] = gear();

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

impl Chunks {
    /// Returns how long the content is that these chunks make up.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.0.iter().map(|chunk| u64::from(chunk.size)).sum()
    }
}

/// Cuts a content into chunks while it streams by.
#[derive(Clone, Default)]
pub struct Chunker {
    done: Vec<Chunk>,
    /// How much of the chunk under way was seen.
    size: usize,
    gear: u64,
    content: blake3::Hasher,
}

impl Chunker {
    /// Starts at the first byte of a content.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes. How a content is divided among calls does not matter.
    pub fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let taken = match self.border(bytes) {
                Some(taken) => {
                    self.content.update(&bytes[..taken]);
                    self.size += taken;
                    self.end();
                    taken
                }
                None => {
                    self.content.update(bytes);
                    self.size += bytes.len();
                    bytes.len()
                }
            };
            bytes = &bytes[taken..];
        }
    }

    /// Returns all chunks; the last ends where the content does.
    #[must_use]
    pub fn finish(mut self) -> Chunks {
        if self.size > 0 {
            self.end();
        }
        Chunks(self.done)
    }

    /// Returns how many of `bytes` the chunk under way still takes, if it ends among them, and rolls the gear on.
    fn border(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        // No border can stand before the least size. The gear needs no more than its window before that.
        at += self.stretch(bytes.len(), at, LEAST - WINDOW);
        let warm = self.stretch(bytes.len(), at, LEAST - 1);
        self.gear = rolled(self.gear, &bytes[at..at + warm]);
        at += warm;
        for (until, odds) in [(NORMAL, RARE), (GREATEST, FREQUENT)] {
            let len = self.stretch(bytes.len(), at, until);
            if let Some(found) = first_below(&mut self.gear, &bytes[at..at + len], odds) {
                return Some(at + found + 1);
            }
            at += len;
        }
        (self.size + at == GREATEST).then_some(at)
    }

    /// Returns how many bytes after the first `at` of `available` lie before the chunk reaches the size `until`.
    fn stretch(&self, available: usize, at: usize, until: usize) -> usize {
        until.saturating_sub(self.size + at).min(available - at)
    }

    fn end(&mut self) {
        let size = u32::try_from(self.size).expect("a chunk is at most 16 MiB");
        self.done.push(Chunk { size, blake3: *self.content.finalize().as_bytes() });
        self.content.reset();
        self.size = 0;
        self.gear = 0;
    }
}

/// Returns the place of the first byte after which the gear is below `odds`; otherwise rolls it over all of `bytes`.
fn first_below(gear: &mut u64, bytes: &[u8], odds: u64) -> Option<usize> {
    let mut blocks = bytes.chunks_exact(LANES * LANE);
    let mut at = 0;
    for block in &mut blocks {
        match rolled_in_lanes(*gear, block, odds) {
            Some(rolled) => *gear = rolled,
            // Somewhere in this block; which lane is first needs a look at each byte, a few times per chunk.
            None => return first_in(gear, block, odds).map(|found| at + found),
        }
        at += block.len();
    }
    first_in(gear, blocks.remainder(), odds).map(|found| at + found)
}

fn first_in(gear: &mut u64, bytes: &[u8], odds: u64) -> Option<usize> {
    bytes.iter().position(|byte| {
        *gear = step(*gear, *byte);
        *gear < odds
    })
}

/// Returns the gear after `block`, or `None` if it was below `odds` anywhere in it.
fn rolled_in_lanes(gear: u64, block: &[u8], odds: u64) -> Option<u64> {
    let (first, rest) = block.split_at(LANE);
    let (second, rest) = rest.split_at(LANE);
    let (third, fourth) = rest.split_at(LANE);
    let mut gears = [
        gear,
        rolled(0, &first[LANE - WINDOW..]),
        rolled(0, &second[LANE - WINDOW..]),
        rolled(0, &third[LANE - WINDOW..]),
    ];
    for (((a, b), c), d) in first.iter().zip(second).zip(third).zip(fourth) {
        gears = [step(gears[0], *a), step(gears[1], *b), step(gears[2], *c), step(gears[3], *d)];
        if gears[0] < odds || gears[1] < odds || gears[2] < odds || gears[3] < odds {
            return None;
        }
    }
    Some(gears[3])
}

fn rolled(gear: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(gear, |gear, byte| step(gear, *byte))
}

#[inline(always)]
fn step(gear: u64, byte: u8) -> u64 {
    (gear << 1).wrapping_add(GEAR[usize::from(byte)])
}

/// `SplitMix64` from a fixed seed.
const fn gear() -> [u64; 256] {
    let mut table = [0; 256];
    let mut state: u64 = 0x5334_6368_756e_6b73; // "S4chunks"
    let mut index = 0;
    while index < table.len() {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        table[index] = mixed ^ (mixed >> 31);
        index += 1;
    }
    table
}
