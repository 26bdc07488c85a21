//! CopyObject.

use aws_sdk_s3::types::MetadataDirective;
use s4_core::remote::{ETag, VersionId};

use super::encoding::copy_source;
use super::reply::ReplyDate;
use super::{AwsStore, client, condition, metadata};
use crate::error::Result;
use crate::store::{CopyRequest, Written};

pub(super) async fn copy(store: &AwsStore, request: &CopyRequest) -> Result<Written> {
    let asked = store.asked("CopyObject", request.destination.as_str());
    let capabilities = &store.capabilities;
    let form = capabilities.etag_form;
    let (preconditions, cloudflare) = condition::of_copy(
        &request.condition,
        capabilities.copy_if_none_match,
        capabilities.copy_if_match,
        form,
    );
    let source_if_match = request.source_if_match.as_ref().filter(|_| capabilities.copy_source_if_match);
    let mut copy = store
        .client
        .copy_object()
        .bucket(&*store.bucket)
        .key(request.destination.as_str())
        .copy_source(copy_source(&store.bucket, &request.source, request.source_version.as_ref()))
        .set_copy_source_if_match(source_if_match.map(|etag| condition::tag(etag, form)))
        .set_if_match(preconditions.if_match)
        .set_if_none_match(preconditions.if_none_match);
    if let Some(attributes) = &request.attributes {
        copy = copy
            .metadata_directive(MetadataDirective::Replace)
            .set_metadata(Some(metadata::to_headers(&attributes.metadata)))
            .set_content_type(attributes.content_type.clone());
    }
    let date = ReplyDate::default();
    let mut copy = copy
        .customize()
        .interceptor(date.clone())
        .config_override(client::patient(&store.connection.timeouts));
    if let Some((name, value)) = cloudflare {
        copy = copy.mutate_request(move |http| {
            http.headers_mut().insert(name, value.clone());
        });
    }
    let reply = copy.send().await.map_err(|error| asked.failed(&error))?;
    let etag = reply.copy_object_result().and_then(|result| result.e_tag()).filter(|tag| !tag.is_empty());
    Ok(Written {
        etag: ETag::new(etag.ok_or_else(|| asked.no_reply("ETag"))?),
        version_id: reply.version_id.map(|version| VersionId(version.into())),
        not_after: date.not_after(),
    })
}
