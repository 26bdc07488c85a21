//! Scans a folder a few times and tells how long it took: `cargo run --release --example scan -- DIR`.

#![expect(clippy::print_stdout, reason = "it is a measurement")]

use std::sync::Arc;
use std::time::Instant;

use s4_local::error::DiskError;
use s4_local::folder::{Folder, Mounts};
use s4_local::real::RealDisk;
use s4_local::scan::IgnoreNothing;

fn main() -> Result<(), DiskError> {
    let path = std::env::args_os().nth(1).unwrap_or_else(|| ".".into());
    let folder = Folder::open(Arc::new(RealDisk::open(path.as_ref())?), Mounts::Stay)?;
    for _ in 0..5 {
        let start = Instant::now();
        let tree = folder.scan(&IgnoreNothing)?;
        println!("{} entries in {:.3} s", tree.entries.len(), start.elapsed().as_secs_f64());
    }
    Ok(())
}
