//! Answers DeleteObject and DeleteObjects.

use futures::future::join_all;
use s3s::dto::*;
use s3s::{S3Error, S3Request, S3Result, s3_error};

use crate::s3::Endpoint;
use crate::s3::translate::{delete_condition, for_document, url_encode, version};
use crate::storage::{Deleted, Deletion};

/// The most keys in one request.
const KEY_LIMIT: usize = 1000;

impl Endpoint {
    pub(super) async fn answer_delete(
        &self,
        request: S3Request<DeleteObjectInput>,
    ) -> S3Result<DeleteObjectOutput> {
        let input = request.input;
        let deletion = Deletion {
            key: input.key,
            version: version(input.version_id),
            condition: delete_condition(input.if_match),
        };
        let deleted = self.storage.delete(input.bucket, deletion).await?;
        Ok(DeleteObjectOutput {
            delete_marker: deleted.is_marker.then_some(true),
            version_id: deleted.version.map(|version| version.to_string()),
            ..Default::default()
        })
    }

    pub(super) async fn answer_delete_many(
        &self,
        request: S3Request<DeleteObjectsInput>,
    ) -> S3Result<DeleteObjectsOutput> {
        let DeleteObjectsInput { bucket, delete, .. } = request.input;
        if delete.objects.is_empty() || delete.objects.len() > KEY_LIMIT {
            return Err(s3_error!(MalformedXML, "Name 1 to {KEY_LIMIT} keys"));
        }
        self.storage.bucket(&bucket)?;
        // Each key succeeds or fails by itself; asked for at once, they share a transaction.
        let outcomes =
            join_all(delete.objects.into_iter().map(|object| self.delete_one(&bucket, object))).await;
        let is_quiet = delete.quiet.unwrap_or(false);
        let mut output = DeleteObjectsOutput { deleted: Some(Vec::new()), ..Default::default() };
        let mut errors = Vec::new();
        for (key, wanted, outcome) in outcomes {
            match outcome {
                Ok(_) if is_quiet => {}
                Ok(deleted) => {
                    // One that no document carries goes unmentioned, as if the client had asked for quiet.
                    let told = for_document(key).map(|key| told(key, wanted, deleted));
                    output.deleted.get_or_insert_default().extend(told);
                }
                Err(error) => errors.push(Error {
                    code: Some(error.code().as_str().to_owned()),
                    key: for_document(key.clone()).or_else(|| Some(url_encode(&key))),
                    message: error.message().map(str::to_owned),
                    version_id: wanted,
                }),
            }
        }
        output.errors = (!errors.is_empty()).then_some(errors);
        Ok(output)
    }

    async fn delete_one(
        &self,
        bucket: &str,
        object: ObjectIdentifier,
    ) -> (String, Option<String>, Result<Deleted, S3Error>) {
        let key = object.key.clone();
        let wanted = object.version_id.clone();
        if object.size.is_some() || object.last_modified_time.is_some() {
            let refusal = s3_error!(NotImplemented, "Only the ETag can be a condition of a delete here");
            return (key, wanted, Err(refusal));
        }
        let deletion = Deletion {
            key: object.key,
            version: version(object.version_id),
            condition: delete_condition(object.e_tag.map(condition)),
        };
        let outcome = self.storage.delete(bucket.to_owned(), deletion).await.map_err(S3Error::from);
        (key, wanted, outcome)
    }
}

/// In a list of keys, "any" comes as an ETag of one asterisk.
fn condition(etag: ETag) -> ETagCondition {
    if etag.value() == "*" { ETagCondition::Any } else { ETagCondition::ETag(etag) }
}

fn told(key: String, wanted: Option<String>, deleted: Deleted) -> DeletedObject {
    let version = deleted.version.map(|version| version.to_string());
    DeletedObject {
        key: Some(key),
        delete_marker: deleted.is_marker.then_some(true),
        delete_marker_version_id: if deleted.is_marker { version } else { None },
        version_id: wanted,
    }
}
