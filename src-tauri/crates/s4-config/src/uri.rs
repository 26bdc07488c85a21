//! Where in which bucket: `s3://BUCKET[/PREFIX]`.
//!
//! Decides what a person may name as the remote side of a target. It never asks a store whether the bucket is there.
//!
//! Invariants:
//! - The bucket's name follows the rules that S3 has for all new buckets, but that two characters are enough, as for
//!   the embedded server's own bucket `s4`.
//! - The prefix has no empty part, no `.` or `..`, no reserved part `.s4`, and no slash at either end; every key
//!   below it is a plain path.

use std::{fmt, net::Ipv4Addr, str::FromStr};

use thiserror::Error;

/// A bucket and the prefix in it that a target syncs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct S3Uri {
    bucket: BucketName,
    prefix: String,
}

/// A bucket's name that S3 would take.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BucketName(String);

/// The rule for bucket names that a name breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BucketRule {
    /// 2 to 63 characters.
    #[error("has 2 to 63 characters")]
    Length,
    /// The characters allowed.
    #[error("is made of lower-case letters, digits, dots and hyphens")]
    Characters,
    /// How it starts and ends.
    #[error("starts and ends with a letter or a digit")]
    Ends,
    /// No `..`.
    #[error("has no two dots side by side")]
    AdjacentDots,
    /// Not `192.168.0.1`.
    #[error("is not written like an IP address")]
    IpAddress,
}

/// Why a text does not say where in which bucket.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum S3UriError {
    /// Neither `s3://…` nor `bucket:prefix`.
    #[error("{text:?} is not a place in a bucket; write s3://BUCKET or s3://BUCKET/PREFIX")]
    Form {
        /// As given.
        text: String,
    },
    /// A URL, but not `s3://`.
    #[error(
        "{text:?} is not an S3 address; write s3://BUCKET/PREFIX, and give a server's URL as the endpoint"
    )]
    Scheme {
        /// As given.
        text: String,
    },
    /// `s3://` or `s3:///prefix`.
    #[error("{text:?} names no bucket; write s3://BUCKET or s3://BUCKET/PREFIX")]
    MissingBucket {
        /// As given.
        text: String,
    },
    /// A bucket that cannot exist.
    #[error("{bucket:?} can't be a bucket: a bucket's name {rule}")]
    Bucket {
        /// The name as given.
        bucket: String,
        /// The rule that it breaks.
        rule: BucketRule,
    },
    /// `//` in the prefix, or a slash before it.
    #[error("the prefix {prefix:?} has an empty part; write single slashes")]
    EmptyPart {
        /// The prefix as given.
        prefix: String,
    },
    /// `.` or `..` in the prefix.
    #[error("the prefix {prefix:?} has a part `{part}`, which means another place on a disk; leave it out")]
    DotPart {
        /// The prefix as given.
        prefix: String,
        /// `.` or `..`.
        part: String,
    },
    /// `.s4` in the prefix.
    #[error("the prefix {prefix:?} has a part `{part}`, which S4 keeps for itself; choose another")]
    ReservedPart {
        /// The prefix as given.
        prefix: String,
        /// The part, as spelled.
        part: String,
    },
    /// A control character in the prefix.
    #[error("the prefix {prefix:?} has a control character in it; leave it out")]
    Control {
        /// The prefix as given.
        prefix: String,
    },
}

impl S3Uri {
    /// Puts a bucket and a prefix together; slashes at the end of the prefix do not count.
    pub fn new(bucket: BucketName, prefix: &str) -> Result<Self, S3UriError> {
        let prefix = prefix.trim_end_matches('/');
        check_prefix(prefix)?;
        Ok(Self { bucket, prefix: prefix.to_owned() })
    }

    /// Returns the bucket's name.
    pub fn bucket(&self) -> &str {
        self.bucket.as_str()
    }

    /// Returns the prefix without a slash at its end; empty for the whole bucket.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Returns what every key of the target starts with: the prefix and a slash, or nothing.
    pub fn key_prefix(&self) -> String {
        if self.prefix.is_empty() { String::new() } else { format!("{}/", self.prefix) }
    }
}

impl FromStr for S3Uri {
    type Err = S3UriError;

    /// Reads `s3://BUCKET[/PREFIX]`, or `BUCKET:[PREFIX]` as older tools write it.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (bucket, prefix) = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("s3") => {
                rest.split_once('/').unwrap_or((rest, ""))
            }
            Some(_) => return Err(S3UriError::Scheme { text: text.to_owned() }),
            None => text.split_once(':').ok_or_else(|| S3UriError::Form { text: text.to_owned() })?,
        };
        if bucket.is_empty() {
            return Err(S3UriError::MissingBucket { text: text.to_owned() });
        }
        Self::new(bucket.parse()?, prefix)
    }
}

impl fmt::Display for S3Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}", self.bucket)?;
        if !self.prefix.is_empty() {
            write!(f, "/{}", self.prefix)?;
        }
        Ok(())
    }
}

impl BucketName {
    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for BucketName {
    type Err = S3UriError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match broken_rule(name) {
            Some(rule) => Err(S3UriError::Bucket { bucket: name.to_owned(), rule }),
            None => Ok(Self(name.to_owned())),
        }
    }
}

impl fmt::Display for BucketName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The rules at <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>, without the reserved
/// beginnings and endings: those buckets exist (access points), they only cannot be made.
fn broken_rule(name: &str) -> Option<BucketRule> {
    let is_alphanumeric = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = name.as_bytes();
    if !bytes.iter().all(|byte| is_alphanumeric(byte) || matches!(byte, b'.' | b'-')) {
        Some(BucketRule::Characters)
    } else if !(2..=63).contains(&bytes.len()) {
        Some(BucketRule::Length)
    } else if ![bytes.first(), bytes.last()].into_iter().flatten().all(is_alphanumeric) {
        Some(BucketRule::Ends)
    } else if name.contains("..") {
        Some(BucketRule::AdjacentDots)
    } else if name.parse::<Ipv4Addr>().is_ok() {
        Some(BucketRule::IpAddress)
    } else {
        None
    }
}

fn check_prefix(prefix: &str) -> Result<(), S3UriError> {
    if prefix.is_empty() {
        return Ok(());
    }
    if prefix.chars().any(char::is_control) {
        return Err(S3UriError::Control { prefix: prefix.to_owned() });
    }
    for part in prefix.split('/') {
        if part.is_empty() {
            return Err(S3UriError::EmptyPart { prefix: prefix.to_owned() });
        }
        if part == "." || part == ".." {
            return Err(S3UriError::DotPart { prefix: prefix.to_owned(), part: part.to_owned() });
        }
        if part.eq_ignore_ascii_case(".s4") {
            return Err(S3UriError::ReservedPart { prefix: prefix.to_owned(), part: part.to_owned() });
        }
    }
    Ok(())
}
