//! Small contents: in one buffer, hashed once, and on their way in one request or one write.
//!
//! - The most expensive hash is left out where a better one is there to compare with.
//! - What arrived is compared with every checksum that the reply names before it reaches the disk.

use std::sync::Arc;

use s4_core::digest::{Digest, Hasher};
use s4_core::path::{DiskPath, RelPath};
use s4_local::staging::SyncMode;
use s4_store::store::GetReply;

use super::body;
use super::download::{Fetched, FetchedContent};
use crate::session::{Round, Session, StepResult};

/// Contents up to this length are small, in bytes: each step under way may hold one.
pub(crate) const SMALL: u64 = 1 << 20;

/// Returns the hashes of a content that is about to be sent.
pub(crate) fn digest_to_send(round: &Round, content: &[u8]) -> Digest {
    // A store that keeps a checksum of the full object is compared by that.
    if round.capabilities.crc64nvme { without_md5(content) } else { Digest::of(content) }
}

/// Brings a small file from the reply to a partial beside `disk`.
pub(crate) async fn stage(
    session: &Arc<Session>,
    path: &RelPath,
    disk: &DiskPath,
    name: String,
    reply: GetReply,
) -> StepResult<Fetched> {
    let GetReply { head, body } = reply;
    let content = body::gather(body, head.size).await?;
    session.moved(path, content.len() as u64);
    let needs_md5 = head.crc64nvme.is_none() && head.etag_is_md5;
    let digest = if needs_md5 { Digest::of(&content) } else { without_md5(&content) };
    body::check(&digest, &head)?;
    let mtime_ns = head.metadata.mtime_ns.unwrap_or(head.last_modified.0.saturating_mul(1_000_000));
    let executable = head.metadata.executable;
    let at = disk.clone();
    // It becomes durable with others, before it gets its name.
    let staged = session
        .blocking(move |session| {
            session.folder().stage_whole(&at, &name, &content, mtime_ns, executable, SyncMode::Batch)
        })
        .await?;
    Ok(Fetched { staged, content: FetchedContent::File(digest), head, chunks: Vec::new() })
}

fn without_md5(content: &[u8]) -> Digest {
    let mut hasher = Hasher::without_md5();
    hasher.update(content);
    hasher.finish()
}
