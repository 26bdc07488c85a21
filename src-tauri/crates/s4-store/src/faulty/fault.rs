//! What can go wrong with a request.

use std::time::Duration;

use crate::error::StoreErrorKind;

/// What goes wrong with one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The request never arrives; the caller hears that the store is offline.
    Offline,
    /// The request is carried out, or refused; the caller hears that the store is offline.
    LostReply,
    /// The request is carried out, its reply is lost, and its repetition is answered with 412.
    AnsweredTwice,
    /// The request is not carried out; the caller hears this.
    Refused(StoreErrorKind),
    /// The request is late: others run first, as often as this says.
    Yields(u32),
    /// The request is late by this much of the runtime's clock.
    Sleep(Duration),
    /// The body of a GET breaks off with an error before its end.
    CutBody,
    /// One bit of the body of a GET is wrong, and nothing says so.
    CorruptBody,
    /// A page of a listing lacks its second half, and says that it is the last.
    ShortListing,
    /// A page of a listing shows the bucket without its latest changes: this many.
    StaleListing(usize),
}

/// How likely each fault is, in thousandths of the requests that it fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the faults of the same names")]
pub struct Chances {
    pub offline: u16,
    pub lost_reply: u16,
    pub answered_twice: u16,
    pub conflict: u16,
    pub slow_down: u16,
    pub yields: u16,
    pub cut_body: u16,
    pub corrupt_body: u16,
    pub short_listing: u16,
    pub stale_listing: u16,
}

impl Chances {
    /// Nothing goes wrong.
    pub const NONE: Chances = Chances {
        offline: 0,
        lost_reply: 0,
        answered_twice: 0,
        conflict: 0,
        slow_down: 0,
        yields: 0,
        cut_body: 0,
        corrupt_body: 0,
        short_listing: 0,
        stale_listing: 0,
    };

    /// A bad day at a store that is honest: no listing lies, no byte is wrong unnoticed.
    pub const ROUGH: Chances = Chances {
        offline: 20,
        lost_reply: 20,
        answered_twice: 10,
        conflict: 10,
        slow_down: 20,
        yields: 200,
        cut_body: 30,
        corrupt_body: 10,
        short_listing: 0,
        stale_listing: 0,
    };

    /// Returns the faults that fit `operation`, each with its chance. A fault's strength is drawn from `number`.
    pub(super) fn fitting(&self, operation: Operation, number: u64) -> [(u16, Fault); 10] {
        let if_kind = |fits: bool, chance: u16| if fits { chance } else { 0 };
        let (changes, conditional) = (operation.changes(), operation.is_conditional());
        let is_get = operation == Operation::Get;
        let is_list = operation == Operation::List;
        let small = u32::try_from(number % 8).unwrap_or_default() + 1;
        [
            (self.offline, Fault::Offline),
            (if_kind(changes, self.lost_reply), Fault::LostReply),
            (if_kind(conditional, self.answered_twice), Fault::AnsweredTwice),
            (if_kind(conditional, self.conflict), Fault::Refused(StoreErrorKind::Conflict)),
            (self.slow_down, Fault::Refused(StoreErrorKind::SlowDown)),
            (if_kind(is_get, self.cut_body), Fault::CutBody),
            (if_kind(is_get, self.corrupt_body), Fault::CorruptBody),
            (if_kind(is_list, self.short_listing), Fault::ShortListing),
            (if_kind(is_list, self.stale_listing), Fault::StaleListing(small as usize)),
            (self.yields, Fault::Yields(small)),
        ]
    }
}

/// Which request of [`Store`](crate::store::Store).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the variants are the functions of the trait")]
pub enum Operation {
    List,
    Head,
    Get,
    Put,
    Copy,
    Delete,
    DeleteVersion,
    Versions,
    CreateUpload,
    UploadPart,
    UploadPartCopy,
    CompleteUpload,
    AbortUpload,
    Parts,
    PendingUploads,
    Versioning,
    CheckBucket,
    CreateBucket,
}

impl Operation {
    /// Returns the name that S3 has for the request.
    pub fn name(self) -> &'static str {
        match self {
            Self::List => "ListObjectsV2",
            Self::Head => "HeadObject",
            Self::Get => "GetObject",
            Self::Put => "PutObject",
            Self::Copy => "CopyObject",
            Self::Delete | Self::DeleteVersion => "DeleteObject",
            Self::Versions => "ListObjectVersions",
            Self::CreateUpload => "CreateMultipartUpload",
            Self::UploadPart => "UploadPart",
            Self::UploadPartCopy => "UploadPartCopy",
            Self::CompleteUpload => "CompleteMultipartUpload",
            Self::AbortUpload => "AbortMultipartUpload",
            Self::Parts => "ListParts",
            Self::PendingUploads => "ListMultipartUploads",
            Self::Versioning => "GetBucketVersioning",
            Self::CheckBucket => "HeadBucket",
            Self::CreateBucket => "CreateBucket",
        }
    }

    /// Returns whether the request changes something, so that a lost reply leaves a doubt.
    fn changes(self) -> bool {
        match self {
            Self::Put
            | Self::Copy
            | Self::Delete
            | Self::DeleteVersion
            | Self::CreateUpload
            | Self::UploadPart
            | Self::UploadPartCopy
            | Self::CompleteUpload
            | Self::AbortUpload
            | Self::CreateBucket => true,
            Self::List
            | Self::Head
            | Self::Get
            | Self::Versions
            | Self::Parts
            | Self::PendingUploads
            | Self::Versioning
            | Self::CheckBucket => false,
        }
    }

    /// Returns whether the request takes a condition on what it changes.
    fn is_conditional(self) -> bool {
        matches!(self, Self::Put | Self::Copy | Self::Delete | Self::CompleteUpload)
    }
}

/// One fault that was injected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Injected {
    /// The request, counted from 0 over all requests.
    pub request: u64,
    /// What was asked.
    pub operation: Operation,
    /// The key or prefix it was about.
    pub subject: String,
    /// What went wrong.
    pub fault: Fault,
}
