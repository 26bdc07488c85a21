//! Answers ListObjectVersions.

use s3s::dto::*;
use s3s::{S3Request, S3Result, s3_error};

use crate::s3::Endpoint;
use crate::s3::buckets::owner;
use crate::s3::translate::{Names, etag, page_limit, shown_limit, signed, timestamp, version};
use crate::storage::{Position, VersionPosition};

impl Endpoint {
    pub(super) async fn answer_list_versions(
        &self,
        request: S3Request<ListObjectVersionsInput>,
    ) -> S3Result<ListObjectVersionsOutput> {
        let input = request.input;
        let names = Names::new(input.encoding_type.as_ref())?;
        let limit = page_limit(input.max_keys)?;
        let version_marker = input.version_id_marker.filter(|marker| !marker.is_empty());
        let key = match input.key_marker.as_ref().filter(|marker| !marker.is_empty()) {
            Some(key) => Position::AfterKey(key.clone()),
            None if version_marker.is_some() => {
                return Err(s3_error!(
                    InvalidArgument,
                    "A version-id marker cannot be specified without a key marker."
                ));
            }
            None => Position::Start,
        };
        let prefix = input.prefix.unwrap_or_default();
        let delimiter = input.delimiter.filter(|delimiter| !delimiter.is_empty());
        let after = VersionPosition { key, version: version(version_marker.clone()) };
        let page = self
            .storage
            .list_versions(input.bucket.clone(), prefix.clone(), delimiter.clone(), after, limit)
            .await?;
        let mut output = ListObjectVersionsOutput {
            name: Some(input.bucket),
            prefix: Some(names.write(&prefix)),
            delimiter: delimiter.map(|delimiter| names.write(&delimiter)),
            encoding_type: input.encoding_type,
            key_marker: Some(names.write(&input.key_marker.unwrap_or_default())),
            version_id_marker: version_marker,
            max_keys: shown_limit(limit),
            is_truncated: Some(page.next.is_some()),
            ..Default::default()
        };
        if let Some((key, version)) = page.next {
            output.next_key_marker = Some(names.write(&key));
            output.next_version_id_marker = version.map(|version| version.to_string());
        }
        let (markers, versions): (Vec<_>, Vec<_>) = page.versions.into_iter().partition(|row| row.is_marker);
        output.versions = Some(
            versions
                .into_iter()
                .map(|row| ObjectVersion {
                    e_tag: Some(etag(&row.etag)),
                    is_latest: Some(row.is_current),
                    key: Some(names.write(&row.key)),
                    last_modified: Some(timestamp(row.modified)),
                    owner: Some(owner()),
                    size: signed(row.size),
                    storage_class: Some(ObjectVersionStorageClass::from_static(
                        ObjectVersionStorageClass::STANDARD,
                    )),
                    version_id: Some(row.version.to_string()),
                    ..Default::default()
                })
                .collect(),
        );
        output.delete_markers = Some(
            markers
                .into_iter()
                .map(|row| DeleteMarkerEntry {
                    is_latest: Some(row.is_current),
                    key: Some(names.write(&row.key)),
                    last_modified: Some(timestamp(row.modified)),
                    owner: Some(owner()),
                    version_id: Some(row.version.to_string()),
                })
                .collect(),
        );
        let prefixes = page.prefixes.iter().map(|prefix| CommonPrefix { prefix: Some(names.write(prefix)) });
        output.common_prefixes = Some(prefixes.collect());
        Ok(output)
    }
}
