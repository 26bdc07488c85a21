//! The disk of Windows.
