//! Counts what the server was asked and how many bytes went through it, for tests and benchmarks.
//! Never slows a request: every count is one atomic addition.
//!
//! - A request is counted under the name of its S3 operation once its signature was found good;
//!   everything else (wrong keys, unknown requests) only shows in the total.
//! - Bytes are those of HTTP bodies, framing of signed chunks included, headers not.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Running totals since the start of the server. All methods may be called at any time.
#[derive(Debug, Default)]
pub struct Counters {
    requests: AtomicU64,
    body_bytes_in: AtomicU64,
    body_bytes_out: AtomicU64,
    operations: Mutex<BTreeMap<&'static str, u64>>,
}

/// The totals at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// HTTP requests of any kind, refused ones too.
    pub requests: u64,
    /// Bytes of request bodies.
    pub body_bytes_in: u64,
    /// Bytes of reply bodies.
    pub body_bytes_out: u64,
    /// Accepted requests by the name of the S3 operation, such as `ListObjectsV2`.
    pub operations: BTreeMap<String, u64>,
}

impl Counters {
    /// Returns the totals now.
    pub fn snapshot(&self) -> Counts {
        let operations = self.operations.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        Counts {
            requests: self.requests.load(Ordering::Relaxed),
            body_bytes_in: self.body_bytes_in.load(Ordering::Relaxed),
            body_bytes_out: self.body_bytes_out.load(Ordering::Relaxed),
            operations: operations.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect(),
        }
    }

    pub(crate) fn request(&self) -> u64 {
        self.requests.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn operation(&self, name: &'static str) {
        let mut operations = self.operations.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *operations.entry(name).or_default() += 1;
    }

    pub(crate) fn body_in(&self, bytes: usize) {
        self.body_bytes_in.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn body_out(&self, bytes: usize) {
        self.body_bytes_out.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

impl Counts {
    /// Returns how often the operation was asked for.
    pub fn operation(&self, name: &str) -> u64 {
        self.operations.get(name).copied().unwrap_or_default()
    }

    /// Returns what was added since `earlier`, a snapshot of the same server.
    pub fn since(&self, earlier: &Self) -> Self {
        let operations = self
            .operations
            .iter()
            .map(|(name, count)| (name.clone(), count - earlier.operation(name)))
            .filter(|(_, count)| *count > 0)
            .collect();
        Self {
            requests: self.requests - earlier.requests,
            body_bytes_in: self.body_bytes_in - earlier.body_bytes_in,
            body_bytes_out: self.body_bytes_out - earlier.body_bytes_out,
            operations,
        }
    }
}
