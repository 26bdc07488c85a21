//! Questions about a target that change nothing, and need no lock: a run may be under way meanwhile.
//!
//! - The folder is only read: not even `.s4` is made where it is missing, since what is there now may be an empty
//!   mount point.
//! - The database is only read. One that is damaged is left for the next run to set aside.
//! - [`trash`] alone changes something: it brings back what a sync took away, and replaces nothing by that.

pub mod content;
pub mod listing;
pub mod trash;
mod walk;

use std::path::PathBuf;

use s4_core::baseline::Baseline;
use s4_core::remote::UnixMillis;

use crate::db::sqlite::{self, SqliteDb};
use crate::db::{DbResult, Standing, StateDb as _};
use crate::settings::Settings;

/// Returns where the database of a target lies.
pub fn database_path(settings: &Settings) -> PathBuf {
    crate::target::database_path(settings)
}

/// Returns what waits for a person, as the last run saw it.
pub fn standing(settings: &Settings) -> DbResult<Standing> {
    match memory(settings)? {
        Some(db) => db.standing(),
        None => Ok(Standing::default()),
    }
}

/// Returns what both sides last agreed on; nothing, if that was agreed with another bucket.
pub fn baseline(settings: &Settings) -> DbResult<Baseline> {
    match memory(settings)? {
        Some(db) => Ok(db.load(UnixMillis(0))?.baseline),
        None => Ok(Baseline::default()),
    }
}

/// Returns whether an interrupted run left uploads by parts, which nobody sees and somebody pays for.
pub fn has_uploads_under_way(settings: &Settings) -> DbResult<bool> {
    match memory(settings)? {
        Some(db) => Ok(!db.open_uploads()?.is_empty()),
        None => Ok(false),
    }
}

/// Opens the memory of a target for reading, unless it belongs to another place in a bucket.
fn memory(settings: &Settings) -> DbResult<Option<SqliteDb>> {
    let Some(db) = sqlite::open_read_only(&database_path(settings))? else { return Ok(None) };
    let is_bound = db.binding()?.is_some_and(|binding| {
        binding.endpoint == settings.endpoint
            && binding.bucket == settings.bucket
            && binding.prefix == settings.prefix.as_str()
    });
    Ok(is_bound.then_some(db))
}

#[cfg(test)]
mod tests;
