//! What one path holds on each side, for comparing.

use futures::StreamExt as _;
use s4_core::baseline::Baseline;
use s4_core::digest::{Digest, Hasher};
use s4_core::key::ObjectKey;
use s4_core::path::{DiskPath, RelPath};
use s4_core::remote::UnixMillis;
use s4_local::disk::{Disk as _, Kind};
use s4_local::error::DiskErrorKind;
use s4_local::real::RealDisk;
use s4_store::error::StoreErrorKind;
use s4_store::store::{GetOptions, Store};

use crate::error::SyncError;
use crate::settings::Settings;
use crate::transfer::body;

/// Content up to this length is kept to be shown, in bytes; of longer content only the hashes are.
pub const MAX_SHOWN_BYTES: u64 = 16 << 20;
/// Bytes read at a time.
const PIECE: usize = 256 * 1024;

/// What a path holds on one side.
#[derive(Clone, Debug)]
pub struct Content {
    /// Length and hashes.
    pub digest: Digest,
    /// When it was changed.
    pub modified: UnixMillis,
    /// The bytes, unless there are too many.
    pub bytes: Option<Vec<u8>>,
}

/// Returns what stands in the folder at `path`; `None` if no file or link does.
pub fn local(settings: &Settings, baseline: &Baseline, path: &RelPath) -> Result<Option<Content>, SyncError> {
    let disk = RealDisk::open(&settings.folder)?;
    let place = baseline.files.get(path).map_or_else(|| DiskPath::from(path), |row| row.disk.clone());
    let Some(stat) = disk.lstat(&place)? else { return Ok(None) };
    let modified = UnixMillis(stat.fingerprint.mtime_ns.div_euclid(1_000_000));
    match stat.kind {
        Kind::File => {}
        Kind::Symlink => {
            let target = disk.read_link(&place)?;
            let bytes = target.as_bytes().to_vec();
            return Ok(Some(Content { digest: Digest::of(&bytes), modified, bytes: Some(bytes) }));
        }
        Kind::Dir | Kind::Special => return Ok(None),
    }
    let handle = match disk.open(&place) {
        Ok(handle) => handle,
        Err(error) if error.kind == DiskErrorKind::Missing => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let mut kept = Kept::new(stat.fingerprint.size);
    let mut buffer = vec![0; PIECE];
    let mut offset = 0;
    loop {
        match handle.read_at(&mut buffer, offset)? {
            0 => break,
            count => {
                kept.take(&buffer[..count]);
                offset += count as u64;
            }
        }
    }
    Ok(Some(kept.finish(modified)))
}

/// Returns what stands in the bucket at `path`; `None` if nothing does.
pub async fn remote(
    settings: &Settings,
    store: &dyn Store,
    baseline: &Baseline,
    path: &RelPath,
) -> Result<Option<Content>, SyncError> {
    let key = key_of(settings, baseline, path);
    let reply = match store.get(&key, GetOptions::default()).await {
        Ok(reply) => reply,
        Err(error) if error.kind == StoreErrorKind::Missing => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let head = reply.head;
    let mut kept = Kept::new(head.size);
    let mut pieces = reply.body;
    while let Some(piece) = pieces.next().await {
        kept.take(&piece?);
    }
    let modified =
        head.metadata.mtime_ns.map_or(head.last_modified, |ns| UnixMillis(ns.div_euclid(1_000_000)));
    let content = kept.finish(modified);
    body::check(&content.digest, &head)?;
    Ok(Some(content))
}

fn key_of(settings: &Settings, baseline: &Baseline, path: &RelPath) -> ObjectKey {
    baseline.files.get(path).map_or_else(|| settings.prefix.file_key(path), |row| row.key.clone())
}

/// Content as it comes in.
struct Kept {
    hasher: Hasher,
    bytes: Option<Vec<u8>>,
}

impl Kept {
    fn new(size: u64) -> Self {
        Self { hasher: Hasher::new(), bytes: (size <= MAX_SHOWN_BYTES).then(Vec::new) }
    }

    fn take(&mut self, piece: &[u8]) {
        self.hasher.update(piece);
        let fits = |bytes: &Vec<u8>| (bytes.len() + piece.len()) as u64 <= MAX_SHOWN_BYTES;
        self.bytes = self.bytes.take().filter(fits);
        if let Some(bytes) = &mut self.bytes {
            bytes.extend_from_slice(piece);
        }
    }

    fn finish(self, modified: UnixMillis) -> Content {
        Content { digest: self.hasher.finish(), modified, bytes: self.bytes }
    }
}
