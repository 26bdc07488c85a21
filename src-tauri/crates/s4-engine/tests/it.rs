//! The engine over disks, stores and databases in memory: scenarios, and a seeded simulation.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::semicolon_if_nothing_returned,
    missing_docs,
    unreachable_pub,
    reason = "tests"
)]

mod it {
    mod delta;
    mod early;
    mod landing;
    mod large;
    mod large_faults;
    mod renames;
    mod review;
    mod scenarios;
    mod simulation;
    mod stamps;
    mod world;
}
