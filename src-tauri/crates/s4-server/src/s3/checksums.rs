//! Which of the kept checksums an answer shows.

use s3s::dto::ChecksumType;

use crate::config::ShownChecksums;
use crate::digest::Algorithm;
use crate::storage::{ChecksumKind, Checksums};

/// Checksums as the answers of S3 have them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) crc32: Option<String>,
    pub(super) crc32c: Option<String>,
    pub(super) crc64nvme: Option<String>,
    pub(super) sha1: Option<String>,
    pub(super) sha256: Option<String>,
    pub(super) kind: Option<ChecksumType>,
}

impl Shown {
    pub(super) fn new(checksums: &Checksums, which: ShownChecksums) -> Self {
        let mut shown = Self::default();
        let mut kind = ChecksumKind::FullObject;
        match (&checksums.chosen, which) {
            (None, _) | (Some(_), ShownChecksums::AlwaysCrc64Nvme) => {
                shown.crc64nvme = Some(checksums.crc64nvme.clone());
            }
            (Some(_), ShownChecksums::ChosenByWriter) => {}
        }
        if let Some((algorithm, value, covers)) = &checksums.chosen {
            *shown.slot(*algorithm) = Some(value.clone());
            kind = *covers;
        }
        shown.kind = Some(checksum_type(kind));
        shown
    }

    fn slot(&mut self, algorithm: Algorithm) -> &mut Option<String> {
        match algorithm {
            Algorithm::Crc32 => &mut self.crc32,
            Algorithm::Crc32c => &mut self.crc32c,
            Algorithm::Crc64Nvme => &mut self.crc64nvme,
            Algorithm::Sha1 => &mut self.sha1,
            Algorithm::Sha256 => &mut self.sha256,
        }
    }
}

pub(super) fn checksum_type(kind: ChecksumKind) -> ChecksumType {
    ChecksumType::from_static(match kind {
        ChecksumKind::FullObject => ChecksumType::FULL_OBJECT,
        ChecksumKind::Composite => ChecksumType::COMPOSITE,
    })
}

/// Writes the shown checksums into any output that has fields for them.
macro_rules! show_checksums {
    ($output:expr, $shown:expr) => {{
        let shown = $shown;
        $output.checksum_crc32 = shown.crc32;
        $output.checksum_crc32c = shown.crc32c;
        $output.checksum_crc64nvme = shown.crc64nvme;
        $output.checksum_sha1 = shown.sha1;
        $output.checksum_sha256 = shown.sha256;
        shown.kind
    }};
}
pub(super) use show_checksums;

/// Collects the checksums that a request names in its fields.
macro_rules! named_checksums {
    ($input:expr) => {
        [
            ($crate::digest::Algorithm::Crc32, $input.checksum_crc32.take()),
            ($crate::digest::Algorithm::Crc32c, $input.checksum_crc32c.take()),
            ($crate::digest::Algorithm::Crc64Nvme, $input.checksum_crc64nvme.take()),
            ($crate::digest::Algorithm::Sha1, $input.checksum_sha1.take()),
            ($crate::digest::Algorithm::Sha256, $input.checksum_sha256.take()),
        ]
        .into_iter()
        .filter_map(|(algorithm, value)| Some((algorithm, value?)))
        .collect::<Vec<_>>()
    };
}
pub(super) use named_checksums;
