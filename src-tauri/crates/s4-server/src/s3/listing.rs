//! Answers ListObjects and ListObjectsV2.

use s3s::dto::*;
use s3s::{S3Request, S3Result};

use crate::s3::Endpoint;
use crate::s3::buckets::owner;
use crate::s3::translate::{Names, etag, page_limit, position, shown_limit, signed, timestamp, token};
use crate::storage::{Listed, ListedEntry, Page, PageRequest, Position};

/// A page, sorted into what S3 lists apart.
struct Sorted {
    objects: Vec<Object>,
    prefixes: Vec<CommonPrefix>,
}

enum Owners {
    Shown,
    Hidden,
}

fn sort(entries: Vec<ListedEntry>, names: Names, owners: &Owners) -> Sorted {
    let mut sorted = Sorted { objects: Vec::with_capacity(entries.len()), prefixes: Vec::new() };
    for entry in entries {
        match entry {
            ListedEntry::Object(object) => sorted.objects.push(listed(&object, names, owners)),
            ListedEntry::Prefix(prefix) => {
                sorted.prefixes.push(CommonPrefix { prefix: Some(names.write(&prefix)) });
            }
        }
    }
    sorted
}

fn listed(object: &Listed, names: Names, owners: &Owners) -> Object {
    Object {
        e_tag: Some(etag(&object.etag)),
        key: Some(names.write(&object.key)),
        last_modified: Some(timestamp(object.modified)),
        owner: match owners {
            Owners::Shown => Some(owner()),
            Owners::Hidden => None,
        },
        size: signed(object.size),
        storage_class: Some(ObjectStorageClass::from_static(ObjectStorageClass::STANDARD)),
        ..Default::default()
    }
}

impl Endpoint {
    pub(super) async fn answer_list_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<ListObjectsV2Output> {
        let input = request.input;
        let names = Names::new(input.encoding_type.as_ref())?;
        let limit = page_limit(input.max_keys)?;
        let after = match (&input.continuation_token, &input.start_after) {
            (Some(token), _) => position(token)?,
            (None, Some(key)) if !key.is_empty() => Position::AfterKey(key.clone()),
            (None, Some(_) | None) => Position::Start,
        };
        let page =
            self.page(&input.bucket, input.prefix.as_ref(), input.delimiter.as_ref(), after, limit).await?;
        let owners = if input.fetch_owner == Some(true) { Owners::Shown } else { Owners::Hidden };
        let key_count = shown_limit(page.entries.len());
        let next = page.next.as_ref().and_then(token);
        let sorted = sort(page.entries, names, &owners);
        Ok(ListObjectsV2Output {
            name: Some(input.bucket),
            prefix: Some(names.write(&input.prefix.unwrap_or_default())),
            max_keys: shown_limit(limit),
            key_count,
            continuation_token: input.continuation_token,
            is_truncated: Some(next.is_some()),
            next_continuation_token: next,
            contents: Some(sorted.objects),
            common_prefixes: Some(sorted.prefixes),
            delimiter: input.delimiter.map(|delimiter| names.write(&delimiter)),
            encoding_type: input.encoding_type,
            start_after: input.start_after.map(|key| names.write(&key)),
            request_charged: None,
        })
    }

    pub(super) async fn answer_list(
        &self,
        request: S3Request<ListObjectsInput>,
    ) -> S3Result<ListObjectsOutput> {
        let input = request.input;
        let names = Names::new(input.encoding_type.as_ref())?;
        let limit = page_limit(input.max_keys)?;
        let marker = input.marker.unwrap_or_default();
        let after = if marker.is_empty() { Position::Start } else { Position::AfterKey(marker.clone()) };
        let page =
            self.page(&input.bucket, input.prefix.as_ref(), input.delimiter.as_ref(), after, limit).await?;
        let next = page.next.map(|next| match next {
            Position::Start => String::new(),
            Position::AfterKey(name) | Position::AfterPrefix(name) => names.write(&name),
        });
        let sorted = sort(page.entries, names, &Owners::Shown);
        Ok(ListObjectsOutput {
            name: Some(input.bucket),
            prefix: Some(names.write(&input.prefix.unwrap_or_default())),
            marker: Some(names.write(&marker)),
            max_keys: shown_limit(limit),
            is_truncated: Some(next.is_some()),
            contents: Some(sorted.objects),
            common_prefixes: Some(sorted.prefixes),
            delimiter: input.delimiter.map(|delimiter| names.write(&delimiter)),
            next_marker: next,
            encoding_type: input.encoding_type,
            request_charged: None,
        })
    }

    async fn page(
        &self,
        bucket: &str,
        prefix: Option<&String>,
        delimiter: Option<&String>,
        after: Position,
        limit: usize,
    ) -> S3Result<Page> {
        let request = PageRequest {
            bucket: bucket.to_owned(),
            prefix: prefix.cloned().unwrap_or_default(),
            delimiter: delimiter.filter(|delimiter| !delimiter.is_empty()).cloned(),
            after,
            limit,
        };
        Ok(self.storage.list(request).await?)
    }
}
