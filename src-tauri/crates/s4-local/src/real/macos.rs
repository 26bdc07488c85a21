//! What only macOS does.
