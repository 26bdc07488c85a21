//! The system's own disk.
