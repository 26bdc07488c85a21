//! All versions of one key.
//!
//! - S3 lists versions and delete markers of one key together, the newest first. The SDK sorts them into two
//!   lists, each still in order; the reply's own text tells how they interleave, as stamps (whole seconds)
//!   cannot.
//! - Other servers list all delete markers first, or last. Where the text is not in order, stamps decide.

use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_s3::config::interceptors::AfterDeserializationInterceptorContextRef;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_sdk_s3::operation::list_object_versions::ListObjectVersionsOutput;
use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::EncodingType;
use aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint;
use s4_core::key::ObjectKey;
use s4_core::remote::{ETag, VersionId};

use super::AwsStore;
use super::error::Asked;
use super::list::listed_key;
use super::reply::unix_millis;
use crate::error::{Result, StoreErrorKind};
use crate::store::ObjectVersion;

pub(super) async fn versions(store: &AwsStore, key: &ObjectKey) -> Result<Vec<ObjectVersion>> {
    let asked = store.asked("ListObjectVersions", key.as_str());
    let mut versions = Vec::new();
    let mut marker = (None, None);
    loop {
        let order = Order::default();
        let request = store
            .client
            .list_object_versions()
            .bucket(&*store.bucket)
            .prefix(key.as_str())
            .encoding_type(EncodingType::Url)
            .set_key_marker(marker.0)
            .set_version_id_marker(marker.1)
            .customize()
            .interceptor(order.clone());
        let page = request.send().await.map_err(|error| asked.failed(&error))?;
        let decodes = page.encoding_type() == Some(&EncodingType::Url);
        let is_last = match page.is_truncated() {
            Some(truncated) => !truncated,
            None => return Err(asked.no_reply("IsTruncated")),
        };
        let entries = interleaved(&asked, &page, &order, decodes)?;
        // Longer keys follow; once a page ends with one, all of this key have been seen.
        let is_past = entries.last().is_some_and(|(last, _)| last > key);
        versions.extend(entries.into_iter().filter(|(found, _)| found == key).map(|(_, version)| version));
        if is_last || is_past {
            return Ok(newest_first(versions));
        }
        let next = listed_key(&asked, page.next_key_marker(), decodes)?;
        marker = (Some(next.to_string()), page.next_version_id_marker);
    }
}

/// Returns `versions` with the newest first, each kind in the order it came in.
fn newest_first(versions: Vec<ObjectVersion>) -> Vec<ObjectVersion> {
    // (An upload in parts has the stamp of its beginning: order in the text is worth more than stamps.)
    let is_ordered = versions.first().is_none_or(|version| version.is_latest)
        && versions.is_sorted_by(|newer, older| newer.last_modified >= older.last_modified);
    if is_ordered {
        return versions;
    }
    let rank = |version: &ObjectVersion| (version.is_latest, version.last_modified);
    let (markers, contents): (Vec<_>, Vec<_>) =
        versions.into_iter().partition(|version| version.etag.is_none());
    let mut merged = Vec::with_capacity(markers.len() + contents.len());
    let mut contents = contents.into_iter().peekable();
    for marker in markers {
        while let Some(newer) = contents.next_if(|version| rank(version) > rank(&marker)) {
            merged.push(newer);
        }
        merged.push(marker);
    }
    merged.extend(contents);
    merged
}

/// Returns the versions and delete markers of a page in the order of its text.
fn interleaved(
    asked: &Asked<'_>,
    page: &ListObjectVersionsOutput,
    order: &Order,
    decodes: bool,
) -> Result<Vec<(ObjectKey, ObjectVersion)>> {
    let mut versions = page.versions().iter();
    let mut markers = page.delete_markers().iter();
    let date = |date: Option<&DateTime>| date.map(unix_millis).ok_or_else(|| asked.no_reply("LastModified"));
    let id = |id: Option<&str>| id.map(|id| VersionId(id.into())).ok_or_else(|| asked.no_reply("VersionId"));
    let mut entries = Vec::new();
    for kind in order.kinds() {
        let missing = || asked.error(StoreErrorKind::Corrupt, "the list of versions cannot be read");
        entries.push(match kind {
            Kind::Version => {
                let version = versions.next().ok_or_else(missing)?;
                let size = version.size().and_then(|size| u64::try_from(size).ok());
                let entry = ObjectVersion {
                    id: id(version.version_id())?,
                    etag: version.e_tag().map(ETag::new),
                    size: Some(size.ok_or_else(|| asked.no_reply("Size"))?),
                    last_modified: date(version.last_modified())?,
                    is_latest: version.is_latest().unwrap_or_default(),
                };
                (listed_key(asked, version.key(), decodes)?, entry)
            }
            Kind::DeleteMarker => {
                let marker = markers.next().ok_or_else(missing)?;
                let entry = ObjectVersion {
                    id: id(marker.version_id())?,
                    etag: None,
                    size: None,
                    last_modified: date(marker.last_modified())?,
                    is_latest: marker.is_latest().unwrap_or_default(),
                };
                (listed_key(asked, marker.key(), decodes)?, entry)
            }
        });
    }
    if versions.next().is_some() || markers.next().is_some() {
        return Err(asked.error(StoreErrorKind::Corrupt, "the list of versions cannot be read"));
    }
    Ok(entries)
}

/// What an entry of the list is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Version,
    DeleteMarker,
}

/// Notes in which order a page names versions and delete markers. Clones share the note.
#[derive(Clone, Debug, Default)]
struct Order(Arc<Mutex<Vec<Kind>>>);

impl Order {
    fn kinds(&self) -> Vec<Kind> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[dyn_dispatch_hint]
impl Intercept for Order {
    fn name(&self) -> &'static str {
        "Order"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> std::result::Result<(), BoxError> {
        let text = context.response().body().bytes().and_then(|body| std::str::from_utf8(body).ok());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = text.map(kinds_in).unwrap_or_default();
        Ok(())
    }
}

/// Returns the order of the entries of a page; keys are URL-encoded, so no `<` of theirs can stand in it.
fn kinds_in(text: &str) -> Vec<Kind> {
    let tags = text.split('<').skip(1);
    let kinds = tags.filter_map(|tag| {
        let name = tag.split(|end: char| end == '>' || end.is_whitespace()).next()?;
        match name {
            "Version" => Some(Kind::Version),
            "DeleteMarker" => Some(Kind::DeleteMarker),
            _ => None,
        }
    });
    kinds.collect()
}

#[cfg(test)]
mod tests {
    use s4_core::remote::UnixMillis;

    use super::*;

    fn entry(id: &str, at: i64, is_latest: bool) -> ObjectVersion {
        let is_marker = id.starts_with('m');
        ObjectVersion {
            id: VersionId(id.into()),
            etag: (!is_marker).then(|| ETag::new(id)),
            size: (!is_marker).then_some(1),
            last_modified: UnixMillis(at),
            is_latest,
        }
    }

    #[track_caller]
    fn check(listed: Vec<ObjectVersion>, expected: &[&str]) {
        let ordered = newest_first(listed);
        let ids: Vec<&str> = ordered.iter().map(|version| &*version.id.0).collect();
        assert_eq!(ids, expected);
    }

    #[test]
    fn the_newest_comes_first_however_a_server_groups_them() {
        // In one second, as S3 lists them: the text decides.
        check(vec![entry("v2", 5, true), entry("m1", 5, false), entry("v1", 5, false)], &["v2", "m1", "v1"]);
        // Delete markers first.
        check(vec![entry("m1", 5, false), entry("v2", 6, true), entry("v1", 4, false)], &["v2", "m1", "v1"]);
        check(vec![entry("m2", 7, true), entry("m1", 5, false), entry("v1", 6, false)], &["m2", "v1", "m1"]);
        // Delete markers last.
        check(vec![entry("v2", 6, true), entry("v1", 4, false), entry("m1", 5, false)], &["v2", "m1", "v1"]);
        check(vec![], &[]);
    }

    #[test]
    fn the_text_tells_the_order() {
        let text = "<?xml version=\"1.0\"?><ListVersionsResult><VersionIdMarker/><DeleteMarker>\
                    <VersionId>b</VersionId></DeleteMarker><Version xmlns=\"x\"><Key>%3CVersion%3E</Key></Version>\
                    <DeleteMarker></DeleteMarker></ListVersionsResult>";
        assert_eq!(kinds_in(text), [Kind::DeleteMarker, Kind::Version, Kind::DeleteMarker]);
    }
}
