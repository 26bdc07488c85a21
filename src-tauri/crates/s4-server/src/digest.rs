//! Checksums and ETags: which are computed, how they are written, how those of parts combine.
//! Never decides what a mismatch means.
//!
//! - Every content gets an MD5 and a CRC64NVME; further algorithms only where a client named one.
//! - Values are compared and kept as raw bytes in base64, as S3 writes them.

mod combination;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crc_fast::CrcAlgorithm;
use s3s::crypto::{Checksum as _, Md5, Sha1, Sha256};
use serde::{Deserialize, Serialize};

pub(crate) use self::combination::combine;

/// An algorithm that S3 knows for checking objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum Algorithm {
    Crc32,
    Crc32c,
    Crc64Nvme,
    Sha1,
    Sha256,
}

impl Algorithm {
    pub(crate) const ALL: [Self; 5] = [Self::Crc32, Self::Crc32c, Self::Crc64Nvme, Self::Sha1, Self::Sha256];

    /// Returns the name that S3 uses in headers and XML.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64Nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
        }
    }

    /// Returns the header that carries a value of this algorithm.
    pub(crate) fn header(self) -> &'static str {
        match self {
            Self::Crc32 => "x-amz-checksum-crc32",
            Self::Crc32c => "x-amz-checksum-crc32c",
            Self::Crc64Nvme => "x-amz-checksum-crc64nvme",
            Self::Sha1 => "x-amz-checksum-sha1",
            Self::Sha256 => "x-amz-checksum-sha256",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
    }

    pub(crate) fn from_header(header: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.header().eq_ignore_ascii_case(header))
    }

    /// Returns the length of a raw value in bytes.
    pub(crate) fn length(self) -> usize {
        match self {
            Self::Crc32 | Self::Crc32c => 4,
            Self::Crc64Nvme => 8,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    /// Returns the CRC behind this algorithm, or `None` if it is no CRC and so can't be combined.
    fn crc(self) -> Option<CrcAlgorithm> {
        match self {
            Self::Crc32 => Some(CrcAlgorithm::Crc32IsoHdlc),
            Self::Crc32c => Some(CrcAlgorithm::Crc32Iscsi),
            Self::Crc64Nvme => Some(CrcAlgorithm::Crc64Nvme),
            Self::Sha1 | Self::Sha256 => None,
        }
    }

    /// Tells whether the value of a whole follows from the values of its parts.
    pub(crate) fn combines(self) -> bool {
        self.crc().is_some()
    }
}

/// A raw checksum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Value {
    pub(crate) algorithm: Algorithm,
    pub(crate) bytes: Vec<u8>,
}

impl Value {
    /// Reads base64 of exactly the algorithm's length.
    pub(crate) fn parse(algorithm: Algorithm, text: &str) -> Option<Self> {
        let bytes = STANDARD.decode(text).ok()?;
        (bytes.len() == algorithm.length()).then_some(Self { algorithm, bytes })
    }

    pub(crate) fn to_base64(&self) -> String {
        STANDARD.encode(&self.bytes)
    }

    fn from_crc(algorithm: Algorithm, value: u64) -> Self {
        let all = value.to_be_bytes();
        Self { algorithm, bytes: all[8 - algorithm.length()..].to_vec() }
    }

    fn to_crc(&self) -> u64 {
        self.bytes.iter().fold(0, |value, byte| (value << 8) | u64::from(*byte))
    }
}

/// Returns the checksum of the parts' checksums, which S3 calls composite.
pub(crate) fn composite<'a>(algorithm: Algorithm, parts: impl IntoIterator<Item = &'a Value>) -> Value {
    let mut hasher = Hasher::new(algorithm);
    for part in parts {
        hasher.update(&part.bytes);
    }
    hasher.finish()
}

/// Returns the ETag of an object made of parts: the MD5 of their MD5s, and their number.
pub(crate) fn multipart_etag<'a>(part_etags: impl IntoIterator<Item = &'a str>) -> String {
    let mut hasher = Md5::new();
    let mut count = 0usize;
    for etag in part_etags {
        hasher.update(&hex_bytes(etag));
        count += 1;
    }
    format!("{}-{count}", hex(&hasher.finalize()))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn hex_bytes(text: &str) -> Vec<u8> {
    text.as_bytes()
        .chunks(2)
        .filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

enum Hasher {
    Crc(Algorithm, Box<crc_fast::Digest>),
    Sha1(Box<Sha1>),
    Sha256(Box<Sha256>),
}

impl Hasher {
    fn new(algorithm: Algorithm) -> Self {
        match (algorithm, algorithm.crc()) {
            (Algorithm::Sha1, _) => Self::Sha1(Box::new(Sha1::new())),
            (Algorithm::Crc32 | Algorithm::Crc32c | Algorithm::Crc64Nvme, Some(crc)) => {
                Self::Crc(algorithm, Box::new(crc_fast::Digest::new(crc)))
            }
            (Algorithm::Sha256, _) | (_, None) => Self::Sha256(Box::new(Sha256::new())),
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Crc(_, hasher) => hasher.update(bytes),
            Self::Sha1(hasher) => hasher.update(bytes),
            Self::Sha256(hasher) => hasher.update(bytes),
        }
    }

    fn finish(self) -> Value {
        match self {
            Self::Crc(algorithm, hasher) => Value::from_crc(algorithm, hasher.finalize()),
            Self::Sha1(hasher) => Value { algorithm: Algorithm::Sha1, bytes: hasher.finalize().to_vec() },
            Self::Sha256(hasher) => Value { algorithm: Algorithm::Sha256, bytes: hasher.finalize().to_vec() },
        }
    }
}

/// Computes everything that is wanted of one content in one pass.
pub(crate) struct Digester {
    md5: Option<Md5>,
    hashers: Vec<Hasher>,
    length: u64,
}

impl Digester {
    /// Starts MD5, CRC64NVME and the further algorithms asked for.
    pub(crate) fn with_md5(further: impl IntoIterator<Item = Algorithm>) -> Self {
        let wanted = std::iter::once(Algorithm::Crc64Nvme).chain(further);
        Self { md5: Some(Md5::new()), ..Self::new(wanted) }
    }

    /// Starts only the algorithms asked for.
    pub(crate) fn new(wanted: impl IntoIterator<Item = Algorithm>) -> Self {
        let mut wanted: Vec<_> = wanted.into_iter().collect();
        wanted.sort_unstable();
        wanted.dedup();
        Self { md5: None, hashers: wanted.into_iter().map(Hasher::new).collect(), length: 0 }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.length += bytes.len() as u64;
        if let Some(md5) = &mut self.md5 {
            md5.update(bytes);
        }
        for hasher in &mut self.hashers {
            hasher.update(bytes);
        }
    }

    pub(crate) fn finish(self) -> Digests {
        Digests {
            md5: self.md5.map(s3s::crypto::Checksum::finalize),
            values: self.hashers.into_iter().map(Hasher::finish).collect(),
            length: self.length,
        }
    }
}

/// What was computed of one content.
#[derive(Debug, Clone)]
pub(crate) struct Digests {
    /// The MD5, if it was asked for.
    pub(crate) md5: Option<[u8; 16]>,
    /// The values of all algorithms asked for.
    pub(crate) values: Vec<Value>,
    /// The length of the content in bytes.
    pub(crate) length: u64,
}

impl Digests {
    pub(crate) fn value(&self, algorithm: Algorithm) -> Option<&Value> {
        self.values.iter().find(|value| value.algorithm == algorithm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digests(bytes: &[u8]) -> Digests {
        let mut digester = Digester::with_md5(Algorithm::ALL);
        digester.update(bytes);
        digester.finish()
    }

    #[test]
    fn known_values() {
        let found = digests(b"123456789");
        assert_eq!(hex(&found.md5.unwrap()), "25f9e794323b453885f5181f1b624d0b");
        let hexes: Vec<_> = found.values.iter().map(|value| hex(&value.bytes)).collect();
        assert_eq!(hexes[0], "cbf43926");
        assert_eq!(hexes[1], "e3069283");
        assert_eq!(hexes[2], "ae8b14860a799888");
        assert_eq!(hexes[3], "f7c3bc1d808e04732adf679965ccc34ca7ae3441");
        assert!(hexes[4].starts_with("15e2b0d3c33891ebb0f1ef609ec41942"));
    }

    #[test]
    fn etag_of_parts() {
        let etags = [b"a".as_slice(), b"b"].map(|part| hex(&digests(part).md5.unwrap()));
        let expected = Md5::checksum(&etags.iter().flat_map(|etag| hex_bytes(etag)).collect::<Vec<_>>());
        assert_eq!(multipart_etag(etags.iter().map(String::as_str)), format!("{}-2", hex(&expected)));
    }

    #[test]
    fn values_of_a_wrong_length_are_none() {
        assert!(Value::parse(Algorithm::Crc32, "AAAAAA==").is_some());
        assert!(Value::parse(Algorithm::Crc32, "AAAA").is_none());
        assert!(Value::parse(Algorithm::Crc32, "not base64").is_none());
    }
}
