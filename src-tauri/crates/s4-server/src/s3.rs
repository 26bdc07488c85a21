//! Answers S3 operations from the storage. Decides how a request is read and an answer is worded; what
//! happens to objects is decided by the storage.
//!
//! - Whatever is not named here is answered with 501 by the protocol layer.
//! - A request that could only be answered by leaving part of it out is refused with 501, never
//!   half done.

mod buckets;
mod checksums;
mod claims;
mod complete;
mod copy;
mod delete;
mod get;
mod listing;
mod parts;
mod put;
mod refusals;
mod translate;
mod uploads;
mod versions;

use std::sync::Arc;

use s3s::dto::*;
use s3s::{S3, S3Request, S3Response, S3Result};

use crate::config::ShownChecksums;
use crate::storage::Storage;

pub(crate) use self::copy::NamedSource;
pub(crate) use self::refusals::payload_mismatch;

/// The storage, seen as an S3 endpoint.
#[derive(Clone)]
pub(crate) struct Endpoint {
    pub(crate) storage: Arc<Storage>,
    pub(crate) region: String,
    pub(crate) shown_checksums: ShownChecksums,
}

macro_rules! operations {
    ($($operation:ident($input:ident) -> $output:ident = $answer:ident;)*) => {
        #[async_trait::async_trait]
        impl S3 for Endpoint {
            $(
                async fn $operation(&self, request: S3Request<$input>) -> S3Result<S3Response<$output>> {
                    self.$answer(request).await.map(S3Response::new)
                }
            )*
        }
    };
}

operations! {
    create_bucket(CreateBucketInput) -> CreateBucketOutput = answer_create_bucket;
    head_bucket(HeadBucketInput) -> HeadBucketOutput = answer_head_bucket;
    list_buckets(ListBucketsInput) -> ListBucketsOutput = answer_list_buckets;
    delete_bucket(DeleteBucketInput) -> DeleteBucketOutput = answer_delete_bucket;
    get_bucket_location(GetBucketLocationInput) -> GetBucketLocationOutput = answer_location;
    get_bucket_versioning(GetBucketVersioningInput) -> GetBucketVersioningOutput = answer_get_versioning;
    put_bucket_versioning(PutBucketVersioningInput) -> PutBucketVersioningOutput = answer_put_versioning;
    put_object(PutObjectInput) -> PutObjectOutput = answer_put;
    get_object(GetObjectInput) -> GetObjectOutput = answer_get;
    head_object(HeadObjectInput) -> HeadObjectOutput = answer_head;
    get_object_tagging(GetObjectTaggingInput) -> GetObjectTaggingOutput = answer_tags;
    delete_object(DeleteObjectInput) -> DeleteObjectOutput = answer_delete;
    delete_objects(DeleteObjectsInput) -> DeleteObjectsOutput = answer_delete_many;
    copy_object(CopyObjectInput) -> CopyObjectOutput = answer_copy;
    list_objects(ListObjectsInput) -> ListObjectsOutput = answer_list;
    list_objects_v2(ListObjectsV2Input) -> ListObjectsV2Output = answer_list_v2;
    list_object_versions(ListObjectVersionsInput) -> ListObjectVersionsOutput = answer_list_versions;
    create_multipart_upload(CreateMultipartUploadInput) -> CreateMultipartUploadOutput = answer_create_upload;
    upload_part(UploadPartInput) -> UploadPartOutput = answer_upload_part;
    upload_part_copy(UploadPartCopyInput) -> UploadPartCopyOutput = answer_copy_part;
    list_parts(ListPartsInput) -> ListPartsOutput = answer_list_parts;
    list_multipart_uploads(ListMultipartUploadsInput) -> ListMultipartUploadsOutput = answer_list_uploads;
    complete_multipart_upload(CompleteMultipartUploadInput) -> CompleteMultipartUploadOutput = answer_complete;
    abort_multipart_upload(AbortMultipartUploadInput) -> AbortMultipartUploadOutput = answer_abort_upload;
}
