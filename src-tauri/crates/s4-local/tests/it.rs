//! The disk, tested from outside: one binary.

mod it {
    mod swap;
    mod world;
}
