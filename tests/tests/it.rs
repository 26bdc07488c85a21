//! End-to-end tests: what S4 does, seen from outside.
//!
//! A test whose name starts with `t` and a number shows the case of that number in `docs/edge-cases.md`.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test has nothing to recover, and prints its seed"
)]

mod it {
    mod absence;
    mod bad_input;
    mod commands;
    mod conflicts;
    mod crashes;
    mod delta;
    mod first_sync;
    mod guards;
    mod identity;
    mod ignored;
    mod kinds;
    mod large;
    mod late_writers;
    mod limits;
    mod mounts;
    mod names;
    mod network;
    mod original;
    mod outsiders;
    mod renames;
    mod replicas;
    mod secrets;
    mod terminal;
    mod two_machines;
}
