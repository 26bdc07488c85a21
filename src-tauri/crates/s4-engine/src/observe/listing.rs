//! Lists a prefix: one page after the other, or several ranges of keys at a time where there are many.
//!
//! - A listing that fails on any page fails as a whole: there is no half Remote tree.
//! - Ranges follow each other without gap and without overlap, wherever they are cut: what the baseline knows only
//!   tells where a cut is useful.
//! - Ranges need keys in the order of bytes, after the key that was asked for. A store that answers otherwise is
//!   listed page by page, from the start.

use std::sync::{Mutex, PoisonError};

use futures::{StreamExt as _, TryStreamExt as _};
use s4_core::baseline::DirRow;
use s4_core::focus::RemoteEntries;
use s4_core::key::{ObjectKey, Prefix};
use s4_core::path::RelPath;
use s4_core::remote::RemoteObject;
use s4_core::tree::SortedMap;
use s4_store::store::{ContinuationToken, ListFrom, Store};

use crate::error::SyncError;

/// How many ranges are listed at a time.
const IN_FLIGHT: usize = 4;
/// How many keys make a range of their own worth while: each costs one request more at most.
const KEYS_IN_RANGE: u64 = 10_000;
/// More ranges make nothing faster.
const MAX_RANGES: u64 = 16;

/// What one complete listing saw.
pub(crate) struct Listing {
    pub(crate) objects: RemoteEntries,
    /// Whether the Python S4 keeps its index here.
    pub(crate) has_python_index: bool,
}

/// Returns keys at which a listing of about `files` files may be cut.
pub(crate) fn splits(prefix: &Prefix, dirs: &SortedMap<RelPath, DirRow>, files: u64) -> Vec<ObjectKey> {
    let ranges = (files / KEYS_IN_RANGE).min(MAX_RANGES);
    if ranges < 2 {
        return Vec::new();
    }
    let mut keys: Vec<ObjectKey> = dirs.keys().map(|path| prefix.marker_key(path)).collect();
    keys.sort();
    let ranges = usize::try_from(ranges).unwrap_or(usize::MAX);
    let step = keys.len().div_ceil(ranges).max(1);
    keys.into_iter().step_by(step).collect()
}

/// Returns what a complete listing sees. Where it is long, it is cut at `splits`, which are in order.
pub(crate) async fn list(
    store: &dyn Store,
    prefix: &Prefix,
    splits: &[ObjectKey],
) -> Result<Listing, SyncError> {
    let walk = Walk::new(store, prefix);
    if !splits.is_empty() {
        let first = store.list(prefix.as_str(), ListFrom::Start, None).await?;
        let is_all = first.next.is_none();
        let is_sorted = is_in_order(None, &first.objects);
        match first.objects.last().map(|last| last.key.clone()) {
            _ if is_all => {
                walk.take(first.objects);
                return Ok(walk.end());
            }
            Some(last) if is_sorted => {
                walk.take(first.objects);
                if walk.ranges(last, splits).await? {
                    return Ok(walk.end());
                }
            }
            Some(_) | None => {}
        }
        // What was taken so far is no part of the next one.
        drop(walk);
        let walk = Walk::new(store, prefix);
        walk.range(Range { after: None, until: None }).await?;
        return Ok(walk.end());
    }
    walk.range(Range { after: None, until: None }).await?;
    Ok(walk.end())
}

/// The keys after one and up to another, itself included. Without either, all, in whatever order.
struct Range {
    after: Option<ObjectKey>,
    until: Option<ObjectKey>,
}

/// One listing under way.
struct Walk<'a> {
    store: &'a dyn Store,
    prefix: &'a Prefix,
    own: ObjectKey,
    python_index: ObjectKey,
    seen: Mutex<Listing>,
}

impl<'a> Walk<'a> {
    fn new(store: &'a dyn Store, prefix: &'a Prefix) -> Self {
        let seen = Listing { objects: RemoteEntries::new(prefix.clone()), has_python_index: false };
        Self {
            store,
            prefix,
            own: prefix.own_key(""),
            python_index: ObjectKey::new(format!("{}.index", prefix.as_str())),
            seen: Mutex::new(seen),
        }
    }

    fn take(&self, objects: Vec<RemoteObject>) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.has_python_index |= objects.iter().any(|object| object.key == self.python_index);
        seen.objects.add(objects);
    }

    fn end(self) -> Listing {
        let mut listing = self.seen.into_inner().unwrap_or_else(PoisonError::into_inner);
        listing.objects.sort();
        listing
    }

    /// Lists what comes after `first`, in ranges. Returns whether the store gave all of them in order.
    async fn ranges(&self, first: ObjectKey, splits: &[ObjectKey]) -> Result<bool, SyncError> {
        let mut ranges = Vec::new();
        let mut after = first;
        for split in splits {
            if *split > after {
                let until = Some(split.clone());
                ranges.push(Range { after: Some(std::mem::replace(&mut after, split.clone())), until });
            }
        }
        ranges.push(Range { after: Some(after), until: None });
        futures::stream::iter(ranges)
            .map(|range| self.range(range))
            .buffer_unordered(IN_FLIGHT)
            .try_fold(true, |all, ordered| async move { Ok(all && ordered) })
            .await
    }

    /// Lists one range. Returns whether the store gave it in order; `false` means that part of it is missing.
    async fn range(&self, range: Range) -> Result<bool, SyncError> {
        let Range { after, until } = range;
        let is_part = after.is_some();
        let mut last = after.clone();
        let mut from = after.map_or(ListFrom::Start, ListFrom::After);
        loop {
            let page = self.store.list(self.prefix.as_str(), from, None).await?;
            let mut objects = page.objects;
            if is_part && !is_in_order(last.as_ref(), &objects) {
                return Ok(false);
            }
            let end = objects.last().map(|object| object.key.clone());
            let is_over = match (&until, &end) {
                (Some(until), Some(end)) => end > until,
                (None, _) | (_, None) => false,
            };
            if let Some(until) = until.as_ref().filter(|_| is_over) {
                objects.truncate(objects.partition_point(|object| object.key <= *until));
            }
            self.take(objects);
            from = match self.goes_on(end.as_ref(), page.next) {
                Some(from) if !is_over => from,
                Some(_) | None => return Ok(true),
            };
            last = end.or(last);
        }
    }

    /// Returns where a listing goes on after a page that ended with this key; `None` if that was the last.
    fn goes_on(&self, end: Option<&ObjectKey>, next: Option<ContinuationToken>) -> Option<ListFrom> {
        let ends_in_own = end.is_some_and(|end| end.as_str().starts_with(self.own.as_str()));
        // Journal and trash may hold many keys that are none of the user's: jump over them.
        let beyond_own = || ListFrom::After(ObjectKey::new(format!("{}{}", self.own, char::MAX)));
        next.map(|token| if ends_in_own { beyond_own() } else { ListFrom::Token(token) })
    }
}

/// A listing from the start, page by page, for whoever can use its pages before it is whole.
pub(crate) struct Lister<'a> {
    walk: Walk<'a>,
    next: Option<ListFrom>,
}

impl<'a> Lister<'a> {
    /// Begins before the first page.
    pub(crate) fn new(store: &'a dyn Store, prefix: &'a Prefix) -> Self {
        Self { walk: Walk::new(store, prefix), next: Some(ListFrom::Start) }
    }

    /// Returns the next page, an empty one after the last. If the future is dropped, that page comes again.
    pub(crate) async fn page(&mut self) -> Result<Vec<RemoteObject>, SyncError> {
        let Some(from) = self.next.clone() else { return Ok(Vec::new()) };
        let page = self.walk.store.list(self.walk.prefix.as_str(), from, None).await?;
        self.next = self.walk.goes_on(page.objects.last().map(|last| &last.key), page.next);
        self.walk.take(page.objects.clone());
        Ok(page.objects)
    }

    /// Returns whether there is no other page.
    pub(crate) fn is_over(&self) -> bool {
        self.next.is_none()
    }

    /// Returns what all pages saw; `None` if some are missing.
    pub(crate) fn end(self) -> Option<Listing> {
        self.next.is_none().then(|| self.walk.end())
    }
}

/// Returns whether the keys of a page are in order, and come after `last`.
fn is_in_order(last: Option<&ObjectKey>, objects: &[RemoteObject]) -> bool {
    let begins_after = objects.first().is_none_or(|first| last.is_none_or(|last| first.key > *last));
    begins_after && objects.is_sorted_by(|one, next| one.key < next.key)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use s4_core::capabilities::Versioning;
    use s4_core::digest::Digest;
    use s4_core::remote::UnixMillis;
    use s4_store::memory::{MemoryStore, StoreClock};
    use s4_store::store::{Condition, ObjectAttributes};

    use super::*;

    /// A bucket with so many files, among keys that sort oddly, S4's own, and those of a neighbour.
    async fn bucket(files: usize) -> MemoryStore {
        let store = MemoryStore::new(Versioning::Off, StoreClock::fixed(UnixMillis(0)));
        let names = (0..files).map(|n| match n % 5 {
            0 => format!("p/d{:03}/f{n}", n / 50),
            1 => format!("p/d{:03}.txt {n}", n / 50),
            2 => format!("p/d{:03}/é{n}", n / 50),
            3 => format!("p/d{:03}-{n}", n / 50),
            _ => format!("p/.s4/trash/{n:05}"),
        });
        let odd = ["p/", "p/d001/", "p/d002//x", "p/.index", "p0", "o", "p/\u{10ffff}"];
        for key in names.chain(odd.map(str::to_owned)) {
            let (key, crc) = (ObjectKey::new(key), Digest::of(b"").crc64nvme);
            let attributes = ObjectAttributes::default();
            store.put(&key, Bytes::new(), crc, &attributes, &Condition::None).await.unwrap();
        }
        store
    }

    #[tokio::test]
    async fn wherever_it_is_cut_a_listing_is_the_same() {
        let prefix = Prefix::new("p");
        let key = |text: &str| ObjectKey::new(text);
        for files in [10, 9_000] {
            let store = bucket(files).await;
            let whole = list(&store, &prefix, &[]).await.unwrap();
            assert_eq!(whole.objects.files(), files / 5 * 4 + 1);
            assert!(whole.has_python_index);
            let dirs: Vec<ObjectKey> = (0..200).map(|n| key(&format!("p/d{n:03}/"))).collect();
            let cuts: [Vec<ObjectKey>; 7] = [
                vec![key("p/d100/")],
                vec![key("p/.s4/trash/04004"), key("p/.s4/trash/04010"), key("p/.s4/z")],
                vec![key("a"), key("p/"), key("z")],
                vec![key("p/d050.txt 2501"), key("p/d050.txt 2501\u{0}"), key("p/d150/f7500")],
                dirs.iter().step_by(3).cloned().collect(),
                dirs,
                vec![key("p/\u{10ffff}")],
            ];
            for cut in cuts {
                let listing = list(&store, &prefix, &cut).await.unwrap();
                assert_eq!(listing.objects.to_tree(), whole.objects.to_tree(), "{cut:?}");
                assert!(listing.has_python_index);
            }
        }
    }

    #[test]
    fn a_range_begins_after_the_key_that_was_asked_for_and_is_sorted() {
        let object = |key: &str| RemoteObject {
            key: ObjectKey::new(key),
            size: 0,
            etag: s4_core::remote::ETag::new(""),
            last_modified: UnixMillis(0),
        };
        let page = [object("b"), object("c")];
        for (last, page, expected) in [
            (None, &page[..], true),
            (Some("a"), &page[..], true),
            (Some("a"), &[], true),
            (Some("b"), &page[..], false),
            (Some("a"), &[object("c"), object("b")], false),
            (None, &[object("b"), object("b")], false),
        ] {
            assert_eq!(is_in_order(last.map(ObjectKey::new).as_ref(), page), expected, "{last:?}");
        }
    }

    #[test]
    fn a_folder_is_cut_by_its_directories_where_it_is_large() {
        let row = DirRow { disk: s4_core::path::DiskPath::new("d"), marker: None, kept: false };
        let dirs: SortedMap<RelPath, DirRow> =
            (0..100).map(|n| (RelPath::parse(&format!("d{n}")).unwrap(), row.clone())).collect();
        let prefix = Prefix::new("p");
        for (files, expected) in [(0, 0), (19_999, 0), (20_000, 2), (1_000_000, 15)] {
            let splits = splits(&prefix, &dirs, files);
            assert_eq!(splits.len(), expected, "{files}");
            assert!(splits.is_sorted());
        }
        assert!(splits(&prefix, &SortedMap::new(), 1_000_000).is_empty());
    }
}
