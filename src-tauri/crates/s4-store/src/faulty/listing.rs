//! Listings that lie: short ones, and old ones.

use std::collections::BTreeMap;

use s4_core::key::ObjectKey;
use s4_core::remote::RemoteObject;

use crate::error::Result;
use crate::faulty::schedule::Change;
use crate::store::{ListFrom, ListPage, Store};

/// Returns what a listing shows of `key` now.
pub(super) async fn current(store: &impl Store, key: &ObjectKey) -> Result<Option<RemoteObject>> {
    // The key itself comes before every longer one that begins with it.
    let page = store.list(key.as_str(), ListFrom::Start, Some(1)).await?;
    Ok(page.objects.into_iter().find(|object| object.key == *key))
}

/// Returns the first half of `page` as if it were all.
pub(super) fn shortened(mut page: ListPage) -> ListPage {
    page.objects.truncate(page.objects.len() / 2);
    page.next = None;
    page
}

/// Returns `page` as it was before `changes`, the oldest first.
pub(super) fn as_it_was(page: ListPage, prefix: &str, from: &ListFrom, changes: Vec<Change>) -> ListPage {
    let last = page.next.as_ref().and_then(|_| page.objects.last()).map(|object| object.key.clone());
    let first = page.objects.first().map(|object| object.key.clone());
    let is_within = |key: &ObjectKey| {
        let begins = match from {
            ListFrom::Start => true,
            ListFrom::After(after) => key > after,
            // Where exactly a token goes on is the store's own affair: not before what it gave.
            ListFrom::Token(_) => first.as_ref().is_some_and(|first| key >= first),
        };
        key.as_str().starts_with(prefix) && begins && last.as_ref().is_none_or(|last| key <= last)
    };
    let mut objects: BTreeMap<ObjectKey, RemoteObject> =
        page.objects.into_iter().map(|object| (object.key.clone(), object)).collect();
    // The latest change is undone first, so that the oldest has the last word.
    for (key, before) in changes.into_iter().rev().filter(|(key, _)| is_within(key)) {
        match before {
            Some(object) => objects.insert(key, object),
            None => objects.remove(&key),
        };
    }
    ListPage { objects: objects.into_values().collect(), next: page.next }
}
