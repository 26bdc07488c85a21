//! What stands on both sides right now.

use std::collections::BTreeMap;

use s4_core::baseline::Baseline;
use s4_core::path::{DiskPath, RelPath};
use s4_core::remote::{RemoteObject, UnixMillis};
use s4_local::real::RealDisk;
use s4_store::store::Store;

use super::walk;
use crate::error::SyncError;
use crate::observe;
use crate::settings::Settings;

/// One path on both sides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// What stands in the folder.
    pub local: Option<LocalSide>,
    /// What stands in the bucket.
    pub remote: Option<RemoteSide>,
    /// Whether both sides once agreed on something here.
    pub was_synced: bool,
    /// Whether the rules ignore it.
    pub is_ignored: bool,
}

/// A file in the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalSide {
    /// Its length in bytes.
    pub size: u64,
    /// When it was changed.
    pub modified: UnixMillis,
}

/// A file in the bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteSide {
    /// Its length in bytes.
    pub size: u64,
    /// When it was changed, by the store's clock.
    pub modified: UnixMillis,
}

/// Everything that stands on both sides.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// By path.
    pub rows: BTreeMap<RelPath, Row>,
    /// What could not be read, and keys that are no paths; in words.
    pub problems: Vec<String>,
}

/// Looks at both sides. `baseline` tells what stood there before.
pub async fn list(settings: &Settings, store: &dyn Store, baseline: &Baseline) -> Result<Listing, SyncError> {
    let mut listing = Listing::default();
    let remote = observe::list(store, &settings.prefix, &[]).await?.objects.to_tree();
    add_local(settings, baseline, &mut listing)?;
    for (path, object) in remote.objects.iter() {
        listing.rows.entry(path.clone()).or_default().remote = Some(RemoteSide::of(object));
    }
    for (path, _) in baseline.files.iter() {
        listing.rows.entry(path.clone()).or_default().was_synced = true;
    }
    listing
        .problems
        .extend(remote.blocked.iter().map(|blocked| format!("`{}`: {}", blocked.key, blocked.why)));
    Ok(listing)
}

fn add_local(settings: &Settings, baseline: &Baseline, listing: &mut Listing) -> Result<(), SyncError> {
    let disk = RealDisk::open(&settings.folder)?;
    let rules = walk::rules(&disk, &settings.exclude)?;
    let walked = walk::walk(&disk, &rules)?;
    // A file may stand under another name than its path: names that clash, other Unicode forms.
    let renamed: BTreeMap<&DiskPath, &RelPath> = baseline
        .files
        .iter()
        .filter(|(path, row)| row.disk.as_str() != path.as_str())
        .map(|(path, row)| (&row.disk, path))
        .collect();
    for found in walked.files {
        let path = match renamed.get(&found.path) {
            Some(path) => (*path).clone(),
            None => match RelPath::parse(found.path.as_str()) {
                Ok(path) => path,
                Err(why) => {
                    listing.problems.push(format!("`{}`: {why}", found.path));
                    continue;
                }
            },
        };
        let fingerprint = found.stat.fingerprint;
        let modified = UnixMillis(fingerprint.mtime_ns.div_euclid(1_000_000));
        let row = listing.rows.entry(path).or_default();
        row.local = Some(LocalSide { size: fingerprint.size, modified });
        row.is_ignored = found.is_ignored;
    }
    listing.problems.extend(walked.problems.iter().map(ToString::to_string));
    Ok(())
}

impl RemoteSide {
    fn of(object: &RemoteObject) -> Self {
        Self { size: object.size, modified: object.last_modified }
    }
}
