//! What one store can do, operation by operation, as a probe saw it.
//!
//! Several servers answer 200 to a condition they ignore, so nothing here is ever believed from a name.

use serde::{Deserialize, Serialize};

/// The abilities of one store that decisions depend on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Capabilities {
    /// PUT with `If-None-Match: *` fails where an object stands.
    pub put_if_none_match: bool,
    /// PUT with `If-Match` fails where another version stands.
    pub put_if_match: bool,
    /// How the store wants the tag of an `If-Match`.
    pub etag_form: ETagForm,
    /// CompleteMultipartUpload honours `If-None-Match: *`.
    pub complete_if_none_match: bool,
    /// CompleteMultipartUpload honours `If-Match`.
    pub complete_if_match: bool,
    /// DELETE with `If-Match` fails where another version stands.
    pub delete_if_match: bool,
    /// CopyObject honours `x-amz-copy-source-if-match`.
    pub copy_source_if_match: bool,
    /// CopyObject honours `If-None-Match: *` on its destination, by one of the header forms.
    pub copy_if_none_match: CopyCondition,
    /// CopyObject honours `If-Match` on its destination.
    pub copy_if_match: CopyCondition,
    /// UploadPartCopy works, and honours `x-amz-copy-source-if-match`.
    pub upload_part_copy: bool,
    /// The store takes a CRC64NVME, refuses a wrong one, and tells it again.
    pub crc64nvme: bool,
    /// Whether old versions are kept.
    pub versioning: Versioning,
}

/// How a store wants the tag of an `If-Match`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ETagForm {
    /// In quotes, as the standard says.
    Quoted,
    /// Without quotes: older Ceph compares the bytes.
    Unquoted,
}

/// Whether and how CopyObject takes a condition on its destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CopyCondition {
    /// Not at all.
    None,
    /// The standard headers.
    Standard,
    /// Cloudflare's `cf-copy-destination-if-…` headers.
    Cloudflare,
}

/// Whether a bucket keeps old versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Versioning {
    /// It never did.
    Off,
    /// It does.
    Enabled,
    /// It did; what is replaced now is gone.
    Suspended,
}

impl Capabilities {
    /// Everything works, versions are kept: AWS, and the embedded server.
    pub const FULL: Capabilities = Capabilities {
        put_if_none_match: true,
        put_if_match: true,
        etag_form: ETagForm::Quoted,
        complete_if_none_match: true,
        complete_if_match: true,
        delete_if_match: true,
        copy_source_if_match: true,
        copy_if_none_match: CopyCondition::Standard,
        copy_if_match: CopyCondition::Standard,
        upload_part_copy: true,
        crc64nvme: true,
        versioning: Versioning::Enabled,
    };

    /// No condition has an effect and nothing is kept: the least that S4 works with.
    pub const NONE: Capabilities = Capabilities {
        put_if_none_match: false,
        put_if_match: false,
        etag_form: ETagForm::Quoted,
        complete_if_none_match: false,
        complete_if_match: false,
        delete_if_match: false,
        copy_source_if_match: false,
        copy_if_none_match: CopyCondition::None,
        copy_if_match: CopyCondition::None,
        upload_part_copy: false,
        crc64nvme: false,
        versioning: Versioning::Off,
    };

    /// Returns whether no write of any kind can replace a version that its writer has not seen.
    pub fn writes_are_conditional(&self) -> bool {
        self.put_if_none_match && self.put_if_match && self.complete_if_none_match && self.complete_if_match
    }

    /// Returns whether what is replaced or deleted is gone unless S4 keeps a copy in its own trash.
    pub fn needs_trash(&self) -> bool {
        match self.versioning {
            Versioning::Enabled => false,
            Versioning::Off | Versioning::Suspended => true,
        }
    }
}
