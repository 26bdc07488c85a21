//! How keys and checksums are spelled on the wire.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use s4_core::key::ObjectKey;
use s4_core::remote::VersionId;

/// What `x-amz-copy-source` must have encoded: everything but the unreserved characters and the slash.
const COPY_SOURCE: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// Returns the value of `x-amz-copy-source`.
pub(super) fn copy_source(bucket: &str, key: &ObjectKey, version: Option<&VersionId>) -> String {
    let mut source = format!("{bucket}/{}", utf8_percent_encode(key.as_str(), COPY_SOURCE));
    if let Some(VersionId(version)) = version {
        source.push_str("?versionId=");
        source.extend(utf8_percent_encode(version, NON_ALPHANUMERIC));
    }
    source
}

/// Returns the key that a listing with `encoding-type=url` spells, or `None` if it is no UTF-8.
///
/// Servers differ in whether a space is `%20` or `+`; a plus is `%2B` at all of them.
pub(super) fn decode_listed(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    Some(percent_decode_str(&spaced).decode_utf8().ok()?.into_owned())
}

/// Returns a CRC64NVME as the header spells it: Base64 of eight big-endian bytes.
pub(super) fn crc64nvme_to_header(crc: u64) -> String {
    STANDARD.encode(crc.to_be_bytes())
}

/// Returns the CRC64NVME that a header spells, or `None` for anything else.
pub(super) fn crc64nvme_from_header(text: &str) -> Option<u64> {
    let bytes = STANDARD.decode(text).ok()?;
    Some(u64::from_be_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copy_sources_are_encoded_and_listings_decoded() {
        let odd = "a b+c%20/ü?x&y=#\n";
        let source = copy_source("bucket", &ObjectKey::new(odd), Some(&VersionId("a/b=".into())));
        assert_eq!(source, "bucket/a%20b%2Bc%2520/%C3%BC%3Fx%26y%3D%23%0A?versionId=a%2Fb%3D");
        assert_eq!(decode_listed("a+b%2Bc%2520/%C3%BC%3Fx%26y%3D%23%0A").as_deref(), Some(odd));
        assert_eq!(decode_listed("%FF"), None);
    }

    #[test]
    fn a_checksum_goes_there_and_back() {
        let crc = 0xae8b_1486_0a79_9888;
        assert_eq!(crc64nvme_to_header(crc), "rosUhgp5mIg=", "as the AWS command line sends it");
        assert_eq!(crc64nvme_from_header("rosUhgp5mIg="), Some(crc));
        for other in ["", "AAAA", "rosUhgp5mIg=-2", "not base64"] {
            assert_eq!(crc64nvme_from_header(other), None, "{other}");
        }
    }
}
