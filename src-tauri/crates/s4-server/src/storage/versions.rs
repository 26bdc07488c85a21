//! Lists all versions and delete markers, newest first under each key.

use rusqlite::{Connection, OptionalExtension as _, Statement, params};

use crate::moment::Moment;
use crate::storage::listing::{Window, common_prefix, end_of, is_passed, text};
use crate::storage::{BucketId, Position, Storage, StorageError, VersionId, buckets};

/// Where a page of versions starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VersionPosition {
    pub(crate) key: Position,
    /// Start with the versions of the position's key that are older than this one.
    pub(crate) version: Option<VersionId>,
}

/// A page of versions.
#[derive(Debug, Clone, Default)]
pub(crate) struct VersionsPage {
    pub(crate) versions: Vec<ListedVersion>,
    pub(crate) prefixes: Vec<String>,
    /// The last thing shown, if there is more after it: a key with its version, or a prefix.
    pub(crate) next: Option<(String, Option<VersionId>)>,
}

/// What a listing tells of a version.
#[derive(Debug, Clone)]
pub(crate) struct ListedVersion {
    pub(crate) key: String,
    pub(crate) version: VersionId,
    pub(crate) is_current: bool,
    pub(crate) is_marker: bool,
    pub(crate) size: u64,
    pub(crate) etag: String,
    pub(crate) modified: Moment,
}

const COLUMNS: &str = "key, version, is_current, is_marker, size, etag, modified";

impl Storage {
    pub(crate) async fn list_versions(
        &self,
        bucket: String,
        prefix: String,
        delimiter: Option<String>,
        after: VersionPosition,
        limit: usize,
    ) -> Result<VersionsPage, StorageError> {
        self.look_through(move |connection| {
            let bucket = buckets::find(connection, &bucket)?;
            let mut listing = Listing { prefix, delimiter, after, limit, page: VersionsPage::default() };
            listing.fill(connection, bucket.id)?;
            Ok(listing.page)
        })
        .await
    }
}

struct Listing {
    prefix: String,
    delimiter: Option<String>,
    after: VersionPosition,
    limit: usize,
    page: VersionsPage,
}

/// What a row means for the reading on.
enum Step {
    Next,
    JumpTo(Vec<u8>),
    Full,
}

impl Listing {
    fn fill(&mut self, connection: &Connection, bucket: BucketId) -> Result<(), StorageError> {
        if let Step::Full = self.rest_of_key(connection, bucket)? {
            return Ok(());
        }
        let mut window = Window::new(&self.prefix, &self.after.key);
        let mut statement = connection.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM version INDEXED BY version_by_key
             WHERE bucket = ? AND key >= ? AND key < ? ORDER BY key, id DESC"
        ))?;
        'jump: loop {
            let mut rows = statement.query(params![bucket.0, window.from, window.to])?;
            while let Some(row) = rows.next()? {
                match self.show(row)? {
                    Step::Next => {}
                    Step::JumpTo(from) => {
                        window.from = from;
                        continue 'jump;
                    }
                    Step::Full => return Ok(()),
                }
            }
            return Ok(());
        }
    }

    /// Shows the versions of the position's own key that are older than the position's version.
    fn rest_of_key(&mut self, connection: &Connection, bucket: BucketId) -> Result<Step, StorageError> {
        let (Position::AfterKey(key), Some(version)) = (self.after.key.clone(), self.after.version.clone())
        else {
            return Ok(Step::Next);
        };
        let key_bytes = key.as_bytes();
        let found: Option<i64> = connection
            .prepare_cached("SELECT id FROM version WHERE bucket = ? AND key = ? AND version = ?")?
            .query_row(params![bucket.0, key_bytes, version.as_str()], |row| row.get(0))
            .optional()?;
        // A `null` version that was replaced meanwhile tells no place: showing some twice skips none.
        let place = found.or_else(|| version.place()).unwrap_or(i64::MAX);
        let mut statement: Statement<'_> = connection.prepare(&format!(
            "SELECT {COLUMNS} FROM version WHERE bucket = ? AND key = ? AND id < ? ORDER BY id DESC"
        ))?;
        let mut rows = statement.query(params![bucket.0, key_bytes, place])?;
        while let Some(row) = rows.next()? {
            if let Step::Full = self.show(row)? {
                return Ok(Step::Full);
            }
        }
        Ok(Step::Next)
    }

    fn show(&mut self, row: &rusqlite::Row<'_>) -> Result<Step, StorageError> {
        let key = text(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?)?;
        let common = common_prefix(&key, &self.prefix, self.delimiter.as_deref());
        if let Some(common) = common
            && is_passed(common, &self.after.key)
        {
            return Ok(Step::JumpTo(end_of(common)));
        }
        if self.page.versions.len() + self.page.prefixes.len() == self.limit {
            self.page.next = self.last_shown();
            return Ok(Step::Full);
        }
        if let Some(common) = common {
            self.page.prefixes.push(common.to_owned());
            return Ok(Step::JumpTo(end_of(common)));
        }
        self.page.versions.push(ListedVersion {
            key,
            version: VersionId::parse(row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?),
            is_current: row.get(2)?,
            is_marker: row.get(3)?,
            size: row.get(4)?,
            etag: row.get(5)?,
            modified: Moment::from_millis(row.get(6)?),
        });
        Ok(Step::Next)
    }

    fn last_shown(&self) -> Option<(String, Option<VersionId>)> {
        let version = self.page.versions.last().map(|last| (last.key.clone(), Some(last.version.clone())));
        let prefix = self.page.prefixes.last().map(|last| (last.clone(), None));
        match (version, prefix) {
            (Some(version), Some(prefix)) => Some(if version.0 > prefix.0 { version } else { prefix }),
            (version, prefix) => version.or(prefix),
        }
    }
}
