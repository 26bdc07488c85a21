//! Other programs work in the same bucket.

use s4_tests::{process, python, world::World};

#[test]
fn t50_what_others_write_overwrite_and_delete_is_found() {
    let world = World::new();
    let laptop = world.connected("laptop");
    for path in ["kept", "overwritten", "deleted"] {
        laptop.write(path, path);
    }
    laptop.sync();
    world.bucket.put(&[("overwritten", b"by another tool"), ("new/one", b"by another tool")]);
    world.bucket.delete(&["deleted"]);
    laptop.sync();
    laptop.tree().is(&[("kept", "kept"), ("new/one", "by another tool"), ("overwritten", "by another tool")]);
}

#[test]
fn t72_new_etag_with_old_bytes_moves_nothing() {
    let world = World::new();
    let laptop = world.connected("laptop");
    let body = s4_tests::random::Random::new(72).bytes(6 << 20);
    laptop.write("a.bin", &body);
    laptop.sync();
    let modified = laptop.path("a.bin").metadata().unwrap().modified().unwrap();
    world.bucket.put_in_parts("a.bin", &body);
    let before = world.bucket.objects();
    laptop.sync();
    assert_eq!(laptop.path("a.bin").metadata().unwrap().modified().unwrap(), modified);
    assert_eq!(world.bucket.objects(), before);
}

#[test]
fn rename_by_others_is_followed() {
    let world = World::new();
    let laptop = world.connected("laptop");
    laptop.write("before.txt", "some text");
    laptop.sync();
    world.bucket.put(&[("after.txt", b"some text")]);
    world.bucket.delete(&["before.txt"]);
    laptop.sync();
    laptop.tree().is(&[("after.txt", "some text")]);
}

#[test]
fn aws_command_line_reads_what_s4_wrote() {
    let world = World::new();
    let laptop = world.connected("laptop");
    laptop.write("a.txt", "plain bytes");
    laptop.sync();
    let copy = world.join("copy.txt");
    let mut aws = std::process::Command::new(s4_tests::places::client("aws"));
    python::with_keys(&mut aws, &world.server.access);
    aws.args(["s3", "cp", &format!("{}/a.txt", world.bucket.uri())]).arg(&copy);
    process::run(&mut aws).exits(0);
    assert_eq!(std::fs::read_to_string(copy).unwrap(), "plain bytes");
}
