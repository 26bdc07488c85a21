//! Answers CompleteMultipartUpload.

use s3s::dto::*;
use s3s::{S3Request, S3Result, s3_error};

use crate::s3::Endpoint;
use crate::s3::checksums::{Shown, named_checksums, show_checksums};
use crate::s3::translate::{etag, for_document, url_encode, write_condition};
use crate::storage::{Completion, ListedPart};

/// The most parts of an object.
const PART_LIMIT: usize = 10_000;

fn listed_part(mut part: CompletedPart) -> S3Result<ListedPart> {
    let number = part.part_number.and_then(|number| u32::try_from(number).ok());
    match (number, part.e_tag.take()) {
        (Some(number), Some(tag)) => {
            Ok(ListedPart { number, etag: tag.into_value(), checksums: named_checksums!(part) })
        }
        (_, _) => Err(s3_error!(MalformedXML, "Each part needs a PartNumber and an ETag")),
    }
}

impl Endpoint {
    pub(super) async fn answer_complete(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<CompleteMultipartUploadOutput> {
        let mut input = request.input;
        let listed = input.multipart_upload.take().and_then(|upload| upload.parts).unwrap_or_default();
        if listed.len() > PART_LIMIT {
            return Err(s3_error!(MalformedXML, "An object has at most {PART_LIMIT} parts"));
        }
        let completion = Completion {
            bucket: input.bucket.clone(),
            key: input.key.clone(),
            upload: input.upload_id.clone(),
            parts: listed.into_iter().map(listed_part).collect::<S3Result<_>>()?,
            checksums: named_checksums!(input),
            size: input.mpu_object_size.and_then(|size| u64::try_from(size).ok()),
            condition: write_condition(input.if_match.take(), input.if_none_match.take()),
        };
        let completed = self.storage.complete_upload(completion).await?;
        let mut output = CompleteMultipartUploadOutput {
            location: Some(format!("/{}/{}", input.bucket, url_encode(&input.key))),
            bucket: Some(input.bucket),
            key: for_document(input.key),
            e_tag: Some(etag(&completed.put.etag)),
            version_id: completed.put.version.map(|version| version.to_string()),
            ..Default::default()
        };
        output.checksum_type =
            show_checksums!(output, Shown::new(&completed.checksums, self.shown_checksums));
        Ok(output)
    }
}
