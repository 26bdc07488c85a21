//! The body of a reply: read whole, in bounds, and compared with what the reply says of it.

use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use futures::stream::BoxStream;
use s4_core::digest::{Digest, Hasher};
use s4_core::remote::ObjectHead;
use s4_store::error::{Result, StoreError, StoreErrorKind};
use s4_store::store::GetReply;

/// Returns a whole body of at most `limit` bytes.
pub(crate) async fn collect(reply: GetReply, limit: u64) -> Result<Vec<u8>> {
    if reply.head.size > limit {
        return Err(corrupt(format!("{} bytes where at most {limit} were expected", reply.head.size)));
    }
    let bytes = gather(reply.body, reply.head.size).await?;
    check(&Digest::of(&bytes), &reply.head)?;
    Ok(bytes.into())
}

/// Returns the pieces of a body that is said to have `size` bytes as one; most small ones come in one.
pub(crate) async fn gather(mut body: BoxStream<'static, Result<Bytes>>, size: u64) -> Result<Bytes> {
    let Some(first) = body.next().await.transpose()? else { return Ok(Bytes::new()) };
    let Some(second) = body.next().await.transpose()? else { return Ok(first) };
    let mut all = BytesMut::with_capacity(usize::try_from(size).unwrap_or_default());
    all.extend_from_slice(&first);
    all.extend_from_slice(&second);
    while let Some(piece) = body.next().await {
        all.extend_from_slice(&piece?);
    }
    Ok(all.freeze())
}

/// Returns the hashes of a whole body.
pub(crate) async fn digest(reply: GetReply) -> Result<Digest> {
    let mut hasher = Hasher::new();
    let mut body = reply.body;
    while let Some(piece) = body.next().await {
        hasher.update(&piece?);
    }
    let digest = hasher.finish();
    check(&digest, &reply.head)?;
    Ok(digest)
}

/// Compares content that arrived with every checksum that the reply names.
pub(crate) fn check(digest: &Digest, head: &ObjectHead) -> Result<()> {
    if digest.size != head.size {
        return Err(corrupt(format!("{} of {} bytes arrived", digest.size, head.size)));
    }
    if head.crc64nvme.is_some_and(|crc| crc != digest.crc64nvme) {
        return Err(corrupt("its CRC64NVME does not fit".to_owned()));
    }
    if md5_fits(digest, head) == Some(false) {
        return Err(corrupt("its MD5 does not fit".to_owned()));
    }
    Ok(())
}

/// Returns whether an ETag that is an MD5 is that of the content; `None` where either is not known.
pub(crate) fn md5_fits(digest: &Digest, head: &ObjectHead) -> Option<bool> {
    let ours = digest.md5.filter(|_| head.etag_is_md5)?;
    head.etag.possible_md5().map(|theirs| theirs == ours)
}

fn corrupt(message: String) -> StoreError {
    StoreError { kind: StoreErrorKind::Corrupt, operation: "GetObject", subject: String::new(), message }
}
