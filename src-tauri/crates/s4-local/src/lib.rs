//! s4-local
