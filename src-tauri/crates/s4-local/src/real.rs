//! The system's own disk.
//!
//! Each platform has one `RealDisk` with one file layout: `unix` resolves paths and makes the steps that Linux and
//! macOS share, `linux` and `macos` hold what differs, `windows` is a whole of its own.
//!
//! - The root is opened once; every path is resolved from that directory, part by part, following nothing. A
//!   root that is moved or replaced meanwhile is noticed by [`RealDisk::root_state`](crate::disk::Disk::root_state).
//! - This is the only module of the workspace that may hold `unsafe`; on Linux and macOS it needs none.

mod clock;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;
mod probe;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(target_os = "linux")]
use linux as system;
#[cfg(target_os = "macos")]
use macos as system;
#[cfg(unix)]
pub use unix::RealDisk;
#[cfg(windows)]
pub use windows::RealDisk;
