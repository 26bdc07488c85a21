//! What a store was found to be able to do, where a target does not say it itself.
//!
//! - A target of the original S4, or one written by hand, has no such field, and its file is not ours to change.
//! - Losing a record costs a probe, and nothing else.
//! - What is kept names the store and bucket it was found of: a target that was pointed elsewhere by hand, or by the
//!   original S4, does not take it along.

use std::fs;
use std::io;
use std::path::PathBuf;

use s4_config::{Locations, Target};
use s4_core::capabilities::Capabilities;
use serde_json::Value;

use super::capabilities::{from_json, to_json};

/// Where a document says which store and bucket it is about.
const OF: &str = "of";

/// Returns what is to be kept with `target` of what its store can do.
pub fn document(target: &Target, capabilities: &Capabilities) -> Value {
    let mut document = to_json(capabilities);
    document[OF] = Value::from(place(target));
    document
}

/// Returns what the store of `target` can do, as far as it was found out before.
pub fn known(target: &Target, locations: &Locations) -> Option<Capabilities> {
    let is_of_this = |said: &&Value| said.get(OF).is_some_and(|of| *of == place(target));
    let said = target.capabilities.as_ref().filter(is_of_this);
    said.and_then(from_json).or_else(|| {
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

/// Returns which store and bucket a target uses.
fn place(target: &Target) -> String {
    format!("{} {}", super::endpoint(target), target.s3_uri.bucket())
}

/// Returns the file for the store and bucket of a target.
fn record(target: &Target, locations: &Locations) -> PathBuf {
    let name = blake3::hash(place(target).as_bytes()).to_hex();
    locations.state_dir().join("capabilities").join(format!("{}.json", &name[..32]))
}
