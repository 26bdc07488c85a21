//! MD5 of one content, or of several contents in step with each other. Never decides which.
//!
//! Each step of MD5 waits for the one before, so one content alone leaves most of a core idle. Several go
//! through the same instructions for hardly more than one costs.

use std::collections::VecDeque;

use bytes::Bytes;
use wide::{u32x4, u32x8};

/// What MD5 knows after some blocks.
pub(super) type State = [u32; 4];

const INITIAL: State = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476];

const BLOCK: usize = 64;

/// The most contents that go in step.
pub(super) const LANES: usize = 8;

/// Blocks that go through before the next content's: so many of all of them stay close to the core.
const STRETCH: usize = 256;

/// The MD5 of a content under way.
pub(crate) struct Md5 {
    state: State,
    /// What is left of a block that is not complete.
    rest: Vec<u8>,
    length: u64,
}

impl Md5 {
    pub(super) fn new() -> Self {
        Self { state: INITIAL, rest: Vec::with_capacity(BLOCK), length: 0 }
    }

    /// Takes what comes next as work that others may do; its outcome goes to [`resume`](Self::resume).
    pub(super) fn hand_out(&mut self, chunks: &[Bytes]) -> Work {
        let mut runs = VecDeque::with_capacity(chunks.len() * 2);
        for chunk in chunks {
            self.length += chunk.len() as u64;
            let mut bytes = chunk.clone();
            if !self.rest.is_empty() {
                let first = bytes.split_to(bytes.len().min(BLOCK - self.rest.len()));
                self.rest.extend_from_slice(&first);
                if self.rest.len() == BLOCK {
                    runs.push_back(Bytes::copy_from_slice(&self.rest));
                    self.rest.clear();
                }
            }
            let rest = bytes.split_off(bytes.len() - bytes.len() % BLOCK);
            self.rest.extend_from_slice(&rest);
            runs.push_back(bytes);
        }
        runs.retain(|run| !run.is_empty());
        Work { state: self.state, runs }
    }

    pub(super) fn resume(&mut self, state: State) {
        self.state = state;
    }

    pub(super) fn finish(mut self) -> [u8; 16] {
        // What follows the content fills its last block or one more: a bit, zeros, the length in bits.
        let mut end = self.rest;
        end.push(0x80);
        end.resize((end.len() + 8).next_multiple_of(BLOCK) - 8, 0);
        end.extend_from_slice(&(self.length * 8).to_le_bytes());
        compress_one(&mut self.state, &end);
        let mut value = [0; 16];
        for (bytes, word) in value.as_chunks_mut::<4>().0.iter_mut().zip(self.state) {
            *bytes = word.to_le_bytes();
        }
        value
    }
}

/// Whole blocks of one content.
pub(super) struct Work {
    state: State,
    /// None is empty, and each holds whole blocks.
    runs: VecDeque<Bytes>,
}

impl Work {
    pub(super) fn state(&self) -> State {
        self.state
    }

    /// Goes on alone to the end.
    pub(super) fn run_alone(&mut self) {
        for run in self.runs.drain(..) {
            compress_one(&mut self.state, &run);
        }
    }

    fn blocks_in_a_row(&self) -> Option<usize> {
        self.runs.front().map(|run| run.len() / BLOCK)
    }

    fn take(&mut self, blocks: usize) -> Bytes {
        let Some(run) = self.runs.front_mut() else { return Bytes::new() };
        let taken = run.split_to(blocks * BLOCK);
        if run.is_empty() {
            self.runs.pop_front();
        }
        taken
    }
}

/// Brings all to their end, in step as long as that is faster.
pub(super) fn run_in_step(works: &mut [Work]) {
    loop {
        let mut open: Vec<_> = works.iter_mut().filter(|work| !work.runs.is_empty()).take(LANES).collect();
        match open.as_mut_slice() {
            [] => return,
            [one] => one.run_alone(),
            [one, other] => {
                one.run_alone();
                other.run_alone();
            }
            several => stretch(several),
        }
    }
}

/// Takes three to eight contents some blocks further.
fn stretch(works: &mut [&mut Work]) {
    let blocks = works.iter().filter_map(|work| work.blocks_in_a_row()).min().unwrap_or(0).min(STRETCH);
    let taken: Vec<_> = works.iter_mut().map(|work| work.take(blocks)).collect();
    // Lanes that nobody needs repeat the first one, and nobody looks at what comes out.
    let bytes: [&[u8]; LANES] =
        std::array::from_fn(|lane| &taken[if lane < taken.len() { lane } else { 0 }][..]);
    let mut states = [INITIAL; LANES];
    for (state, work) in states.iter_mut().zip(works.iter()) {
        *state = work.state;
    }
    if taken.len() <= 4 {
        compress_in_step::<4, u32x4>(&mut states, &bytes);
    } else {
        compress_in_step::<8, u32x8>(&mut states, &bytes);
    }
    for (work, state) in works.iter_mut().zip(states) {
        work.state = state;
    }
}

fn compress_in_step<const N: usize, W: Word + From<[u32; N]> + Into<[u32; N]>>(
    states: &mut [State; LANES],
    bytes: &[&[u8]; LANES],
) {
    let mut state: [W; 4] =
        std::array::from_fn(|word| W::from(std::array::from_fn(|lane| states[lane][word])));
    let mut blocks: [_; N] = std::array::from_fn(|lane| bytes[lane].as_chunks::<BLOCK>().0.iter());
    for _ in 0..blocks[0].len() {
        // All lanes have as many blocks as the first one.
        let block = blocks.each_mut().map(|blocks| blocks.next().unwrap_or(&[0; BLOCK]).as_chunks::<4>().0);
        let words = std::array::from_fn(|word| {
            W::from(std::array::from_fn(|lane| u32::from_le_bytes(block[lane][word])))
        });
        compress(&mut state, &words);
    }
    for (word, lanes) in state.into_iter().enumerate() {
        let lanes: [u32; N] = lanes.into();
        for (state, value) in states.iter_mut().zip(lanes) {
            state[word] = value;
        }
    }
}

fn compress_one(state: &mut State, blocks: &[u8]) {
    for block in blocks.as_chunks::<BLOCK>().0 {
        let bytes = block.as_chunks::<4>().0;
        compress(state, &std::array::from_fn(|word| u32::from_le_bytes(bytes[word])));
    }
}

/// A number of 32 bits, or several that are reckoned with at once.
trait Word: Copy {
    fn plus(self, other: Self) -> Self;
    fn plus_number(self, number: u32) -> Self;
    fn and(self, other: Self) -> Self;
    fn or(self, other: Self) -> Self;
    fn xor(self, other: Self) -> Self;
    fn not(self) -> Self;
    fn rotate<const BITS: u32>(self) -> Self;
}

impl Word for u32 {
    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        self.wrapping_add(other)
    }
    #[inline(always)]
    fn plus_number(self, number: u32) -> Self {
        self.wrapping_add(number)
    }
    #[inline(always)]
    fn and(self, other: Self) -> Self {
        self & other
    }
    #[inline(always)]
    fn or(self, other: Self) -> Self {
        self | other
    }
    #[inline(always)]
    fn xor(self, other: Self) -> Self {
        self ^ other
    }
    #[inline(always)]
    fn not(self) -> Self {
        !self
    }
    #[inline(always)]
    fn rotate<const BITS: u32>(self) -> Self {
        self.rotate_left(BITS)
    }
}

macro_rules! lanes {
    ($($lanes:ty)*) => {$(
        impl Word for $lanes {
            #[inline(always)]
            fn plus(self, other: Self) -> Self {
                self + other
            }
            #[inline(always)]
            fn plus_number(self, number: u32) -> Self {
                self + Self::splat(number)
            }
            #[inline(always)]
            fn and(self, other: Self) -> Self {
                self & other
            }
            #[inline(always)]
            fn or(self, other: Self) -> Self {
                self | other
            }
            #[inline(always)]
            fn xor(self, other: Self) -> Self {
                self ^ other
            }
            #[inline(always)]
            fn not(self) -> Self {
                !self
            }
            #[inline(always)]
            fn rotate<const BITS: u32>(self) -> Self {
                (self << BITS) | (self >> (32 - BITS))
            }
        }
    )*};
}
lanes!(u32x4 u32x8);

/// The four rounds of RFC 1321 on one block of each content.
#[inline(always)]
fn compress<W: Word>(state: &mut [W; 4], words: &[W; 16]) {
    let [mut a, mut b, mut c, mut d] = *state;
    macro_rules! step {
        ($a:ident $b:ident $c:ident $d:ident, $f:ident, $bits:literal, $word:expr, $step:expr) => {
            let sum = $a.plus(words[$word % 16]).plus_number(SINES[$step]).plus($f($b, $c, $d));
            $a = sum.rotate::<$bits>().plus($b);
        };
    }
    macro_rules! round {
        ($f:ident, $first:literal, $factor:literal + $start:literal, $($bits:literal)*) => {
            round!(@ $f, $first, $factor, $start, $($bits)*);
            round!(@ $f, $first + 4, $factor, $start, $($bits)*);
            round!(@ $f, $first + 8, $factor, $start, $($bits)*);
            round!(@ $f, $first + 12, $factor, $start, $($bits)*);
        };
        (@ $f:ident, $step:expr, $factor:literal, $start:literal, $p:literal $q:literal $r:literal $s:literal) => {
            step!(a b c d, $f, $p, $factor * ($step) + $start, $step);
            step!(d a b c, $f, $q, $factor * ($step + 1) + $start, $step + 1);
            step!(c d a b, $f, $r, $factor * ($step + 2) + $start, $step + 2);
            step!(b c d a, $f, $s, $factor * ($step + 3) + $start, $step + 3);
        };
    }
    round!(first, 0, 1 + 0, 7 12 17 22);
    round!(second, 16, 5 + 1, 5 9 14 20);
    round!(third, 32, 3 + 5, 4 11 16 23);
    round!(fourth, 48, 7 + 0, 6 10 15 21);
    for (word, value) in state.iter_mut().zip([a, b, c, d]) {
        *word = word.plus(value);
    }
}

#[inline(always)]
fn first<W: Word>(x: W, y: W, z: W) -> W {
    z.xor(x.and(y.xor(z)))
}

#[inline(always)]
fn second<W: Word>(x: W, y: W, z: W) -> W {
    // The two sides share no bit, so a sum does as well; it leaves only one operation waiting for `x`.
    x.and(z).plus(y.and(z.not()))
}

#[inline(always)]
fn third<W: Word>(x: W, y: W, z: W) -> W {
    x.xor(y.xor(z))
}

#[inline(always)]
fn fourth<W: Word>(x: W, y: W, z: W) -> W {
    y.xor(x.or(z.not()))
}

#[rustfmt::skip]
const SINES: [u32; 64] = [
    0xD76A_A478, 0xE8C7_B756, 0x2420_70DB, 0xC1BD_CEEE, 0xF57C_0FAF, 0x4787_C62A, 0xA830_4613, 0xFD46_9501,
    0x6980_98D8, 0x8B44_F7AF, 0xFFFF_5BB1, 0x895C_D7BE, 0x6B90_1122, 0xFD98_7193, 0xA679_438E, 0x49B4_0821,
    0xF61E_2562, 0xC040_B340, 0x265E_5A51, 0xE9B6_C7AA, 0xD62F_105D, 0x0244_1453, 0xD8A1_E681, 0xE7D3_FBC8,
    0x21E1_CDE6, 0xC337_07D6, 0xF4D5_0D87, 0x455A_14ED, 0xA9E3_E905, 0xFCEF_A3F8, 0x676F_02D9, 0x8D2A_4C8A,
    0xFFFA_3942, 0x8771_F681, 0x6D9D_6122, 0xFDE5_380C, 0xA4BE_EA44, 0x4BDE_CFA9, 0xF6BB_4B60, 0xBEBF_BC70,
    0x289B_7EC6, 0xEAA1_27FA, 0xD4EF_3085, 0x0488_1D05, 0xD9D4_D039, 0xE6DB_99E5, 0x1FA2_7CF8, 0xC4AC_5665,
    0xF429_2244, 0x432A_FF97, 0xAB94_23A7, 0xFC93_A039, 0x655B_59C3, 0x8F0C_CC92, 0xFFEF_F47D, 0x8584_5DD1,
    0x6FA8_7E4F, 0xFE2C_E6E0, 0xA301_4314, 0x4E08_11A1, 0xF753_7E82, 0xBD3A_F235, 0x2AD7_D2BB, 0xEB86_D391,
];

#[cfg(test)]
mod tests {
    use s3s::crypto::Checksum as _;

    use super::*;

    fn content(length: usize) -> Bytes {
        (0..length).map(|at| u8::try_from((at * 7 + length) % 251).unwrap()).collect::<Vec<_>>().into()
    }

    #[test]
    fn every_length_gives_what_the_library_gives() {
        for length in 0..300 {
            let content = content(length);
            let mut md5 = Md5::new();
            let mut work = md5.hand_out(&content.chunks(100).map(Bytes::copy_from_slice).collect::<Vec<_>>());
            work.run_alone();
            md5.resume(work.state());
            assert_eq!(md5.finish(), s3s::crypto::Md5::checksum(&content), "{length}");
        }
    }

    #[test]
    fn contents_in_step_give_what_each_gives_alone() {
        for count in 0..=LANES + 3 {
            let contents: Vec<_> = (0..count).map(|at| content(at * 4_011 + at * at)).collect();
            let mut hashes: Vec<_> = (0..count).map(|_| Md5::new()).collect();
            // In two turns, and in chunks that never end with a block.
            for half in 0..2 {
                let mut works: Vec<_> = hashes
                    .iter_mut()
                    .zip(&contents)
                    .map(|(md5, content)| {
                        let middle = content.len() / 2;
                        let part = if half == 0 { content.slice(..middle) } else { content.slice(middle..) };
                        md5.hand_out(&part.chunks(1_703).map(Bytes::copy_from_slice).collect::<Vec<_>>())
                    })
                    .collect();
                run_in_step(&mut works);
                for (md5, work) in hashes.iter_mut().zip(works) {
                    md5.resume(work.state());
                }
            }
            for (md5, content) in hashes.into_iter().zip(&contents) {
                assert_eq!(md5.finish(), s3s::crypto::Md5::checksum(content), "{count}");
            }
        }
    }
}
