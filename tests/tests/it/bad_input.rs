//! What bad input gets: a message that names the thing, the right exit status, and nothing changed.

use std::fs;

use s4_tests::{machine::Machine, process, server::Access, world::World};

#[track_caller]
fn nothing_was_added(machine: &Machine) {
    machine.s4(&["targets"]).exits(0).never_says("documents");
}

#[test]
fn folder_must_be_a_readable_directory() {
    let world = World::new();
    let laptop = world.machine("laptop");
    let missing = world.join("no such folder");
    laptop.try_add(&missing, &world.bucket.uri()).exits_with_one_of(&[1, 2]).says("no such folder");
    let file = world.join("a file");
    fs::write(&file, "x").unwrap();
    laptop.try_add(&file, &world.bucket.uri()).exits_with_one_of(&[1, 2]).says("a file");
    nothing_was_added(&laptop);
    assert!(!missing.exists());
}

#[test]
fn folder_that_became_a_file_fails_the_sync() {
    let world = World::new();
    let laptop = world.connected("laptop");
    laptop.write("a", "a");
    laptop.sync();
    fs::rename(laptop.folder(), world.join("aside")).unwrap();
    fs::write(laptop.folder(), "x").unwrap();
    laptop.try_sync(&[]).exits_with_one_of(&[1, 4]).says("Documents");
    assert_eq!(world.bucket.paths(), ["a"]);
}

#[test]
fn unknown_targets_are_named() {
    let world = World::new();
    let laptop = world.connected("laptop");
    for command in ["sync", "edit", "rm", "ls", "diff", "conflicts", "reset"] {
        let words =
            if command == "diff" { vec![command, "nonsense", "a"] } else { vec![command, "nonsense"] };
        laptop.s4(&words).exits(2).says("nonsense");
    }
}

#[test]
fn remote_must_be_an_s3_uri() {
    let world = World::new();
    let laptop = world.machine("laptop");
    for uri in ["http://bucket/x", "bucket/x", "s3://", "s3:///x", "s3://UPPER_case/x", "s3://b/x"] {
        laptop.try_add(laptop.folder(), uri).exits(2).says(uri);
    }
    nothing_was_added(&laptop);
}

#[test]
fn usage_errors_exit_with_2() {
    let world = World::new();
    let laptop = world.connected("laptop");
    for words in [
        &["frobnicate"][..],
        &["sync", "--conflicts", "maybe"],
        &["sync", "--max-delete", "lots"],
        &["sync", "--no-such-flag"],
        &["resolve", "documents", "a", "--keep", "neither"],
    ] {
        laptop.s4(words).exits(2).says(words.last().unwrap());
    }
}

#[test]
fn bucket_that_does_not_exist_is_named() {
    let world = World::new();
    let laptop = world.machine("laptop");
    laptop.try_add(laptop.folder(), "s3://no-such-bucket/x").exits(1).says("no-such-bucket");
    nothing_was_added(&laptop);
}

#[test]
fn wrong_keys_are_told_from_unknown_ones() {
    let world = World::new();
    let right = &world.server.access;
    for wrong in [
        Access { secret: "not the secret".to_owned(), ..right.clone() },
        Access { key_id: "NOSUCHKEY0000000".to_owned(), ..right.clone() },
    ] {
        let mut laptop = world.machine("laptop");
        laptop.use_access(&wrong);
        laptop
            .try_add(laptop.folder(), &world.bucket.uri())
            .exits(1)
            .says("credentials")
            .never_says(&wrong.secret);
        nothing_was_added(&laptop);
    }
}

#[test]
fn keys_that_became_wrong_change_nothing() {
    let world = World::new();
    let mut laptop = world.connected("laptop");
    laptop.write("a", "a");
    laptop.sync();
    let wrong = Access { secret: "not the secret".to_owned(), ..world.server.access.clone() };
    laptop.use_access(&wrong);
    laptop.write("b", "b");
    laptop.try_sync(&[]).exits(1).says("documents");
    laptop.tree().is(&[("a", "a"), ("b", "b")]);
    laptop.use_access(&world.server.access);
    laptop.sync();
    assert_eq!(world.bucket.paths(), ["a", "b"]);
}

#[test]
fn no_network_is_an_error_that_mends_itself() {
    let mut world = World::new();
    let laptop = world.connected("laptop");
    laptop.write("a", "a");
    laptop.sync();
    laptop.write("b", "b");
    // The port of a server that ended refuses connections.
    let data = world.join("server");
    world.server.halt();
    laptop.try_sync(&[]).exits(1).says("127.0.0.1");
    laptop.tree().is(&[("a", "a"), ("b", "b")]);
    world.server = s4_tests::server::Server::start(&data);
    laptop.sync();
    assert_eq!(world.bucket.paths(), ["a", "b"]);
}

#[test]
fn broken_configuration_is_named_and_never_overwritten() {
    let world = World::new();
    let laptop = world.connected("laptop");
    let broken = "{\"targets\": {\"documents\": ";
    fs::write(laptop.sync_conf(), broken).unwrap();
    for words in [&["sync"][..], &["targets"], &["rm", "documents"]] {
        laptop.s4(words).exits_with_one_of(&[1, 2]).says("sync.conf");
    }
    laptop.try_add(laptop.folder(), &world.bucket.uri()).exits_with_one_of(&[1, 2]).says("sync.conf");
    assert_eq!(fs::read_to_string(laptop.sync_conf()).unwrap(), broken);
}

#[test]
fn t57_nested_and_equal_folders_are_refused() {
    let world = World::new();
    let laptop = world.connected("laptop");
    laptop.make_directory("inside");
    let link = world.join("link");
    std::os::unix::fs::symlink(laptop.folder(), &link).unwrap();
    let above = laptop.home().to_path_buf();
    for folder in [laptop.folder().to_path_buf(), laptop.path("inside"), above, link] {
        let access = &world.server.access;
        let uri = world.bucket.at("other").uri();
        let folder = folder.to_string_lossy().into_owned();
        let words = ["add", "second", "--local", &folder, "--remote", &uri, "--endpoint", &access.endpoint];
        let rest = ["--region", &access.region, "--credentials", "env"];
        laptop.s4(&[&words[..], &rest].concat()).exits_with_one_of(&[1, 2]).says("documents");
    }
    laptop.s4(&["targets"]).exits(0).never_says("second");
}

#[test]
fn t57_nested_prefixes_are_refused_and_equal_ones_need_a_flag() {
    let world = World::new();
    let laptop = world.connected("laptop");
    let other = world.join("other");
    fs::create_dir(&other).unwrap();
    let add = |remote: &str, flags: &[&str]| {
        let access = &world.server.access;
        let folder = other.to_string_lossy().into_owned();
        let words = ["add", "second", "--local", &folder, "--remote", remote, "--endpoint", &access.endpoint];
        laptop.s4(&[&words[..], &["--region", &access.region, "--credentials", "env"], flags].concat())
    };
    add(&world.bucket.at("shared/below").uri(), &[]).exits_with_one_of(&[1, 2]).says("documents");
    add(&world.bucket.at("").uri(), &[]).exits_with_one_of(&[1, 2]).says("documents");
    add(&world.bucket.uri(), &[]).exits_with_one_of(&[1, 2]).says("--allow-same-prefix");
    add(&world.bucket.at("shared2").uri(), &[]).exits(0);
    laptop.s4(&["rm", "second"]).exits(0);
    add(&world.bucket.uri(), &["--allow-same-prefix"]).exits(0);
}

#[test]
fn t58_second_sync_of_one_folder_exits_with_6() {
    let world = World::new();
    let proxy = s4_tests::proxy::Proxy::start(&world.server.access, world.path());
    let mut laptop = world.machine("laptop");
    laptop.use_access(&proxy.access);
    laptop.add(&world.bucket);
    laptop.write("a", "a");
    proxy.set(s4_tests::proxy::Fault::Held("LIST"));
    let first = process::start(&mut laptop.command(&["sync", "documents"]));
    proxy.wait_until_held();
    laptop.try_sync(&[]).exits(6).says("documents");
    proxy.set(s4_tests::proxy::Fault::None);
    first.finish().exits(0);
    assert_eq!(world.bucket.paths(), ["a"]);
}

#[test]
fn t15_secret_in_argv_is_impossible() {
    let world = World::new();
    let laptop = world.machine("laptop");
    laptop.s4(&["add", "x", "--secret", "hunter2"]).exits(2);
    laptop.s4(&["add", "--help"]).exits(0).says("--secret-stdin");
}

#[test]
fn nothing_waits_for_an_answer_without_a_terminal() {
    let world = World::new();
    let laptop = world.machine("laptop");
    laptop.s4(&["add"]).exits(2).says("--local");
}
