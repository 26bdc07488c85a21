//! What a store was found to be able to do, where a target does not say it itself.
//!
//! - A target of the original S4, or one written by hand, has no such field, and its file is not ours to change.
//! - Losing a record costs a probe, and nothing else.

use std::fs;
use std::io;
use std::path::PathBuf;

use s4_config::{Locations, Target};
use s4_core::capabilities::Capabilities;

use super::capabilities::{from_json, to_json};

/// Returns what the store of `target` can do, as far as it was found out before.
pub fn known(target: &Target, locations: &Locations) -> Option<Capabilities> {
    let said = target.capabilities.as_ref().and_then(from_json);
    said.or_else(|| {
        let text = fs::read(record(target, locations)).ok()?;
        from_json(&serde_json::from_slice(&text).ok()?)
    })
}

/// Keeps what the store of `target` can do, in the platform's state directory.
pub fn keep(target: &Target, locations: &Locations, capabilities: &Capabilities) -> io::Result<()> {
    let path = record(target, locations);
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    let staged = path.with_extension(format!("{}.new", std::process::id()));
    fs::write(&staged, to_json(capabilities).to_string())?;
    fs::rename(&staged, &path)
}

/// Returns the file for the store and bucket of a target.
fn record(target: &Target, locations: &Locations) -> PathBuf {
    let place = format!("{}\n{}", super::endpoint(target), target.s3_uri.bucket());
    let name = blake3::hash(place.as_bytes()).to_hex();
    locations.state_dir().join("capabilities").join(format!("{}.json", &name[..32]))
}
