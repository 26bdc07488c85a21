//! How an entry is spelled, by the list of its directory: slow, and right on every disk.

use std::ops::ControlFlow;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use s4_core::path::DiskPath;

use super::super::system;

/// Returns whether every part of `path` is spelled as its directory lists it.
pub(in crate::real) fn is_listed(root: BorrowedFd<'_>, path: &DiskPath) -> Result<bool, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut reached: Option<OwnedFd> = None;
    let mut parts = path.as_str().split('/').filter(|part| !part.is_empty()).peekable();
    while let Some(part) = parts.next() {
        let parent = reached.as_ref().map_or(root, AsFd::as_fd);
        let directory = rustix::fs::openat(parent, ".", flags, Mode::empty())?;
        let mut is_listed = false;
        system::list(&directory, &mut |name| {
            is_listed = name == part.as_bytes();
            if is_listed { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        if !is_listed {
            return Ok(false);
        }
        if parts.peek().is_some() {
            reached = Some(rustix::fs::openat(&directory, part, flags, Mode::empty())?);
        }
    }
    Ok(true)
}
