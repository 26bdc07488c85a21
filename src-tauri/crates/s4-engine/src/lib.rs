//! s4-engine
