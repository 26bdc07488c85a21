//! Small translations between the protocol's values and the storage's. Decides nothing else.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use s3s::dto::{ETag, ETagCondition, EncodingType, Timestamp, TimestampFormat};
use s3s::{S3Error, S3Result, s3_error};

use crate::condition::{Expected, ReadCondition, WriteCondition};
use crate::moment::Moment;
use crate::storage::{ObjectHeaders, Position, VersionId};

/// The most bytes of own metadata that S3 allows, names and values together.
const METADATA_LIMIT: usize = 2048;

/// The most entries on a page.
const PAGE_LIMIT: usize = 1000;

pub(super) fn timestamp(moment: Moment) -> Timestamp {
    moment.to_system().into()
}

pub(super) fn moment(timestamp: &Timestamp) -> Option<Moment> {
    let mut text = Vec::new();
    timestamp.format(TimestampFormat::EpochSeconds, &mut text).ok()?;
    let seconds: f64 = std::str::from_utf8(&text).ok()?.parse().ok()?;
    #[allow(clippy::cast_possible_truncation, reason = "seconds of any date are far below the limit")]
    Some(Moment::from_millis((seconds * 1000.0) as i64))
}

pub(super) fn etag(text: &str) -> ETag {
    ETag::Strong(text.to_owned())
}

pub(super) fn version(text: Option<String>) -> Option<VersionId> {
    text.map(|text| VersionId::parse(&text))
}

fn for_match(condition: ETagCondition) -> Expected {
    match condition {
        ETagCondition::Any => Expected::Any,
        ETagCondition::ETag(ETag::Strong(etag)) => Expected::ETag(etag),
        // A weak ETag only says "alike", which is not enough to act on.
        ETagCondition::ETag(ETag::Weak(_)) => Expected::Unknown,
    }
}

fn for_none_match(condition: ETagCondition) -> Expected {
    match condition {
        ETagCondition::Any => Expected::Any,
        ETagCondition::ETag(etag) => Expected::ETag(etag.into_value()),
    }
}

pub(super) fn write_condition(
    if_match: Option<ETagCondition>,
    if_none_match: Option<ETagCondition>,
) -> WriteCondition {
    WriteCondition { if_match: if_match.map(for_match), if_none_match: if_none_match.map(for_none_match) }
}

pub(super) fn delete_condition(if_match: Option<ETagCondition>) -> crate::condition::DeleteCondition {
    crate::condition::DeleteCondition { if_match: if_match.map(for_match) }
}

pub(super) fn read_condition(
    if_match: Option<ETagCondition>,
    if_none_match: Option<ETagCondition>,
    if_modified_since: Option<&Timestamp>,
    if_unmodified_since: Option<&Timestamp>,
) -> ReadCondition {
    ReadCondition {
        if_match: if_match.map(for_match),
        if_none_match: if_none_match.map(for_none_match),
        if_modified_since: if_modified_since.and_then(moment),
        if_unmodified_since: if_unmodified_since.and_then(moment),
    }
}

/// Reads the headers of a request that describe an object, from any input that has them.
macro_rules! object_headers {
    ($input:expr) => {
        $crate::s3::translate::checked_headers($crate::storage::ObjectHeaders {
            content_type: $input.content_type.take(),
            content_encoding: $input.content_encoding.take(),
            content_language: $input.content_language.take(),
            content_disposition: $input.content_disposition.take(),
            cache_control: $input.cache_control.take(),
            expires: $input
                .expires
                .take()
                .as_ref()
                .and_then($crate::s3::translate::moment)
                .map($crate::moment::Moment::millis),
            metadata: $input.metadata.take().unwrap_or_default().into_iter().collect(),
        })
    };
}
pub(super) use object_headers;

/// Takes out what describes the transfer only, and refuses more metadata than S3 keeps.
pub(super) fn checked_headers(mut headers: ObjectHeaders) -> S3Result<ObjectHeaders> {
    let size: usize = headers.metadata.iter().map(|(name, value)| name.len() + value.len()).sum();
    if size > METADATA_LIMIT {
        return Err(s3_error!(
            MetadataTooLarge,
            "Your metadata headers have {size} bytes, more than the {METADATA_LIMIT} allowed"
        ));
    }
    headers.content_encoding = headers.content_encoding.and_then(|encoding| {
        let kept: Vec<_> = encoding
            .split(',')
            .map(str::trim)
            .filter(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case("aws-chunked"))
            .collect();
        (!kept.is_empty()).then(|| kept.join(","))
    });
    Ok(headers)
}

/// Returns how many entries a page gets: what is asked for, but no more than S3 gives.
pub(super) fn page_limit(asked: Option<i32>) -> S3Result<usize> {
    match asked.map(usize::try_from) {
        None => Ok(PAGE_LIMIT),
        Some(Ok(asked)) => Ok(asked.min(PAGE_LIMIT)),
        Some(Err(_)) => Err(s3_error!(InvalidArgument, "A number of entries can't be negative")),
    }
}

pub(super) fn shown_limit(limit: usize) -> Option<i32> {
    i32::try_from(limit).ok()
}

pub(super) fn signed(size: u64) -> Option<i64> {
    i64::try_from(size).ok()
}

/// How names are written in a listing.
#[derive(Debug, Clone, Copy)]
pub(super) enum Names {
    AsTheyAre,
    UrlEncoded,
}

impl Names {
    pub(super) fn new(encoding: Option<&EncodingType>) -> S3Result<Self> {
        match encoding.map(EncodingType::as_str) {
            None => Ok(Self::AsTheyAre),
            Some(EncodingType::URL) => Ok(Self::UrlEncoded),
            Some(_) => Err(s3_error!(InvalidArgument, "Invalid Encoding Method specified in Request")),
        }
    }

    pub(super) fn write(self, name: &str) -> String {
        match self {
            Self::AsTheyAre => name.to_owned(),
            Self::UrlEncoded => url_encode(name),
        }
    }
}

/// Percent-encodes all but what every decoder leaves alone. A space is `%20`: some take `+` for a plus.
pub(super) fn url_encode(name: &str) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(name.len() + 8);
    for byte in name.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => {
                text.push(char::from(byte));
            }
            other => {
                let _ = write!(text, "%{other:02X}");
            }
        }
    }
    text
}

/// Returns the name if a document can carry it as it is, which XML does not allow for some characters.
/// Where the client knows the name anyway, leaving it out beats an answer that it can't parse.
pub(super) fn for_document(name: String) -> Option<String> {
    let is_carried = |character: char| match character {
        // A carriage return is allowed, but comes out as a line feed.
        '\t' | '\n' => true,
        '\u{0}'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}' => false,
        _ => true,
    };
    name.chars().all(is_carried).then_some(name)
}

/// Writes a position as an opaque token.
pub(super) fn token(position: &Position) -> Option<String> {
    let text = match position {
        Position::Start => return None,
        Position::AfterKey(key) => format!("k{key}"),
        Position::AfterPrefix(prefix) => format!("p{prefix}"),
    };
    Some(URL_SAFE_NO_PAD.encode(text))
}

/// Reads a token written by [`token`].
pub(super) fn position(token: &str) -> S3Result<Position> {
    let refuse = || -> S3Error { s3_error!(InvalidArgument, "The continuation token provided is incorrect") };
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| refuse())?;
    let text = String::from_utf8(bytes).map_err(|_| refuse())?;
    if let Some(key) = text.strip_prefix('k') {
        Ok(Position::AfterKey(key.to_owned()))
    } else if let Some(prefix) = text.strip_prefix('p') {
        Ok(Position::AfterPrefix(prefix.to_owned()))
    } else {
        Err(refuse())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_survive_url_encoding() {
        assert_eq!(url_encode("a b+c/ä\u{1}*~"), "a%20b%2Bc/%C3%A4%01%2A~");
    }

    #[test]
    fn names_that_documents_carry() {
        for (name, is_carried) in
            [("ä<&\t\n", true), ("\u{7F}", true), ("\r", false), ("\u{1}", false), ("\u{FFFF}", false)]
        {
            assert_eq!(for_document(name.to_owned()).is_some(), is_carried, "{name:?}");
        }
    }

    #[test]
    fn tokens_come_back() {
        for at in [Position::AfterKey("a/\u{1}".to_owned()), Position::AfterPrefix("ä/".to_owned())] {
            assert_eq!(position(&token(&at).unwrap()).unwrap(), at);
        }
        assert!(position("!").is_err());
        assert!(position("").is_err());
    }

    #[test]
    fn transfer_codings_are_not_kept() {
        let rows =
            [("aws-chunked", None), ("gzip, aws-chunked", Some("gzip")), ("aws-chunked,gzip", Some("gzip"))];
        for (given, expected) in rows {
            let headers = ObjectHeaders { content_encoding: Some(given.to_owned()), ..Default::default() };
            assert_eq!(checked_headers(headers).unwrap().content_encoding.as_deref(), expected);
        }
    }

    #[test]
    fn moments_survive_timestamps() {
        let at = Moment::from_millis(1_700_000_000_000);
        assert_eq!(moment(&timestamp(at)), Some(at));
    }
}
