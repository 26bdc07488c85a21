//! Why a request failed, by what the caller can do about it.
//!
//! Nobody parses messages: each way out has a variant.

/// The result of a request.
pub type Result<T> = std::result::Result<T, StoreError>;

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
#[error("{kind}: {operation} `{subject}`{}", detail(message))]
pub struct StoreError {
    /// What the caller can do about it.
    pub kind: StoreErrorKind,
    /// The request, as S3 names it: `PutObject`.
    pub operation: &'static str,
    /// The key, prefix or bucket it was about.
    pub subject: String,
    /// The store's own words, for people; never parsed, never holding a secret.
    pub message: String,
}

impl StoreError {
    /// Returns the error of `operation` on `subject`, with the store's own words.
    pub fn new(
        kind: StoreErrorKind,
        operation: &'static str,
        subject: &(impl ToString + ?Sized),
        message: impl Into<String>,
    ) -> Self {
        Self { kind, operation, subject: subject.to_string(), message: message.into() }
    }
}

/// What the caller can do about a failed request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreErrorKind {
    /// 404: there is no such object, version or upload.
    #[error("not found")]
    Missing,
    /// 404: there is no such bucket.
    #[error("the bucket does not exist")]
    NoBucket,
    /// 412: the condition did not hold; look again and plan anew. Nothing was changed.
    #[error("changed meanwhile")]
    PreconditionFailed,
    /// 409: another request was under way; send it again. Nothing was changed.
    #[error("another request was under way")]
    Conflict,
    /// 403: refused for this request.
    #[error("access denied")]
    Denied,
    /// The keys are wrong, unknown or expired; no request will succeed until they are mended.
    #[error("the credentials were rejected")]
    Credentials,
    /// 503 and its like: slower, please.
    #[error("the store asks to slow down")]
    SlowDown,
    /// No reply, or a broken one, after all tries. The request may or may not have been carried out.
    #[error("the store cannot be reached")]
    Offline,
    /// The clock of this computer is wrong by more than the store accepts.
    #[error("the clock of this computer is wrong")]
    ClockSkew,
    /// The bucket lies in another region.
    #[error("the bucket lies in region {}", region.as_deref().unwrap_or("unknown"))]
    WrongRegion {
        /// The right one, where the store says so.
        region: Option<String>,
    },
    /// The store does not know this operation or header.
    #[error("not supported by this store")]
    Unsupported,
    /// What arrived is not what was sent: a checksum or length differs. Nothing was changed.
    #[error("damaged on the way")]
    Corrupt,
    /// The object is archived and cannot be read before it is restored.
    #[error("the object is archived")]
    Archived,
    /// Anything else.
    #[error("failed")]
    Other,
}

impl StoreErrorKind {
    /// Returns whether the whole target cannot go on, as opposed to one path.
    pub fn concerns_whole_store(&self) -> bool {
        match self {
            Self::NoBucket
            | Self::Credentials
            | Self::Offline
            | Self::ClockSkew
            | Self::WrongRegion { .. } => true,
            Self::Missing
            | Self::PreconditionFailed
            | Self::Conflict
            | Self::Denied
            | Self::SlowDown
            | Self::Unsupported
            | Self::Corrupt
            | Self::Archived
            | Self::Other => false,
        }
    }
}

/// Returns the store's words as the end of a message.
fn detail(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!(" ({message})") }
}
