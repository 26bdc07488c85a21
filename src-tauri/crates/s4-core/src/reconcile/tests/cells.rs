//! Every cell of the table: what one path's three states call for.

use super::check::check;
use super::world::World;

const COPY: &str = "a (conflict 2026-11-20 here)";

#[test]
fn t42_t43_every_cell_of_a_known_path() {
    let known = || World::new().base("a", "1");
    check(known().local("a", "1").remote("a", "1"), &[]);
    check(known().local("a", "1").remote("a", "22"), &["download a over"]);
    check(known().local("a", "1"), &["delete local a"]);
    check(known().local("a", "2").remote("a", "1"), &["upload a over"]);
    check(known().local("a", "22").remote("a", "22"), &["row a"]);
    check(known().local("a", "22").remote("a", "333"), &[&format!("keep both a and {COPY}")]);
    check(known().local("a", "2"), &["upload a"]);
    check(known().remote("a", "1"), &["delete remote a"]);
    check(known().remote("a", "2"), &["download a"]);
    check(known(), &["forget a"]);
}

#[test]
fn t41_every_cell_of_a_new_path() {
    check(World::new(), &[]);
    check(World::new().local("a", "1"), &["upload a"]);
    check(World::new().remote("a", "1"), &["download a"]);
    check(World::new().local("a", "1").remote("a", "1"), &["row a"]);
    check(World::new().local("a", "1").remote("a", "2"), &[&format!("keep both a and {COPY}")]);
}
