//! What content is known by: three hashes of one read.
//!
//! - BLAKE3 answers "did the local content change?". It is never sent.
//! - CRC64NVME and MD5 compare local with remote and protect the wire. A CRC never stands alone for a local
//!   decision: self-checksummed page files collide under it.

use std::fmt;

use md5::Digest as _;

/// The hashes of one content.
///
/// Two digests are equal if length, BLAKE3 and CRC64NVME are; whether an MD5 was computed says nothing of content.
#[derive(Clone, Copy)]
pub struct Digest {
    /// The length in bytes.
    pub size: u64,
    /// BLAKE3, 32 bytes.
    pub blake3: [u8; 32],
    /// CRC-64/NVME, as S3 computes it over a full object.
    pub crc64nvme: u64,
    /// MD5, which is the ETag of an object that was PUT whole and is not encrypted with KMS or a customer's key.
    ///
    /// `None` where it was not needed: it costs more than everything else together, and a store that keeps a
    /// CRC64NVME of the full object is compared by that.
    pub md5: Option<[u8; 16]>,
}

impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        self.size == other.size && self.blake3 == other.blake3 && self.crc64nvme == other.crc64nvme
    }
}

impl Eq for Digest {}

impl Digest {
    /// Returns the digest of `content`.
    pub fn of(content: &[u8]) -> Self {
        let mut hasher = Hasher::new();
        hasher.update(content);
        hasher.finish()
    }
}

/// Returns the CRC-64/NVME of `content`, as S3 checks it over a part or an object.
pub fn crc64nvme(content: &[u8]) -> u64 {
    crc_fast::checksum(crc_fast::CrcAlgorithm::Crc64Nvme, content)
}

/// Returns the CRC-64/NVME of two contents joined, the second of which is `second_size` bytes long.
pub fn joined_crc64nvme(first: u64, second: u64, second_size: u64) -> u64 {
    crc_fast::checksum_combine(crc_fast::CrcAlgorithm::Crc64Nvme, first, second, second_size)
}

impl fmt::Debug for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, ..] = self.blake3;
        write!(formatter, "Digest({} bytes, {a:02x}{b:02x}{c:02x}{d:02x}…)", self.size)
    }
}

/// Computes a [`Digest`] from content given piece by piece.
pub struct Hasher {
    size: u64,
    blake3: blake3::Hasher,
    /// Of the parts that were told apart by [`Hasher::take_part_crc`], if there are any: joining costs as much as
    /// hashing a megabyte.
    parts_crc64nvme: Option<crc_fast::Digest>,
    /// Of what came after them.
    crc64nvme: crc_fast::Digest,
    md5: Option<md5::Md5>,
}

impl Hasher {
    /// Starts with no content; every hash will be computed.
    pub fn new() -> Self {
        Self { md5: Some(md5::Md5::new()), ..Self::without_md5() }
    }

    /// Starts with no content; the digest will have no MD5.
    pub fn without_md5() -> Self {
        let no_crc = crc_fast::Digest::new(crc_fast::CrcAlgorithm::Crc64Nvme);
        let blake3 = blake3::Hasher::new();
        Self { size: 0, blake3, parts_crc64nvme: None, crc64nvme: no_crc, md5: None }
    }

    /// Adds the next piece.
    pub fn update(&mut self, piece: &[u8]) {
        self.size += piece.len() as u64;
        self.blake3.update(piece);
        self.crc64nvme.update(piece);
        if let Some(md5) = &mut self.md5 {
            md5.update(piece);
        }
    }

    /// Returns the CRC-64/NVME of what was added since this was last asked, or since the start: a part of its own.
    ///
    /// So each byte is read once for its part's checksum and for that of the whole.
    pub fn take_part_crc(&mut self) -> u64 {
        self.parts_crc64nvme = Some(self.joined_crc());
        self.crc64nvme.finalize_reset()
    }

    fn joined_crc(&self) -> crc_fast::Digest {
        let Some(mut parts) = self.parts_crc64nvme else { return self.crc64nvme };
        parts.combine(&self.crc64nvme);
        parts
    }

    /// Returns the digest of all pieces.
    pub fn finish(self) -> Digest {
        let crc64nvme = self.joined_crc();
        Digest {
            size: self.size,
            blake3: self.blake3.finalize().into(),
            crc64nvme: crc64nvme.finalize(),
            md5: self.md5.map(|md5| md5.finalize().into()),
        }
    }
}

impl Default for Hasher {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_and_the_whole_agree_with_known_values() {
        let mut hasher = Hasher::new();
        hasher.update(b"1234");
        hasher.update(b"56789");
        let digest = hasher.finish();
        assert_eq!(digest, Digest::of(b"123456789"));
        assert_eq!(digest.crc64nvme, 0xae8b_1486_0a79_9888, "the check value of CRC-64/NVME");
        assert_eq!(digest.md5.unwrap()[..4], [0x25, 0xf9, 0xe7, 0x94]);
        assert_eq!(digest.size, 9);
        let joined = joined_crc64nvme(crc64nvme(b"1234"), crc64nvme(b"56789"), 5);
        assert_eq!(joined, digest.crc64nvme);
    }

    #[test]
    fn parts_have_checksums_of_their_own_and_the_whole_stays_the_same() {
        let content = vec![7; 100_000];
        let mut hasher = Hasher::without_md5();
        hasher.update(&content[..10]);
        hasher.update(&content[10..40_000]);
        assert_eq!(hasher.take_part_crc(), crc64nvme(&content[..40_000]));
        hasher.update(&content[40_000..90_000]);
        assert_eq!(hasher.take_part_crc(), crc64nvme(&content[40_000..90_000]));
        hasher.update(&content[90_000..]);
        assert_eq!(hasher.finish(), Digest::of(&content));
    }

    #[test]
    fn a_missing_md5_makes_no_other_content() {
        let mut hasher = Hasher::without_md5();
        hasher.update(b"123456789");
        let digest = hasher.finish();
        assert_eq!(digest, Digest::of(b"123456789"));
        assert_eq!(digest.md5, None);
    }
}
