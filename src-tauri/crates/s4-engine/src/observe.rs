//! Looks at both sides at once: a scan of the folder and a listing of the prefix.
//!
//! - Absence in the listing counts only for rows that were committed before its first page was asked for: whoever
//!   looks finds out whether one came between.

mod listing;

use s4_core::focus::LocalEntries;
use s4_core::rules::Rules;
use s4_local::folder::Folder;

use crate::blocking::Blocking;
use crate::error::SyncError;
use crate::rules::Scanning;

pub(crate) use listing::{Lister, Listing, list, splits};

/// Returns what stands in the folder.
pub(crate) async fn scan(
    folder: &Folder,
    rules: &Rules,
    blocking: Blocking,
) -> Result<LocalEntries, SyncError> {
    let (folder, rules) = (folder.clone(), rules.clone());
    Ok(blocking.run(move || folder.scan_entries(&Scanning(&rules))).await??)
}
