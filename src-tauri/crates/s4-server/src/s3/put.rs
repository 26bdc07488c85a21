//! Answers PutObject.

use s3s::dto::*;
use s3s::{S3Request, S3Result, s3_error};

use crate::s3::Endpoint;
use crate::s3::checksums::{Shown, show_checksums};
use crate::s3::claims::Claims;
use crate::s3::translate::{etag, object_headers, write_condition};
use crate::storage::{Checksums, NewObject, Placement, receive};

impl Endpoint {
    pub(super) async fn answer_put(&self, request: S3Request<PutObjectInput>) -> S3Result<PutObjectOutput> {
        let claims = Claims::read(&request.headers, request.trailing_headers.as_ref())?;
        let mut input = request.input;
        let headers = object_headers!(input)?;
        let condition = write_condition(input.if_match, input.if_none_match);
        let body = input.body.ok_or_else(|| s3_error!(IncompleteBody, "There is no body."))?;
        let received = receive(self.storage.blobs(), body, claims.digester(None), Placement::BySize).await?;
        claims.verify(&received.digests)?;
        let checksums = Checksums::of(&received.digests, claims.algorithm())?;
        let shown = Shown::new(&checksums, self.shown_checksums);
        let object = NewObject { bucket: input.bucket, key: input.key, headers, checksums, condition };
        let put = self.storage.put(object, received).await?;
        let mut output = PutObjectOutput {
            e_tag: Some(etag(&put.etag)),
            version_id: put.version.map(|version| version.to_string()),
            ..Default::default()
        };
        output.checksum_type = show_checksums!(output, shown);
        Ok(output)
    }
}
