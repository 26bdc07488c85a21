//! s4-server
