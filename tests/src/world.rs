//! A temporary world for one test: a server, a bucket, and as many computers as wanted.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::{bucket::Bucket, machine::Machine, server::Server};

/// Everything that a test needs; gone with the value.
pub struct World {
    // Declared first so that it ends before its data is removed.
    /// The S3 server.
    pub server: Server,
    /// Where the folders meet.
    pub bucket: Bucket,
    place: TempDir,
}

impl World {
    /// Starts a server with a versioned bucket.
    pub fn new() -> Self {
        let (place, server) = start();
        let bucket = Bucket::of_server(&server.access, "shared");
        Self { server, bucket, place }
    }

    /// Starts a server with a bucket that keeps no versions.
    pub fn unversioned() -> Self {
        let (place, server) = start();
        let bucket = Bucket::create_unversioned(&server.access, "plain", "shared");
        Self { server, bucket, place }
    }

    /// Makes a computer that is not connected to anything.
    pub fn machine(&self, name: &str) -> Machine {
        Machine::new(self.path(), name, &self.server.access)
    }

    /// Makes a computer whose folder is connected to the bucket.
    pub fn connected(&self, name: &str) -> Machine {
        let machine = self.machine(name);
        machine.add(&self.bucket);
        machine
    }

    /// Makes two computers that are connected to the bucket.
    pub fn laptop_and_desktop(&self) -> (Machine, Machine) {
        (self.connected("laptop"), self.connected("desktop"))
    }

    /// Returns a directory that is gone with the world.
    pub fn path(&self) -> &Path {
        self.place.path()
    }

    /// Returns the path of something in that directory.
    pub fn join(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

fn start() -> (TempDir, Server) {
    let place = tempfile::Builder::new().prefix("s4-").tempdir().expect("a temporary directory can be made");
    let server = Server::start(&place.path().join("server"));
    (place, server)
}
