//! s4-cli
fn main() {}
