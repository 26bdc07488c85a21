//! Lists current objects in the order of their keys, page by page, from one index.
//!
//! - Keys with the same beginning up to a delimiter show once, and the rest of them is skipped, not read.
//! - A page costs as much as it shows, however large the bucket is and wherever the page starts.

use rusqlite::{Connection, params};

use crate::moment::Moment;
use crate::storage::{BucketId, Storage, StorageError, buckets};

/// What a page of a listing is to hold.
#[derive(Debug, Clone)]
pub(crate) struct PageRequest {
    pub(crate) bucket: String,
    pub(crate) prefix: String,
    /// Never empty.
    pub(crate) delimiter: Option<String>,
    pub(crate) after: Position,
    pub(crate) limit: usize,
}

/// Where a page starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Position {
    Start,
    /// After this key, or after what sorts like it.
    AfterKey(String),
    /// After all keys that begin so.
    AfterPrefix(String),
}

/// A page of a listing.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    pub(crate) entries: Vec<ListedEntry>,
    /// Where the next page starts, if there is one.
    pub(crate) next: Option<Position>,
}

/// One line of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ListedEntry {
    Object(Listed),
    /// The beginning that several keys share, up to and including the delimiter.
    Prefix(String),
}

/// What a listing tells of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) key: String,
    pub(crate) size: u64,
    pub(crate) etag: String,
    pub(crate) modified: Moment,
}

impl Storage {
    pub(crate) async fn list(&self, request: PageRequest) -> Result<Page, StorageError> {
        self.look_through(move |connection| {
            let bucket = buckets::find(connection, &request.bucket)?;
            page(connection, bucket.id, &request)
        })
        .await
    }
}

/// The part of the key space that a listing still has to look at.
pub(super) struct Window {
    pub(super) from: Vec<u8>,
    pub(super) to: Vec<u8>,
}

impl Window {
    pub(super) fn new(prefix: &str, after: &Position) -> Self {
        let from = match after {
            Position::Start => Vec::new(),
            Position::AfterKey(key) => right_after(key),
            Position::AfterPrefix(prefix) => end_of(prefix),
        };
        Self { from: from.max(prefix.as_bytes().to_vec()), to: end_of(prefix) }
    }
}

fn right_after(key: &str) -> Vec<u8> {
    let mut next = key.as_bytes().to_vec();
    next.push(0);
    next
}

/// Returns the first bytes that sort after everything that begins with `prefix`.
pub(super) fn end_of(prefix: &str) -> Vec<u8> {
    match prefix.as_bytes().split_last() {
        // No byte of UTF-8 is 0xFF, so adding one never overflows, and a lone 0xFF ends the key space.
        Some((last, rest)) => [rest, &[last + 1]].concat(),
        None => vec![0xFF],
    }
}

/// Returns the beginning of `key` up to and including the first delimiter after `prefix`.
pub(super) fn common_prefix<'a>(key: &'a str, prefix: &str, delimiter: Option<&str>) -> Option<&'a str> {
    let delimiter = delimiter?;
    let rest = key.get(prefix.len()..)?;
    let end = prefix.len() + rest.find(delimiter)? + delimiter.len();
    key.get(..end)
}

/// Tells whether a shared beginning was already passed by the place where the page starts.
pub(super) fn is_passed(common: &str, after: &Position) -> bool {
    match after {
        Position::Start | Position::AfterPrefix(_) => false,
        Position::AfterKey(key) => common <= key.as_str(),
    }
}

pub(super) fn text(bytes: &[u8]) -> Result<String, StorageError> {
    String::from_utf8(bytes.to_vec()).map_err(|_| StorageError::Corrupt("a key is no UTF-8".to_owned()))
}

fn page(connection: &Connection, bucket: BucketId, request: &PageRequest) -> Result<Page, StorageError> {
    let mut entries = Vec::new();
    let mut window = Window::new(&request.prefix, &request.after);
    let mut statement = connection.prepare_cached(
        "SELECT key, size, etag, modified FROM version INDEXED BY version_listed
         WHERE bucket = ? AND is_current = 1 AND is_marker = 0 AND key >= ? AND key < ? ORDER BY key",
    )?;
    // Each turn reads on from `window.from`; a shared beginning ends a turn, to jump over the rest of it.
    'jump: loop {
        let mut rows = statement.query(params![bucket.0, window.from, window.to])?;
        while let Some(row) = rows.next()? {
            let key = text(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?)?;
            let common = common_prefix(&key, &request.prefix, request.delimiter.as_deref());
            if let Some(common) = common
                && is_passed(common, &request.after)
            {
                window.from = end_of(common);
                continue 'jump;
            }
            if entries.len() == request.limit {
                let next = entries.last().map(position_after);
                return Ok(Page { entries, next });
            }
            if let Some(common) = common {
                window.from = end_of(common);
                entries.push(ListedEntry::Prefix(common.to_owned()));
                continue 'jump;
            }
            entries.push(ListedEntry::Object(Listed {
                key,
                size: row.get(1)?,
                etag: row.get(2)?,
                modified: Moment::from_millis(row.get(3)?),
            }));
        }
        return Ok(Page { entries, next: None });
    }
}

fn position_after(entry: &ListedEntry) -> Position {
    match entry {
        ListedEntry::Object(object) => Position::AfterKey(object.key.clone()),
        ListedEntry::Prefix(prefix) => Position::AfterPrefix(prefix.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_beginnings() {
        let rows = [
            ("a/b", "", Some("/"), Some("a/")),
            ("a/b/c", "a/", Some("/"), Some("a/b/")),
            ("a/b", "a/", Some("/"), None),
            ("a//b", "a/", Some("/"), Some("a//")),
            ("ab", "", Some("/"), None),
            ("a/b", "", None, None),
            ("a--b", "", Some("--"), Some("a--")),
        ];
        for (key, prefix, delimiter, expected) in rows {
            assert_eq!(common_prefix(key, prefix, delimiter), expected, "{key:?} {prefix:?}");
        }
    }

    #[test]
    fn ends_sort_after_all_that_begin_so() {
        assert_eq!(end_of(""), [0xFF]);
        assert_eq!(end_of("a/"), b"a0");
        assert!(end_of("ä").as_slice() > "ä\u{10FFFF}".as_bytes());
    }
}
