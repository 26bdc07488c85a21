//! The checksum of a whole from those of its parts, without reading them again.
//!
//! The library that computes CRCs can do this too, but by squaring matrices: for 10,000 parts that took
//! eight seconds, in the one thread that changes the index.

use crate::digest::{Algorithm, Digester, Value};

/// Returns the checksum of parts put together, or `None` if the algorithm does not allow that.
/// Each part is given with its length in bytes.
pub(crate) fn combine<'a>(
    algorithm: Algorithm,
    parts: impl IntoIterator<Item = (&'a Value, u64)>,
) -> Option<Value> {
    let combination = Combination::new(algorithm)?;
    let mut parts = parts.into_iter();
    let Some((first, _)) = parts.next() else {
        return Some(Digester::new([algorithm]).finish().value(algorithm)?.clone());
    };
    let whole =
        parts.fold(first.to_crc(), |whole, (part, length)| combination.append(whole, part.to_crc(), length));
    Some(Value::from_crc(algorithm, whole))
}

/// How a CRC is put together from those of two parts: arithmetic of polynomials over two elements, kept
/// with the lowest power in the highest bit, as these CRCs are.
struct Combination {
    polynomial: u64,
    /// The polynomial 1.
    one: u64,
}

impl Combination {
    fn new(algorithm: Algorithm) -> Option<Self> {
        match algorithm {
            Algorithm::Crc32 => Some(Self { polynomial: 0xEDB8_8320, one: 1 << 31 }),
            Algorithm::Crc32c => Some(Self { polynomial: 0x82F6_3B78, one: 1 << 31 }),
            Algorithm::Crc64Nvme => Some(Self { polynomial: 0x9A6C_9329_AC4B_C9B5, one: 1 << 63 }),
            Algorithm::Sha1 | Algorithm::Sha256 => None,
        }
    }

    fn multiply(&self, left: u64, mut right: u64) -> u64 {
        let mut product = 0;
        let mut power = self.one;
        while power != 0 {
            if left & power != 0 {
                product ^= right;
            }
            power >>= 1;
            right = if right & 1 == 1 { (right >> 1) ^ self.polynomial } else { right >> 1 };
        }
        product
    }

    /// Returns what a CRC is multiplied by when this many bytes follow.
    fn shift(&self, mut bytes: u64) -> u64 {
        let (mut shift, mut square) = (self.one, self.one >> 8);
        while bytes > 0 {
            if bytes & 1 == 1 {
                shift = self.multiply(shift, square);
            }
            square = self.multiply(square, square);
            bytes >>= 1;
        }
        shift
    }

    fn append(&self, whole: u64, part: u64, length: u64) -> u64 {
        self.multiply(self.shift(length), whole) ^ part
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digests;

    fn digests(bytes: &[u8]) -> Digests {
        let mut digester = Digester::new(Algorithm::ALL);
        digester.update(bytes);
        digester.finish()
    }

    #[test]
    fn crcs_of_parts_combine_to_that_of_the_whole() {
        let whole = digests(b"hello, world");
        let (left, right) = (digests(b"hello, "), digests(b"world"));
        for algorithm in Algorithm::ALL {
            let parts = [&left, &right].map(|part| (part.value(algorithm).unwrap(), part.length));
            let expected = algorithm.combines().then(|| whole.value(algorithm).unwrap().clone());
            assert_eq!(combine(algorithm, parts), expected, "{algorithm:?}");
        }
    }

    #[test]
    fn combining_agrees_with_the_library() {
        for algorithm in [Algorithm::Crc32, Algorithm::Crc32c, Algorithm::Crc64Nvme] {
            let mut whole = digests(b"a").value(algorithm).unwrap().to_crc();
            let combination = Combination::new(algorithm).unwrap();
            for length in (0..200).chain([5 << 20, 5 << 30, (1 << 40) + 1]) {
                let part = digests(&[7; 9]).value(algorithm).unwrap().to_crc();
                let expected = crc_fast::checksum_combine(algorithm.crc().unwrap(), whole, part, length);
                whole = combination.append(whole, part, length);
                assert_eq!(whole, expected, "{algorithm:?} {length}");
            }
        }
    }

    #[test]
    fn nothing_combines_to_the_checksum_of_nothing() {
        let nothing = digests(b"");
        assert_eq!(combine(Algorithm::Crc64Nvme, []), nothing.value(Algorithm::Crc64Nvme).cloned());
    }
}
