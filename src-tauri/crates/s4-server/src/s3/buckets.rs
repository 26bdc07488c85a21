//! Answers requests about buckets.

use s3s::dto::*;
use s3s::{S3Request, S3Result, s3_error};

use crate::s3::Endpoint;
use crate::s3::translate::timestamp;
use crate::storage::Versioning;

impl Endpoint {
    pub(super) async fn answer_create_bucket(
        &self,
        request: S3Request<CreateBucketInput>,
    ) -> S3Result<CreateBucketOutput> {
        let input = request.input;
        if input.object_lock_enabled_for_bucket == Some(true) {
            return Err(s3_error!(NotImplemented, "This server locks no objects"));
        }
        self.storage.create_bucket(input.bucket.clone(), Versioning::Off).await?;
        Ok(CreateBucketOutput { location: Some(format!("/{}", input.bucket)) })
    }

    pub(super) async fn answer_head_bucket(
        &self,
        request: S3Request<HeadBucketInput>,
    ) -> S3Result<HeadBucketOutput> {
        self.storage.bucket(&request.input.bucket)?;
        Ok(HeadBucketOutput { bucket_region: Some(self.region.clone()), ..Default::default() })
    }

    pub(super) async fn answer_list_buckets(
        &self,
        request: S3Request<ListBucketsInput>,
    ) -> S3Result<ListBucketsOutput> {
        let prefix = request.input.prefix.unwrap_or_default();
        let buckets = self.storage.buckets().await?;
        let shown = buckets
            .into_iter()
            .filter(|bucket| bucket.name.starts_with(&prefix))
            .map(|bucket| Bucket {
                bucket_region: Some(self.region.clone()),
                creation_date: Some(timestamp(bucket.created)),
                name: Some(bucket.name),
            })
            .collect();
        Ok(ListBucketsOutput { buckets: Some(shown), owner: Some(owner()), ..Default::default() })
    }

    pub(super) async fn answer_delete_bucket(
        &self,
        request: S3Request<DeleteBucketInput>,
    ) -> S3Result<DeleteBucketOutput> {
        self.storage.delete_bucket(request.input.bucket).await?;
        Ok(DeleteBucketOutput {})
    }

    pub(super) async fn answer_location(
        &self,
        request: S3Request<GetBucketLocationInput>,
    ) -> S3Result<GetBucketLocationOutput> {
        self.storage.bucket(&request.input.bucket)?;
        // The first region has no name here, for reasons of age.
        let location = (self.region != "us-east-1").then(|| self.region.clone().into());
        Ok(GetBucketLocationOutput { location_constraint: location })
    }

    pub(super) async fn answer_get_versioning(
        &self,
        request: S3Request<GetBucketVersioningInput>,
    ) -> S3Result<GetBucketVersioningOutput> {
        let bucket = self.storage.bucket(&request.input.bucket)?;
        let status = match bucket.versioning {
            Versioning::Off => None,
            Versioning::Enabled => Some(BucketVersioningStatus::ENABLED),
            Versioning::Suspended => Some(BucketVersioningStatus::SUSPENDED),
        };
        Ok(GetBucketVersioningOutput {
            status: status.map(BucketVersioningStatus::from_static),
            ..Default::default()
        })
    }

    pub(super) async fn answer_put_versioning(
        &self,
        request: S3Request<PutBucketVersioningInput>,
    ) -> S3Result<PutBucketVersioningOutput> {
        let wanted = request.input.versioning_configuration;
        if wanted.mfa_delete.is_some_and(|mfa| mfa.as_str() == MFADelete::ENABLED) {
            return Err(s3_error!(NotImplemented, "This server asks for no second factor"));
        }
        let versioning = match wanted.status.as_ref().map(BucketVersioningStatus::as_str) {
            Some(BucketVersioningStatus::ENABLED) => Versioning::Enabled,
            Some(BucketVersioningStatus::SUSPENDED) => Versioning::Suspended,
            Some(_) | None => return Err(s3_error!(MalformedXML, "The status must be Enabled or Suspended")),
        };
        self.storage.set_versioning(request.input.bucket, versioning).await?;
        Ok(PutBucketVersioningOutput {})
    }
}

/// Returns the one owner of everything here.
pub(super) fn owner() -> Owner {
    Owner { display_name: None, id: Some("s4".to_owned()) }
}
