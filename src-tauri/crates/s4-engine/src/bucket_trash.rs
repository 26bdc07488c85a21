//! The bucket's trash: what was deleted or replaced where the bucket keeps no versions.
//!
//! - Objects lie at `<prefix>/.s4/trash/<unix milliseconds>-<replica>/<path>`.
//! - Only what lies there is ever deleted for good, and only after the time that the target keeps it.

use s4_core::key::{ObjectKey, Prefix};
use s4_core::path::RelPath;
use s4_core::remote::{RemoteObject, UnixMillis};
use s4_store::store::{Condition, ListFrom, Store};

use crate::error::SyncError;

/// One object in the bucket's trash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrashedObject {
    /// The object.
    pub object: RemoteObject,
    /// When it went there, by the clock of the computer that deleted it.
    pub trashed_at: UnixMillis,
    /// The replica that deleted it.
    pub replica_id: String,
    /// Its path before.
    pub path: RelPath,
}

/// Returns everything in the bucket's trash, the oldest first.
pub async fn list(store: &dyn Store, prefix: &Prefix) -> Result<Vec<TrashedObject>, SyncError> {
    let top = prefix.own_key("trash/");
    let mut found = Vec::new();
    let mut from = ListFrom::Start;
    loop {
        let page = store.list(top.as_str(), from, None).await?;
        found.extend(page.objects.into_iter().filter_map(|object| parse(&top, object)));
        match page.next {
            None => break,
            Some(token) => from = ListFrom::Token(token),
        }
    }
    found.sort_by_key(|trashed| trashed.trashed_at);
    Ok(found)
}

/// Deletes what has been in the bucket's trash for longer than `keep_ms`, in milliseconds.
///
/// Called after something went there: then the latest object tells the store's time. A clock of this computer that
/// is ahead must not take what others deleted.
pub(crate) async fn expire(
    store: &dyn Store,
    prefix: &Prefix,
    now: UnixMillis,
    keep_ms: i64,
) -> Result<(), SyncError> {
    let all = list(store, prefix).await?;
    let latest = all.iter().map(|trashed| trashed.object.last_modified.0).max().unwrap_or(i64::MIN);
    let is_over = |went: UnixMillis, now: i64| went.0 < now.saturating_sub(keep_ms);
    for trashed in all {
        if is_over(trashed.trashed_at, now.0) && is_over(trashed.object.last_modified, latest) {
            // Nothing is lost that was to be kept: it lies below `.s4/trash/` and its time is over.
            store.delete(&trashed.object.key, &Condition::None).await?;
        }
    }
    Ok(())
}

/// Returns what a key below the trash stands for; anything that S4 did not put there is left alone.
fn parse(top: &ObjectKey, object: RemoteObject) -> Option<TrashedObject> {
    let rest = object.key.as_str().strip_prefix(top.as_str())?;
    let (batch, path) = rest.split_once('/')?;
    let (time, replica_id) = batch.split_once('-')?;
    let trashed_at = UnixMillis(time.parse().ok()?);
    let path = RelPath::parse(path).ok()?;
    Some(TrashedObject { trashed_at, replica_id: replica_id.to_owned(), path, object })
}

#[cfg(test)]
mod tests {
    use s4_core::remote::ETag;

    use super::*;

    #[test]
    fn only_what_s4_put_there_is_known() {
        let top = Prefix::new("p").own_key("trash/");
        let parsed = |key: &str| {
            let object = RemoteObject {
                key: ObjectKey::new(key),
                size: 1,
                etag: ETag::new("e"),
                last_modified: UnixMillis(0),
            };
            parse(&top, object)
                .map(|trashed| (trashed.trashed_at.0, trashed.replica_id, trashed.path.to_string()))
        };
        assert_eq!(parsed("p/.s4/trash/5-a-b/x/y"), Some((5, "a-b".to_owned(), "x/y".to_owned())));
        for key in ["p/.s4/trash/x", "p/.s4/trash/now-a/x", "p/.s4/trash/5-a/", "q/.s4/trash/5-a/x"] {
            assert_eq!(parsed(key), None, "{key}");
        }
    }
}
