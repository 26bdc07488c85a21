//! The disk, tested from outside: one binary.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod it {
    mod batches;
    mod contract;
    mod crash;
    mod faults;
    mod race;
    mod reading;
    mod scan;
    mod swap;
    mod world;
}
